using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

public sealed class VggTrunkTests
{
    [Fact]
    public void HasTheConvolutionsOfVgg19UpToConv5_2()
    {
        using var generator = new Generator(1);
        using var trunk = new VggTrunk(1, generator);

        // Simonyan & Zisserman 2015, table 1, column E, 3x3 kernels and a bias for each map.
        (string Name, int Inputs, int Outputs)[] published =
        [
            ("conv1_1", 3, 64), ("conv1_2", 64, 64),
            ("conv2_1", 64, 128), ("conv2_2", 128, 128),
            ("conv3_1", 128, 256), ("conv3_2", 256, 256), ("conv3_3", 256, 256), ("conv3_4", 256, 256),
            ("conv4_1", 256, 512), ("conv4_2", 512, 512), ("conv4_3", 512, 512), ("conv4_4", 512, 512),
            ("conv5_1", 512, 512), ("conv5_2", 512, 512),
        ];
        Assert.Equal(
            published.SelectMany(layer => new[]
            {
                $"{layer.Name}.weight {layer.Outputs}x{layer.Inputs}x3x3",
                $"{layer.Name}.bias {layer.Outputs}",
            }).Order(),
            trunk.named_parameters().Select(parameter => $"{parameter.name} {string.Join('x', parameter.parameter.shape)}").Order());
        // All sixteen convolutions of VGG-19 have 20,024,384; the last two, conv5_3 and conv5_4, 2,359,808 each.
        Assert.Equal(20_024_384 - 2 * 2_359_808, trunk.parameters().Sum(parameter => parameter.numel()));
    }

    [Theory]
    [InlineData(16, 16)]
    [InlineData(37, 53)]
    public void TheTapsAreHalvedFromBlockToBlock(int height, int width)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var trunk = new VggTrunk(0.125, generator);

        var taps = trunk.forward(rand(2, 3, height, width));

        Assert.Equal(["conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"], VggTrunk.Taps);
        int[] features = [8, 16, 32, 64, 64];
        Assert.Equal(features, trunk.Features);
        for (int tap = 0; tap < 5; tap++)
        {
            Assert.Equal([2, features[tap], height >> tap, width >> tap], taps[tap].shape);
            Assert.True(taps[tap].min().item<float>() >= 0);
        }
    }

    [Fact]
    public void DoesWhatPlainLoopsDo()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        using var trunk = new VggTrunk(0.0625, generator);
        foreach (var parameter in trunk.parameters().Where(parameter => parameter.dim() == 1))
            using (no_grad())
                parameter.normal_(0, 0.3, generator);
        trunk.to(ScalarType.Float64);
        var images = randn(1, 3, 16, 18, ScalarType.Float64, generator: generator);

        var taps = trunk.forward(images);

        var x = Parameters.Maps(images, 0);
        int[] convolutions = [2, 2, 4, 4, 2];
        for (int block = 1; block <= 5; block++)
        {
            if (block > 1)
                x = x.Window(0, 0, x.Rows / 2 * 2, x.Columns / 2 * 2).AreaAverage(2);
            for (int convolution = 1; convolution <= convolutions[block - 1]; convolution++)
            {
                var bias = Parameters.Values(trunk, $"conv{block}_{convolution}.bias");
                x = x.Convolve(Parameters.Values(trunk, $"conv{block}_{convolution}.weight"), bias, bias.Length, 3);
                x = Maps.Of(x.Channels, x.Rows, x.Columns, (c, row, column) => Math.Max(0, x[c, row, column]));
                if (convolution == 2)
                    Close(x, taps[block - 1]);
            }
        }
    }

    [Fact]
    public void GradientsReachTheImageThroughFrozenWeights()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var trunk = new VggTrunk(0.125, generator);
        foreach (var parameter in trunk.parameters())
            parameter.requires_grad = false;
        var image = rand(1, 3, 16, 16).requires_grad_();

        trunk.forward(image)[^1].sum().backward();

        Assert.True(image.grad!.abs().sum().item<float>() > 0);
        Assert.All(trunk.parameters(), parameter => Assert.Null(parameter.grad));
    }

    private static void Close(Maps expected, Tensor actual)
    {
        var values = actual.detach().contiguous().data<double>().ToArray();
        Assert.Equal(expected.Values.Length, values.Length);
        for (int i = 0; i < values.Length; i++)
            Assert.Equal(expected.Values[i], values[i], 1e-9 * (1 + Math.Abs(values[i])));
    }
}
