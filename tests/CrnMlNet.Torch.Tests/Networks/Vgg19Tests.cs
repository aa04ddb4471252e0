using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

public sealed class Vgg19Tests
{
    /// <summary>Parameters of each convolution as Keras' VGG19 lists them, from block1_conv1 to block5_conv2.</summary>
    private static readonly long[] Published =
    [
        1_792, 36_928, 73_856, 147_584, 295_168, 590_080, 590_080, 590_080,
        1_180_160, 2_359_808, 2_359_808, 2_359_808, 2_359_808, 2_359_808,
    ];

    [Fact]
    public void LayersAreThoseThatArePublished()
    {
        Assert.Equal(
            ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv3_4", "conv4_1", "conv4_2", "conv4_3", "conv4_4", "conv5_1", "conv5_2"],
            Vgg19.Shapes.Where((_, i) => i % 2 == 0).Select(shape => shape.Name.Replace(".weight", "")));
        Assert.Equal(Published, Vgg19.Shapes.Chunk(2).Select(layer => layer.Sum(shape => shape.Shape.Aggregate(1L, (product, size) => product * size))));
        Assert.Equal([64, 3, 3, 3], Vgg19.Shapes[0].Shape);
        // All 16 convolutions have 20,024,384 (Keras, include_top=False); conv5_3 and conv5_4, 2,359,808 each, are not needed.
        Assert.Equal(20_024_384 - 2 * 2_359_808, Published.Sum());
    }

    [Fact]
    public void TapsAreAtOneTwoFourEightAndSixteenPixels()
    {
        using var scope = NewDisposeScope();
        using var network = DrawnVgg19.Make();

        Assert.Equal(["conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"], network.Taps);
        long[][] expected = [[2, 64, 32, 48], [2, 128, 16, 24], [2, 256, 8, 12], [2, 512, 4, 6], [2, 512, 2, 3]];
        Assert.Equal(expected, network.Features(torch.rand(2, 3, 32, 48)).Select(tap => tap.shape));
        Assert.Equal([1L, 512, 1, 1], network.Features(torch.rand(1, 3, 16, 16))[4].shape);
        Assert.Equal([1L, 512, 2, 19], network.Features(torch.rand(1, 3, 17, 300))[4].shape);
    }

    public static TheoryData<string> Normalisations => [.. Vgg19Normalisation.Known.Select(known => known.Name)];

    [Theory]
    [MemberData(nameof(Normalisations))]
    public void LooksAsPlainLoopsInDoublePrecisionDo(string normalisation)
    {
        const int Rows = 7, Columns = 10;
        using var scope = NewDisposeScope();
        using var network = DrawnVgg19.Make(normalisation: Vgg19Normalisation.Parse(normalisation));
        var image = torch.rand([1, 3, Rows, Columns], generator: new Generator(5)) * 255;

        var taps = network.Features(image);

        var expected = Look(network, Normalised(Parameters.Maps(image, 0), normalisation));
        for (int tap = 0; tap < taps.Count; tap++)
        {
            var values = taps[tap].to(ScalarType.Float64).flatten().data<double>().ToArray();
            double scale = expected[tap].Values.Max();
            Assert.True(scale > 0);
            Assert.All(values.Zip(expected[tap].Values), pair => Assert.Equal(pair.Second, pair.First, 1e-4 * scale));
        }
    }

    [Fact]
    public void GradientsReachTheImageAndNeverTheWeights()
    {
        using var scope = NewDisposeScope();
        using var network = DrawnVgg19.Make();
        var image = (torch.rand(1, 3, 16, 16) * 255).requires_grad_();

        foreach (var tap in network.Features(image))
        {
            image.grad?.zero_();
            tap.sum().backward(retain_graph: true);
            Assert.True(image.grad!.abs().sum().item<float>() > 0);
        }
        Assert.All(network.Weights.Values, weight => Assert.False(weight.requires_grad));
    }

    [Fact]
    public void LeavesNothingBehind()
    {
        DrawnVgg19.Make().Dispose();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var network = DrawnVgg19.Make())
        using (NewDisposeScope())
            network.Features(torch.rand(1, 3, 16, 16));
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    /// <summary>torchvision's and the Caffe model's published numbers.</summary>
    private static Maps Normalised(Maps image, string normalisation)
    {
        double[] mean = [0.485, 0.456, 0.406], deviation = [0.229, 0.224, 0.225], caffe = [123.68, 116.779, 103.939];
        return Maps.Of(3, image.Rows, image.Columns, (c, y, x) => normalisation switch
        {
            "torchvision" => (image[c, y, x] / 255 - mean[c]) / deviation[c],
            "matconvnet" => image[c, y, x] - caffe[c],
            "caffe" => image[2 - c, y, x] - caffe[2 - c],
            _ => throw new ArgumentException(normalisation),
        });
    }

    private static List<Maps> Look(Vgg19 network, Maps x)
    {
        var taps = new List<Maps>();
        int block = 1;
        foreach (string layer in Vgg19.Shapes.Where((_, i) => i % 2 == 0).Select(shape => shape.Name.Replace(".weight", "")))
        {
            if (layer[4] - '0' > block)
            {
                block++;
                x = Pool(x);
            }
            var convolved = x.Convolve(Values($"{layer}.weight"), Values($"{layer}.bias"), (int)network.Weights[$"{layer}.bias"].shape[0], 3);
            x = Maps.Of(convolved.Channels, convolved.Rows, convolved.Columns, (c, v, u) => Math.Max(0, convolved[c, v, u]));
            if (layer.EndsWith("_2", StringComparison.Ordinal))
                taps.Add(x);
        }
        return taps;

        double[] Values(string name) => network.Weights[name].to(ScalarType.Float64).flatten().data<double>().ToArray();
    }

    /// <summary>tf.nn.avg_pool of 2x2 with stride 2 and padding SAME: the mean of what is there.</summary>
    private static Maps Pool(Maps x) => Maps.Of(x.Channels, (x.Rows + 1) / 2, (x.Columns + 1) / 2, (c, row, column) =>
    {
        var values = from v in Enumerable.Range(2 * row, 2) from u in Enumerable.Range(2 * column, 2) where v < x.Rows && u < x.Columns select x[c, v, u];
        return values.Average();
    });
}
