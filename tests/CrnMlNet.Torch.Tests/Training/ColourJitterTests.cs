using CrnMlNet.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

public class ColourJitterTests
{
    [Fact]
    public void EachPhotoIsScaledInBrightnessAndInSaturation()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        var photos = 100 + 20 * rand([40, 3, 6, 8], generator: generator);

        var changed = ColourJitter.Apply(photos, 0.4, seed: 3);

        var (shades, changedShades) = (photos.mean([1], keepdim: true), changed.mean([1], keepdim: true));
        var brightness = (changedShades / shades).flatten(1);
        var saturation = ((changed - changedShades) / changedShades / ((photos - shades) / shades)).flatten(1);
        foreach (var factors in new[] { brightness, saturation })
        {
            // The same all over a photo, and another one for each.
            var middle = factors.sort(1).Values.select(1, factors.shape[1] / 2);
            Assert.Equal(0, (middle.unsqueeze(1) - factors).abs().median().item<float>(), 1e-3);
            float[] each = middle.contiguous().data<float>().ToArray();
            Assert.All(each, factor => Assert.InRange(factor, 0.6 - 1e-3, 1.4 + 1e-3));
            Assert.True(each.Min() < 0.7 && each.Max() > 1.3, string.Join(" ", each));
        }
        Assert.True(changed.equal(ColourJitter.Apply(photos, 0.4, seed: 3)).all().item<bool>());
        Assert.False(changed.equal(ColourJitter.Apply(photos, 0.4, seed: 4)).all().item<bool>());
    }

    [Fact]
    public void PhotosStayPhotos()
    {
        using var scope = NewDisposeScope();
        var photos = 255 * rand(10, 3, 4, 4).round();

        var changed = ColourJitter.Apply(photos, 1, seed: 1);

        Assert.InRange(changed.min().item<float>(), 0, 255);
        Assert.InRange(changed.max().item<float>(), 0, 255);
    }
}
