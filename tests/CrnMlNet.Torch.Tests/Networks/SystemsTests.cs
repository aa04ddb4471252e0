using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

/// <summary>The networks that the paper's is compared with: what they compute, against plain loops; and what holds of all of them.</summary>
public sealed class SystemsTests
{
    private const int Channels = 3;

    public static TheoryData<NetworkKind> All => [.. Enum.GetValues<NetworkKind>()];

    // Pix2pix' is what its authors' program prints: "[Network G] Total number of parameters : 54.414 M" of unet_256. The others are added up by
    // hand, 3x3 kernels, two numbers of normalisation a map, and the head.
    [Theory]
    [InlineData(NetworkKind.Pix2Pix, 3, 256, 256, 54_413_955)]
    [InlineData(NetworkKind.FullResolution, 20, 256, 512, 9 * 20 * 256 + 9 * 9 * 256 * 256 + 10 * 2 * 256 + 256 * 3 + 3)]
    [InlineData(NetworkKind.UNet, 20, 256, 512,
        9 * (20 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 256 * 256 + 256 * 512 + 512 * 512 + 512 * 1024 + 5 * 1024 * 1024)
        + 4 * (64 + 128 + 256 + 512 + 3 * 1024)
        + 4 * (2 * 1024 * 1024 + 1024 * 512 + 512 * 256 + 256 * 128 + 128 * 64) + 2 * 1024 + 512 + 256 + 128 + 64
        + 9 * 3 * (2 * 1024 * 1024 + 512 * 512 + 256 * 256 + 128 * 128 + 64 * 64) + 4 * (2 * 1024 + 512 + 256 + 128 + 64)
        + 64 * 3 + 3)]
    [InlineData(NetworkKind.Recombinator, 20, 256, 512,
        9 * (20 * 512 + 512 * 512 + 512 * 1024 + 4 * 1024 * 1024) + 2 * (2 * 512 + 5 * 1024)
        + 9 * (2 * 1024 * 1024 + 4 * 3 * 1024 * 1024 + (1024 + 512) * 512 + 512 * 512 + 3 * 512 * 512) + 4 * (5 * 1024 + 2 * 512)
        + 512 * 3 + 3)]
    public void CountsTheParametersOfTheFullWidth(NetworkKind kind, int channels, int height, int width, long expected) =>
        Assert.Equal(expected, SynthesisArchitecture.Of(kind, channels, height, width).ParameterCount());

