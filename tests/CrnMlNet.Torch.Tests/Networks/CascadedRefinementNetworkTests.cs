using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

public sealed class CascadedRefinementNetworkTests
{
    // Base cells worked by hand, as in CrnArchitectureTests.
    [Theory]
    [InlineData(16, 32, 4, 8, 3, 1, 0, ScalarType.Float32, 1e-4)]
    [InlineData(16, 32, 4, 8, 3, 1, 0, ScalarType.Float64, 1e-9)]
    [InlineData(24, 32, 3, 4, 4, 2, 0, ScalarType.Float32, 1e-4)]
    [InlineData(32, 32, 4, 4, 4, 1, 0, ScalarType.Float32, 1e-4)]
    [InlineData(37, 53, 5, 7, 4, 3, 0, ScalarType.Float32, 1e-4)]
    [InlineData(37, 53, 5, 7, 4, 3, 0, ScalarType.Float64, 1e-9)]
    [InlineData(48, 80, 3, 5, 5, 9, 0, ScalarType.Float32, 1e-4)]
    [InlineData(20, 50, 5, 13, 3, 1, 2, ScalarType.Float32, 1e-4)] // cropped from 20x52, as 24x56 from 3x7 has more pixels
    [InlineData(20, 50, 5, 13, 3, 9, 2, ScalarType.Float32, 1e-4)]
    public void DoesWhatPlainLoopsDo(
        int height, int width, int rows, int columns, int modules, int images, int noise, ScalarType precision, double tolerance)
    {
        const int channels = 5;
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        using var network = new CascadedRefinementNetwork(new CrnArchitecture
        {
            Channels = channels,
            Height = height,
            Width = width,
            ImagesPerLayout = images,
            WidthFactor = 1.0 / 64,
            NoiseChannels = noise,
        });
        Parameters.Randomise(network, generator);
        network.to(precision);
        var layout = nn.functional.softmax(3 * randn(2, channels, height, width, precision, generator: generator), 1);

        var output = network.forward(layout);

        Assert.Equal([2, images, 3, height, width], output.shape);
        for (int n = 0; n < 2; n++)
        {
            var expected = Synthesize(network, Parameters.Maps(layout, n), rows, columns, modules, noise);
            for (int image = 0; image < images; image++)
                Close(expected, image, images, output[n, image], tolerance);
        }
    }

    [Fact]
    public void TheSeedDecidesTheWeights()
    {
        var architecture = new CrnArchitecture { Channels = 3, Height = 16, Width = 16, WidthFactor = 1.0 / 64 };
        using var network = new CascadedRefinementNetwork(architecture, seed: 5);
        using var same = new CascadedRefinementNetwork(architecture, seed: 5);
        using var other = new CascadedRefinementNetwork(architecture, seed: 6);

        foreach (var (name, parameter) in network.named_parameters())
        {
            Assert.True(parameter.equal(same.get_parameter(name)!).all().item<bool>(), name);
            if (parameter.dim() == 4)
                Assert.False(parameter.equal(other.get_parameter(name)!).all().item<bool>(), name);
        }
    }

    [Fact]
    public void ConvolutionsAreXavierUniformAndNormalisationsDoNothingYet()
    {
        using var network = new CascadedRefinementNetwork(
            new CrnArchitecture { Channels = 20, Height = 16, Width = 16, WidthFactor = 0.125 });

        // slim.conv2d's default: uniform up to sqrt(6 / (fan in + fan out)), here of 3x3 x (20 + 128).
        double limit = Math.Sqrt(6.0 / (9 * (20 + 128)));
        var weight = network.get_parameter("g_4.conv1.weight")!;
        Assert.InRange(weight.abs().max().item<float>(), 0.99 * limit, limit);
        Assert.Equal(limit / Math.Sqrt(3), weight.std().item<float>(), 0.02 * limit);
        Assert.All(Parameters.Values(network, "g_8.norm2.weight"), value => Assert.Equal(1, value));
        Assert.All(Parameters.Values(network, "g_8.norm2.bias"), value => Assert.Equal(0, value));
        Assert.All(Parameters.Values(network, "conv100.bias"), value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData(4, 16, 32)]
    [InlineData(3, 32, 16)]
    [InlineData(3, 16, 31)]
    public void ALayoutOfAnotherShapeIsRefused(int channels, int height, int width)
    {
        using var network = new CascadedRefinementNetwork(
            new CrnArchitecture { Channels = 3, Height = 16, Width = 32, WidthFactor = 1.0 / 64 });
        using var layout = zeros(1, channels, height, width);

        var exception = Assert.Throws<ArgumentException>(() => network.forward(layout));

        Assert.Contains($"[N, 3, 16, 32], got [1, {channels}, {height}, {width}]", exception.Message);
    }

    /// <summary>The head's planes [3k, H, W] before they are scaled, from plain loops.</summary>
    private static Maps Synthesize(CascadedRefinementNetwork network, Maps layout, int rows, int columns, int modules, int noise)
    {
        int height = rows << modules - 1, width = columns << modules - 1;
        int top = (height - layout.Rows) / 2, left = (width - layout.Columns) / 2;
        var finest = layout.Window(-top, -left, height, width);
        Maps? features = null;
        for (int i = 0; i < modules; i++)
        {
            string module = $"g_{rows << i}";
            int outputs = Parameters.Values(network, $"{module}.norm1.bias").Length;
            var labels = finest.AreaAverage(1 << modules - 1 - i);
            features = Maps.Refine(
                features, noise == 0 ? labels : labels.Before(Noise(noise, labels, i)), name => Parameters.Values(network, $"{module}.{name}"), outputs);
        }
        var bias = Parameters.Values(network, "conv100.bias");
        return features!.Convolve(Parameters.Values(network, "conv100.weight"), bias, bias.Length, 1)
            .Window(top, left, layout.Rows, layout.Columns);
    }

    /// <summary>Fixed noise of a module, uniform in unit variance: SplitMix64's outputs from 2^40 times the module's index on.</summary>
    private static Maps Noise(int channels, Maps labels, int module) => Maps.Of(channels, labels.Rows, labels.Columns, (c, y, x) =>
    {
        ulong index = ((ulong)module << 40) + (ulong)((c * labels.Rows + y) * labels.Columns + x);
        ulong z = unchecked((index + 1) * 0x9E3779B97F4A7C15);
        z = unchecked((z ^ z >> 30) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ z >> 27) * 0x94D049BB133111EB);
        return Math.Sqrt(12) * ((z ^ z >> 31) / Math.Pow(2, 64) - 0.5);
    });

    private static void Close(Maps planes, int image, int images, Tensor actual, double tolerance)
    {
        var values = actual.detach().to(ScalarType.Float64).contiguous().data<double>().ToArray();
        double scale = planes.Values.Max(value => Math.Abs((value + 1) / 2 * 255));
        int i = 0;
        for (int colour = 0; colour < 3; colour++)
            for (int y = 0; y < planes.Rows; y++)
                for (int x = 0; x < planes.Columns; x++)
                    Assert.Equal((planes[image + colour * images, y, x] + 1) / 2 * 255, values[i++], tolerance * scale);
    }
}
