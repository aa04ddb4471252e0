using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

public class FilterBankPerceptionTests
{
    [Fact]
    public void TapsHaveAQuarterOfTheLinearCellsOfTheirScale()
    {
        using var scope = NewDisposeScope();
        using var perception = new FilterBankPerception(CPU);

        var taps = perception.Features(torch.zeros(2, 3, 32, 48));

        Assert.Equal(["texture_1", "texture_2", "texture_4", "texture_8", "colour_4"], perception.Taps);
        // Cells of 4 with a step of 2: ceil((size - 4) / 2) + 1, at sizes 32x48, 16x24, 8x12 and 4x6.
        long[][] expected = [[2, 24, 15, 23], [2, 24, 7, 11], [2, 24, 3, 5], [2, 24, 1, 2], [2, 3, 8, 12]];
        Assert.Equal(expected, taps.Select(tap => tap.shape));
    }

    [Fact]
    public void AFlatImageHasNoTextureAndItsOwnColour()
    {
        using var scope = NewDisposeScope();
        using var perception = new FilterBankPerception(CPU);
        var orange = torch.tensor(new float[] { 240, 120, 0 }, [1, 3, 1, 1]).expand(1, 3, 16, 16);

        var taps = perception.Features(orange);

        foreach (var texture in taps.Take(4))
            Assert.True(texture.abs().max().item<float>() < 1e-3f);
        // Luma (240 + 120) / 3, red against green (240 - 120) / 2, yellow against blue (240 + 120) / 4.
        Assert.Equal([120f, 60f, 90f], taps[4].mean([0, 2, 3]).data<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-3);
    }

    [Fact]
    public void StripesOfTheHighestFrequencyAnswerInTheirFilterWithTheStrengthOfAPlainLoop()
    {
        using var scope = NewDisposeScope();
        using var perception = new FilterBankPerception(CPU);
        var values = new float[16 * 16];
        for (int i = 0; i < values.Length; i++)
            values[i] = i % 2 == 0 ? 100 : 200;
        var stripes = torch.tensor(values, [1, 1, 16, 16]).expand(1, 3, 16, 16);

        var texture = perception.Features(stripes)[0];

        for (int filter = 1; filter < 25; filter++)
        {
            double sum = 0;
            for (int y = 4; y < 8; y++)
                for (int x = 4; x < 8; x++)
                    sum += Math.Abs(Response(values, y, x, filter / 5, filter % 5));
            Assert.Equal(sum / 16, texture[0, filter - 1, 2, 2].item<float>(), 1e-2);
        }
    }

    [Fact]
    public void MovingTheCrestsLeavesTheStrengthButNotTheImage()
    {
        using var scope = NewDisposeScope();
        using var perception = new FilterBankPerception(CPU);
        var checks = torch.arange(32).unsqueeze(0).add(torch.arange(32).unsqueeze(1)).remainder(2).to(ScalarType.Float32).mul(100).expand(1, 3, 32, 32);
        var moved = 100 - checks;

        Assert.Equal(100, (checks - moved).abs().mean().item<float>(), 1e-3);
        var (here, there) = (perception.Features(checks)[0], perception.Features(moved)[0]);
        // Away from the border, where the padding sees another phase.
        Assert.True((here - there).narrow(2, 2, 10).narrow(3, 2, 10).abs().max().item<float>() < 1e-3f);
    }

    [Theory]
    [InlineData(16, 16)]
    [InlineData(16, 300)]
    [InlineData(37, 53)]
    public void AnySizeThatANetworkPaintsHasAllTaps(int height, int width)
    {
        using var scope = NewDisposeScope();
        using var perception = new FilterBankPerception(CPU);

        Assert.All(perception.Features(torch.rand(1, 3, height, width)), tap => Assert.True(tap.numel() > 0 && tap.isfinite().all().item<bool>()));
    }

    [Fact]
    public void GradientsReachTheImage()
    {
        using var scope = NewDisposeScope();
        using var perception = new FilterBankPerception(CPU);
        var image = torch.rand(1, 3, 16, 16, requires_grad: true);

        perception.Features(image).Select(tap => tap.sum()).Aggregate((a, b) => a + b).backward();

        Assert.True(image.grad!.abs().sum().item<float>() > 0);
    }

    /// <summary>The response of the orthonormal DCT-II filter of frequencies (u, v) at a pixel away from the border.</summary>
    private static double Response(float[] image, int y, int x, int u, int v)
    {
        double sum = 0;
        for (int dy = 0; dy < 5; dy++)
            for (int dx = 0; dx < 5; dx++)
                sum += image[(y + dy - 2) * 16 + x + dx - 2]
                    * Math.Sqrt((u == 0 ? 0.2 : 0.4) * (v == 0 ? 0.2 : 0.4))
                    * Math.Cos(Math.PI * u * (dy + 0.5) / 5) * Math.Cos(Math.PI * v * (dx + 0.5) / 5);
        return sum;
    }
}