    [Theory]
    [MemberData(nameof(All))]
    public void ANetworkHasTheParametersThatItsArchitectureCountsAndGradientsReachAllOfThem(NetworkKind kind)
    {
        foreach (var (height, width, images, noise) in new[] { (16, 16, 1, 0), (37, 53, 2, 1), (40, 24, 1, 2) })
        {
            using var scope = NewDisposeScope();
            var architecture = SynthesisArchitecture.Of(kind, Channels, height, width) with { WidthFactor = 1.0 / 64, ImagesPerLayout = images, NoiseChannels = noise };
            using var network = architecture.Build(seed: 3);
            using var generator = new Generator(5);

            // Noise in the layout, so that a normalised single pixel, which is 0, is the only thing without a gradient.
            var painted = network.forward(Layout(2, height, width, ScalarType.Float32));
            (painted * torch.randn(painted.shape, generator: generator)).sum().backward();

            Assert.Equal([2, images, 3, height, width], painted.shape);
            Assert.Equal(architecture.ParameterCount(), network.ParameterCount);
            foreach (var (name, parameter) in network.named_parameters())
                Assert.True(parameter.grad is { } gradient && gradient.isfinite().all().item<bool>() && gradient.abs().max().item<float>() > 0, $"{kind} {height}x{width}: {name}");
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void TheSeedDecidesTheWeightsAndAnotherLayoutIsRefused(NetworkKind kind)
    {
        var architecture = SynthesisArchitecture.Of(kind, Channels, 16, 32) with { WidthFactor = 1.0 / 64 };
        using var network = architecture.Build(seed: 5);
        using var same = architecture.Build(seed: 5);
        using var other = architecture.Build(seed: 6);

        foreach (var (name, parameter) in network.named_parameters())
            Assert.True(parameter.equal(same.get_parameter(name)!).all().item<bool>(), name);
        Assert.Contains(network.named_parameters(), named => !named.parameter.equal(other.get_parameter(named.name)!).all().item<bool>());
        using var layout = zeros(1, Channels, 32, 16);
        Assert.Contains($"[N, {Channels}, 16, 32], got [1, {Channels}, 32, 16]", Assert.Throws<ArgumentException>(() => network.forward(layout)).Message);
    }

    // Half of the shorter side or less, at most 128, then halves.
    [Theory]
    [InlineData(256, 512, new[] { 128, 64, 32, 16, 8, 4, 2, 1, 1, 1 })]
    [InlineData(96, 128, new[] { 32, 16, 8, 4, 2, 1, 1, 1, 1, 1 })]
    [InlineData(2048, 1024, new[] { 128, 64, 32, 16, 8, 4, 2, 1, 1, 1 })]
    public void TheFullResolutionNetworkSeesFarFirst(int height, int width, int[] dilations) =>
        Assert.Equal(dilations, new FullResolutionArchitecture { Channels = 20, Height = height, Width = width }.Dilations());

    [Fact]
    public void TheFullResolutionNetworkDoesWhatPlainLoopsDo() => DoesWhatPlainLoopsDo(NetworkKind.FullResolution, 16, 20, (layout, value) =>
    {
        var x = layout;
        int[] dilations = [8, 4, 2, 1, 1, 1, 1, 1, 1, 1];
        for (int i = 0; i < dilations.Length; i++)
            x = x.Convolve(value($"layer{i + 1}.conv.weight"), null, 8, 3, 1, dilations[i], dilations[i])
                .LayerNorm(value($"layer{i + 1}.norm.weight"), value($"layer{i + 1}.norm.bias")).LeakyRelu();
        return x.Convolve(value("head.weight"), value("head.bias"), 3, 1);
    });

    [Fact]
    public void TheUNetDoesWhatPlainLoopsDo() => DoesWhatPlainLoopsDo(NetworkKind.UNet, 18, 20, (layout, value) =>
    {
        // 5x5 pixels doubled twice are 20x20, of which 18 rows are wanted.
        var input = layout.Window(-1, 0, 20, 20);
        var fine = Two(input, "down_20");
        var middle = Two(fine.Maximum(), "down_10");
        var coarse = Two(middle.Maximum(), "down_5");
        middle = Two(middle.Before(coarse.ConvolveTransposed(value("upsample_10.weight"), value("upsample_10.bias"), 8, 2, 2, 0)), "up_10");
        fine = Two(fine.Before(middle.ConvolveTransposed(value("upsample_20.weight"), value("upsample_20.bias"), 8, 2, 2, 0)), "up_20");
        return fine.Convolve(value("head.weight"), value("head.bias"), 3, 1).Window(1, 0, 18, 20);

        Maps Two(Maps maps, string module) => Maps.Refine(null, maps, name => value($"{module}.{name}"), 8);
    });

    [Fact]
    public void TheRecombinatorNetworkDoesWhatPlainLoopsDo() => DoesWhatPlainLoopsDo(NetworkKind.Recombinator, 20, 18, (layout, value) =>
    {
        var fine = Encode(layout.Window(0, -1, 20, 20), 20);
        var middle = Encode(fine.Maximum(), 10);
        var coarse = Encode(middle.Maximum(), 5);
        Maps? x = null;
        foreach (var (found, rows) in new[] { (coarse, 5), (middle, 10), (fine, 20) })
            x = Maps.Refine(x, found, name => value($"branch_{rows}.{name}"), 16);
        return x!.Convolve(value("head.weight"), value("head.bias"), 3, 1).Window(0, 1, 20, 18);

        Maps Encode(Maps maps, int rows) => maps.Convolve(value($"down_{rows}.conv.weight"), null, 16, 3)
            .LayerNorm(value($"down_{rows}.norm.weight"), value($"down_{rows}.norm.bias")).LeakyRelu();
    });

    [Fact]
    public void ThePix2PixGeneratorDoesWhatPlainLoopsDo() => DoesWhatPlainLoopsDo(NetworkKind.Pix2Pix, 22, 24, (layout, value) =>
    {
        // 3x3 pixels doubled three times are 24x24.
        var found = new List<Maps>();
        var x = layout.Window(-1, 0, 24, 24);
        for (int i = 1; i <= 3; i++)
        {
            x = (i == 1 ? x : x.LeakyRelu()).Convolve(value($"down{i}.weight"), null, 8, 4, 2, 1, 1);
            if (i == 2)
                x = x.InstanceNorm(value("down2_norm.weight"), value("down2_norm.bias"), 1e-5);
            found.Add(x);
        }
        for (int i = 3; i >= 1; i--)
        {
            x = (i == 3 ? x : found[i - 1].Before(x)).Each(v => Math.Max(0, v));
            x = x.ConvolveTransposed(value($"up{i}.weight"), i == 1 ? value("up1.bias") : null, i == 1 ? 3 : 8, 4, 2, 1);
            if (i > 1)
                x = x.InstanceNorm(value($"up{i}_norm.weight"), value($"up{i}_norm.bias"), 1e-5);
        }
        return x.Each(Math.Tanh).Window(1, 0, 22, 24);
    });

    [Fact]
    public void ThePix2PixGeneratorDropsHalfOfItsInnerMapsInTrainingAsTheStepSays()
    {
        using var scope = NewDisposeScope();
        using var network = new Pix2PixGenerator(new Pix2PixArchitecture { Channels = Channels, Height = 64, Width = 64, WidthFactor = 1.0 / 64 }, seed: 1);
        Parameters.Randomise(network, new Generator(2));
        var layout = Layout(1, 64, 64, ScalarType.Float32);

        Tensor Paint(ulong step)
        {
            network.BeginStep(step);
            return network.forward(layout);
        }
        network.train();
        Assert.True(Paint(7).equal(Paint(7)).all().item<bool>());
        Assert.False(Paint(7).equal(Paint(8)).all().item<bool>());
        network.eval();
        Assert.True(Paint(7).equal(Paint(8)).all().item<bool>());
    }

    private static void DoesWhatPlainLoopsDo(NetworkKind kind, int height, int width, Func<Maps, Func<string, double[]>, Maps> reference)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        var architecture = SynthesisArchitecture.Of(kind, Channels, height, width) with { WidthFactor = 1.0 / 64 };
        using var network = architecture.Build();
        Parameters.Randomise(network, generator);
        network.to(ScalarType.Float64);
        network.eval();
        var layout = Layout(2, height, width, ScalarType.Float64);

        var painted = network.forward(layout);

        for (int n = 0; n < 2; n++)
        {
            var expected = reference(Parameters.Maps(layout, n), name => Parameters.Values(network, name)).Each(y => (y + 1) / 2 * 255);
            var actual = painted[n, 0].detach().contiguous().data<double>().ToArray();
            double scale = expected.Values.Max(Math.Abs);
            Assert.Equal(expected.Values.Length, actual.Length);
            for (int i = 0; i < actual.Length; i++)
                Assert.Equal(expected.Values[i], actual[i], 1e-9 * scale);
        }
    }

    private static Tensor Layout(int count, int height, int width, ScalarType precision)
    {
        using var generator = new Generator(11);
        return nn.functional.softmax(3 * randn(count, Channels, height, width, precision, generator: generator), 1);
    }
}
