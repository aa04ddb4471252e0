using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

public sealed class SegmentationNetworkTests
{
    [Fact]
    public void DoesWhatPlainLoopsDo()
    {
        using var scope = NewDisposeScope();
        using var network = new SegmentationNetwork(classes: 3);
        using var generator = new Generator(5);
        Parameters.Randomise(network, generator);
        network.to(ScalarType.Float64);
        // Neither side can be halved evenly.
        var photos = rand(2, 3, 13, 18, ScalarType.Float64, generator: generator) * 255;

        var logits = network.forward(photos);

        Assert.Equal([2, 3, 13, 18], logits.shape);
        for (int n = 0; n < 2; n++)
        {
            var photo = Parameters.Maps(photos, n);
            var expected = Segment(network, Maps.Of(3, 13, 18, (c, y, x) => photo[c, y, x] / 127.5 - 1), out var coarsest);
            Close(expected.Values, logits[n]);
            Close([.. Enumerable.Range(0, 256).Select(c => coarsest.Values.Skip(c * coarsest.Rows * coarsest.Columns).Take(coarsest.Rows * coarsest.Columns).Average())], network.Features(photos)[n]);
        }
    }

    [Fact]
    public void SegmentsIntoTheLikeliestClasses()
    {
        using var scope = NewDisposeScope();
        using var network = new SegmentationNetwork(classes: 4, seed: 1);
        var photos = rand(1, 3, 8, 16) * 255;

        var logits = network.forward(photos).data<float>().ToArray();
        var ids = network.Segment(photos);

        Assert.Equal([1, 8, 16], ids.shape);
        Assert.Equal(
            Enumerable.Range(0, 128).Select(pixel => (long)Enumerable.Range(0, 4).MaxBy(label => logits[label * 128 + pixel])), ids.data<long>().ToArray());
    }

    [Fact]
    public void GradientsFlowToPhotosAndNotToParameters()
    {
        using var scope = NewDisposeScope();
        using var network = new SegmentationNetwork(classes: 2);
        var photo = (rand(1, 3, 16, 16) * 255).requires_grad_();

        network.forward(photo).square().sum().backward();

        Assert.True(photo.grad!.abs().sum().item<float>() > 0);
        Assert.All(network.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void TheSeedDecidesTheWeights()
    {
        using var scope = NewDisposeScope();
        using var one = new SegmentationNetwork(2, seed: 7);
        using var same = new SegmentationNetwork(2, seed: 7);
        using var other = new SegmentationNetwork(2, seed: 8);

        Assert.All(one.parameters().Zip(same.parameters()), pair => Assert.True(pair.First.Equals(pair.Second)));
        Assert.False(one.get_parameter("down0.conv1.weight")!.Equals(other.get_parameter("down0.conv1.weight")!));
    }

    /// <summary>The network's description, in plain loops.</summary>
    private static Maps Segment(SegmentationNetwork network, Maps x, out Maps coarsest)
    {
        int[] maps = [16, 32, 64, 128, 256];
        var levels = new Maps[5];
        for (int level = 0; level < 5; level++)
        {
            x = level == 0 ? x : MaxPool(x);
            x = Convolve(Convolve(x, $"down{level}", 1, maps[level]), $"down{level}", 2, maps[level]);
            levels[level] = x;
        }
        coarsest = x;
        for (int level = 3; level >= 0; level--)
            x = Convolve(levels[level].Before(Bilinear(x, levels[level].Rows, levels[level].Columns)), $"up{level}", 1, maps[level]);
        return x.Convolve(Parameters.Values(network, "classify.weight"), Parameters.Values(network, "classify.bias"), 3, 1);

        Maps Convolve(Maps input, string block, int layer, int outputs)
        {
            var y = input.Convolve(Parameters.Values(network, $"{block}.conv{layer}.weight"), null, outputs, 3);
            double[] gamma = Parameters.Values(network, $"{block}.norm{layer}.weight"), beta = Parameters.Values(network, $"{block}.norm{layer}.bias");
            int size = outputs / 8 * y.Rows * y.Columns;
            (double Mean, double Variance)[] groups =
            [
                .. y.Values.Chunk(size).Select(group => (group.Average(), group.Average(value => (value - group.Average()) * (value - group.Average())))),
            ];
            return Maps.Of(outputs, y.Rows, y.Columns, (c, v, u) =>
            {
                var (mean, variance) = groups[c / (outputs / 8)];
                return Math.Max(0, gamma[c] * (y[c, v, u] - mean) / Math.Sqrt(variance + 1e-5) + beta[c]);
            });
        }
    }

    private static Maps MaxPool(Maps maps) => Maps.Of(maps.Channels, (maps.Rows + 1) / 2, (maps.Columns + 1) / 2, (c, y, x) =>
    {
        double most = double.NegativeInfinity;
        for (int v = 2 * y; v < Math.Min(2 * y + 2, maps.Rows); v++)
            for (int u = 2 * x; u < Math.Min(2 * x + 2, maps.Columns); u++)
                most = Math.Max(most, maps[c, v, u]);
        return most;
    });

    /// <summary>Pixels are squares: a target pixel's middle is looked up between the middles around it, the border repeated.</summary>
    private static Maps Bilinear(Maps maps, int rows, int columns) => Maps.Of(maps.Channels, rows, columns, (c, y, x) =>
    {
        double fromY = Math.Max(0, (y + 0.5) * maps.Rows / rows - 0.5), fromX = Math.Max(0, (x + 0.5) * maps.Columns / columns - 0.5);
        int top = (int)fromY, left = (int)fromX, bottom = Math.Min(top + 1, maps.Rows - 1), right = Math.Min(left + 1, maps.Columns - 1);
        double v = fromY - top, u = fromX - left;
        return (1 - v) * ((1 - u) * maps[c, top, left] + u * maps[c, top, right]) + v * ((1 - u) * maps[c, bottom, left] + u * maps[c, bottom, right]);
    });

    private static void Close(double[] expected, Tensor actual)
    {
        var values = actual.detach().contiguous().data<double>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], values[i], 1e-6);
    }
}
