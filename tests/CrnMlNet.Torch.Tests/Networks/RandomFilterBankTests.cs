using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

public class RandomFilterBankTests
{
    private const int Count = 300;

    [Fact]
    public void FiltersSeeNoMeanAndHaveUnitLength()
    {
        using var scope = NewDisposeScope();

        var filters = RandomFilterBank.Draw(Count, new Random(1));

        Assert.Equal([Count, 3, 5, 5], filters.shape);
        Assert.Equal(0, filters.sum([2, 3]).abs().max().item<float>(), 1e-5);
        var lengths = filters.square().sum([1, 2, 3]).data<float>().ToArray();
        Assert.All(lengths, length => Assert.Equal(1, length, 1e-5));
    }

    [Fact]
    public void AThirdSeesShadesAloneAThirdHuesAloneAndAThirdBoth()
    {
        using var scope = NewDisposeScope();
        var filters = RandomFilterBank.Draw(Count, new Random(2));
        // A gray patch, and one that is as bright everywhere.
        var patch = torch.randn(5, 5);
        var gray = patch.expand(1, 3, 5, 5);
        var hue = torch.stack([patch, -patch, torch.zeros(5, 5)]).unsqueeze(0);

        float[] ofGray = Responses(gray), ofHue = Responses(hue);

        for (int filter = 0; filter < Count; filter++)
        {
            Assert.Equal(filter % 3 != 1, Math.Abs(ofGray[filter]) > 1e-5);
            Assert.Equal(filter % 3 != 0, Math.Abs(ofHue[filter]) > 1e-5);
        }

        float[] Responses(Tensor patch) => (filters * patch).sum([1, 2, 3]).data<float>().ToArray();
    }

    [Fact]
    public void EveryDirectionIsAsLikely()
    {
        using var scope = NewDisposeScope();

        // Of those that see both: 72 dimensions, 24 in each colour, each with as much of the unit length.
        var both = RandomFilterBank.Draw(3000, new Random(3)).view(1000, 3, 3, 5, 5).select(1, 2);

        Assert.Equal(0, both.mean([0]).abs().max().item<float>(), 0.03);
        Assert.All(both.square().mean([0]).flatten().data<float>().ToArray(), power => Assert.InRange(power, 0.7 / 75, 1.3 / 75));
    }
}
