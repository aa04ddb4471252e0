using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

/// <summary>Cascades whose layout scales and shifts what was normalised.</summary>
public sealed class LayoutModulationTests
{
    private const int Channels = 5;

    [Theory]
    [InlineData(Modulation.Clade)]
    [InlineData(Modulation.Spade)]
    public void ACascadeDoesWhatPlainLoopsDo(Modulation modulation)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        // Three modules from 4x8 on.
        using var network = new CascadedRefinementNetwork(Architecture(modulation));
        Parameters.Randomise(network, generator);
        network.to(ScalarType.Float64);
        var layout = nn.functional.softmax(3 * randn(2, Channels, 16, 32, ScalarType.Float64, generator: generator), 1);

        var output = network.forward(layout);

        for (int n = 0; n < 2; n++)
        {
            Maps? features = null;
            for (int i = 0; i < 3; i++)
            {
                string module = $"g_{4 << i}";
                var labels = Parameters.Maps(layout, n).AreaAverage(4 >> i);
                using var noise = FixedNoise.Plane(1, labels.Rows, labels.Columns, i);
                features = Refine(features, labels, labels.Before(Parameters.Maps(noise, 0)), modulation, name => Parameters.Values(network, $"{module}.{name}"));
            }
            var bias = Parameters.Values(network, "conv100.bias");
            double[] expected = [.. features!.Convolve(Parameters.Values(network, "conv100.weight"), bias, 3, 1).Values.Select(value => (value + 1) / 2 * 255)];
            double[] actual = output[n, 0].detach().contiguous().data<double>().ToArray();
            double scale = expected.Max(Math.Abs);
            Assert.Equal(expected, actual, (a, b) => Math.Abs(a - b) < 1e-9 * scale);
        }
    }

    // By hand: two 3x3 convolutions in each of three modules of 16 maps, of 5 classes and noise; and for each of the two a gain and a bias for each map and class, or 5 and 8
    // maps' 3x3 convolutions, with biases, to 8 shared maps, to gains and to biases. The head has 16 x 3 and 3.
    [Theory]
    [InlineData(Modulation.Clade, 9 * (6 * 16 + 16 * 16 + 2 * (22 * 16 + 16 * 16)) + 51 + 6 * 2 * 5 * 16)]
    [InlineData(Modulation.Spade, 9 * (6 * 16 + 16 * 16 + 2 * (22 * 16 + 16 * 16)) + 51 + 6 * (9 * 5 * 8 + 8 + 2 * (9 * 8 * 16 + 16)))]
    public void ItHasAsManyParametersAsIsCountedAndGradientsReachAllOfThem(Modulation modulation, long expected)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        using var network = new CascadedRefinementNetwork(Architecture(modulation), seed: 3);
        var layout = nn.functional.softmax(3 * randn(2, Channels, 16, 32, generator: generator), 1);

        var painted = network.forward(layout);
        (painted * randn(painted.shape, generator: generator)).sum().BackPropagate();

        Assert.Equal(expected, network.ParameterCount);
        Assert.Equal(expected, network.Architecture.ParameterCount());
        Assert.Equal(expected, network.Cascade.ParameterCount(newestModules: 3));
        network.LearnOnly(1);
        Assert.Equal(network.parameters().Where(parameter => parameter.requires_grad).Sum(parameter => parameter.numel()), network.Cascade.ParameterCount(newestModules: 1));
        foreach (var (name, parameter) in network.named_parameters())
            Assert.True(parameter.grad is { } gradient && gradient.isfinite().all().item<bool>() && gradient.abs().max().item<float>() > 0, name);
    }

    [Theory]
    [InlineData(Modulation.Clade, SynthesisPrecision.Float32)]
    [InlineData(Modulation.Clade, SynthesisPrecision.BFloat16)]
    [InlineData(Modulation.Spade, SynthesisPrecision.Auto)]
    public void ASynthesizerPaintsWhatTheNetworkDoes(Modulation modulation, SynthesisPrecision precision)
    {
        using var scope = NewDisposeScope();
        // Of a size at which Winograd's convolutions would pay.
        using var network = new CascadedRefinementNetwork(Architecture(modulation) with { Height = 64, Width = 64, WidthFactor = 0.25 }, seed: 3);
        network.eval();
        using var synthesizer = new Synthesizer(network) { Precision = precision };
        byte[] ids = [.. Enumerable.Range(0, 64 * 64).Select(i => (byte)(i / 20 % Channels))];
        var photo = new float[3 * ids.Length];

        synthesizer.Synthesize(ids, photo);

        using var _ = no_grad();
        var expected = network.forward(CrnMlNet.Torch.Layouts.SemanticLayout.OneHot(tensor(ids).reshape(1, 64, 64), Channels)).clamp(0, 255);
        double error = expected.contiguous().data<float>().ToArray().Zip(photo, (one, other) => (double)(one - other) * (one - other)).Average();
        Assert.InRange(10 * Math.Log10(255 * 255 / error), precision == SynthesisPrecision.BFloat16 || precision == SynthesisPrecision.Auto && BFloat16Support.HasMatrixUnit(CPU) ? 36 : 80, double.PositiveInfinity);
    }

    [Fact]
    public void WithoutItNothingIsChanged()
    {
        using var plain = new CascadedRefinementNetwork(Architecture(Modulation.None), seed: 3);

        Assert.Equal(
            ["conv1.weight", "norm1.weight", "norm1.bias", "conv2.weight", "norm2.weight", "norm2.bias"],
            plain.named_parameters().Where(named => named.name.StartsWith("g_8.", StringComparison.Ordinal)).Select(named => named.name["g_8.".Length..]));
        Assert.Contains("None, Clade, Spade", Assert.Throws<ArgumentOutOfRangeException>(() => Architecture((Modulation)3).Validate()).Message);
    }

    private static CrnArchitecture Architecture(Modulation modulation) =>
        new() { Channels = Channels, Height = 16, Width = 32, WidthFactor = 1.0 / 64, NoiseChannels = 1, Modulation = modulation };

    private static Maps Refine(Maps? features, Maps layout, Maps labels, Modulation modulation, Func<string, double[]> value)
    {
        const int Outputs = 16;
        double[] one = [.. Enumerable.Repeat(1.0, Outputs)], zero = new double[Outputs];
        var maps = features is null ? labels : features.ResizeBilinear(labels.Rows, labels.Columns).Before(labels);
        for (int layer = 1; layer <= 2; layer++)
        {
            var normal = maps.Convolve(value($"conv{layer}.weight"), null, Outputs, 3).LayerNorm(one, zero);
            string name = $"modulation{layer}";
            bool isSpade = modulation == Modulation.Spade;
            var seen = isSpade ? layout.Convolve(value($"{name}.shared.weight"), value($"{name}.shared.bias"), 8, 3).Each(x => Math.Max(0, x)) : layout;
            var (gains, biases) = (Convolved("gains"), Convolved("biases"));
            maps = Maps.Of(Outputs, normal.Rows, normal.Columns, (c, y, x) => (1 + gains[c, y, x]) * normal[c, y, x] + biases[c, y, x]).LeakyRelu();

            Maps Convolved(string what) => seen.Convolve(value($"{name}.{what}.weight"), isSpade ? value($"{name}.{what}.bias") : null, Outputs, isSpade ? 3 : 1);
        }
        return maps;
    }
}
