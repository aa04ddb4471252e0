using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Tests.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Inference;

[Collection(RunAlone.Name)]
public sealed class WinogradCascadeTests
{
    public static TheoryData<int, int, double, int, int, int, Modulation> Networks => new()
    {
        // Height, width, factor, noise, images for a layout, layouts, modulation.
        { 96, 128, 1.0 / 8, 0, 1, 1, Modulation.None },
        { 75, 130, 1.0 / 16, 2, 3, 2, Modulation.None },
        { 130, 67, 1.0 / 8, 1, 1, 3, Modulation.None },
        { 64, 128, 1.0 / 4, 2, 1, 2, Modulation.None },
        { 75, 130, 1.0 / 16, 2, 3, 2, Modulation.Clade },
        { 96, 67, 1.0 / 8, 0, 1, 1, Modulation.Spade },
        // So large that some modules' tiles are of 6x6.
        { 131, 258, 1.0 / 8, 2, 1, 2, Modulation.Clade },
    };

    [Theory]
    [MemberData(nameof(Networks))]
    public void ItPaintsWhatTheNetworkDoes(int height, int width, double factor, int noise, int images, int layouts, Modulation modulation)
    {
        using var network = Network(height, width, factor, noise, images, modulation);
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        using var cascade = new WinogradCascade(network);
        var layout = SoftLayouts(network.Cascade, layouts);
        Assert.True(WinogradCascade.Pays(network.Cascade));
        Poison();

        var painted = cascade.Synthesize(layout);

        var expected = network.forward(layout);
        Assert.Equal(expected.shape, painted.shape);
        Assert.True(expected.std().item<float>() > 10, "the photo is flat");
        Assert.InRange(Psnr(painted, expected), 80, double.PositiveInfinity);
    }

    // 8 significant bits, and not all 24. A processor without bfloat16 emulates its products: small ones, here.
    [Theory]
    [InlineData(37, 50, 1.0 / 32, 2, 3, 2, Modulation.None)]
    [InlineData(50, 67, 1.0 / 16, 0, 1, 1, Modulation.Clade)]
    public void WithProductsInBFloat16ItPaintsTheSameButForShorterNumbers(int height, int width, double factor, int noise, int images, int layouts, Modulation modulation)
    {
        using var network = Network(height, width, factor, noise, images, modulation);
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        using var cascade = new WinogradCascade(network, multipliesInBFloat16: true);
        var layout = SoftLayouts(network.Cascade, layouts);
        Assert.True(WinogradCascade.Pays(network.Cascade));
        Poison();

        var painted = cascade.Synthesize(layout);

        var expected = network.forward(layout);
        Assert.True(expected.std().item<float>() > 10, "the photo is flat");
        Assert.InRange(Psnr(painted, expected), 40, 70);
        for (int i = 0; i < layouts; i++)
            Assert.True(cascade.Synthesize(layout.narrow(0, i, 1)).Equals(painted.narrow(0, i, 1)), $"photo {i} differs from the one painted alone");
    }

    [Theory]
    [InlineData(Modulation.None)]
    [InlineData(Modulation.Clade)]
    [InlineData(Modulation.Spade)]
    public void APhotoDoesNotDependOnTheOthers(Modulation modulation)
    {
        using var network = Network(75, 130, 1.0 / 16, 2, 1, modulation);
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        using var cascade = new WinogradCascade(network);
        var layouts = SoftLayouts(network.Cascade, BatchInvariance.LargestBatch);
        using var restored = new ThreadsRestored();
        set_num_threads(1);
        var alone = Enumerable.Range(0, BatchInvariance.LargestBatch).Select(i => cascade.Synthesize(layouts.narrow(0, i, 1))).ToArray();
        foreach (int threads in new[] { 1, 2 })
        {
            set_num_threads(threads);
            foreach (int count in new[] { 1, 5, BatchInvariance.LargestBatch })
            {
                using var together = cascade.Synthesize(layouts.narrow(0, 0, count));
                for (int i = 0; i < count; i++)
                    Assert.True(together.narrow(0, i, 1).Equals(alone[i]), $"photo {i} of {count} on {threads} threads differs from the one painted alone on one");
            }
        }
    }

    // Normalisation makes everything of a map that is the same everywhere, or 1e12 as large.
    [Theory]
    [InlineData("g_32.conv2.weight", 0)]
    [InlineData("g_64.conv1.weight", 0)]
    [InlineData("g_32.conv1.weight", 1e12)]
    [InlineData("g_64.conv2.weight", 1e-4)]
    [InlineData("g_32.norm1.weight", 1e10)]
    [InlineData("g_64.norm1.weight", 1e-6)]
    public void WeightsOfZeroAndOfGreatMagnitudeAreNoHazard(string name, double factor)
    {
        using var network = Network(64, 96, 1.0 / 8, 0, 1);
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var layout = SoftLayouts(network.Cascade, 1);
        network.get_parameter(name)!.mul_(tensor((float)factor));
        using var cascade = new WinogradCascade(network);

        var painted = cascade.Synthesize(layout);

        Assert.False(painted.isnan().any().item<bool>());
        Assert.InRange(Psnr(painted, network.forward(layout)), 80, double.PositiveInfinity);
    }

    [Fact]
    public void ManyThreadsPaintWhatOneDoes()
    {
        using var network = Network(96, 128, 1.0 / 8, 1, 1);
        using var synthesizer = new Synthesizer(network);
        var layouts = Enumerable.Range(0, 8).Select(seed => Ids(network.Cascade, seed)).ToArray();
        var together = new byte[8][];

        // The first photos are painted while the filters are made.
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => together[i] = Synthesize(synthesizer, layouts[i]));

        for (int i = 0; i < 8; i++)
            Assert.Equal(Synthesize(synthesizer, layouts[i]), together[i]);
        Assert.Equal(8, together.Select(Convert.ToHexString).Distinct().Count());
    }

    [Fact]
    public void NoTensorIsLeft()
    {
        using var network = Network(96, 128, 1.0 / 8, 1, 1);
        var ids = Ids(network.Cascade, 1);
        // The network keeps its noise.
        Paint(2);
        long before = LiveTensors(), onThisThread = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Paint(3);
        Paint(1);

        Assert.Equal(onThisThread, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal(before, Tensor.TotalCount);

        void Paint(int times)
        {
            using var synthesizer = new Synthesizer(network);
            for (int i = 0; i < times; i++)
                Synthesize(synthesizer, ids);
        }
    }

    [Fact]
    public void WhileLearningThePhotoIsOfTheWeightsAsTheyAre()
    {
        using var network = Network(96, 128, 1.0 / 8, 0, 1);
        var ids = Ids(network.Cascade, 1);
        using var synthesizer = Synthesizer.WhileLearning(network);
        var before = Synthesize(synthesizer, ids);
        using (no_grad())
            network.get_parameter("g_48.conv2.weight")!.neg_();

        var after = Synthesize(synthesizer, ids);

        using var fresh = new Synthesizer(network);
        Assert.NotEqual(before, after);
        Assert.All(Synthesize(fresh, ids).Zip(after), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
    }

    private static CascadedRefinementNetwork Network(int height, int width, double factor, int noise, int images, Modulation modulation = Modulation.None)
    {
        using var generator = new Generator(12);
        var network = new CascadedRefinementNetwork(
            new CrnArchitecture { Channels = 5, Height = height, Width = width, WidthFactor = factor, NoiseChannels = noise, ImagesPerLayout = images, Modulation = modulation }, seed: 9);
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        // Gains and biases that differ, and colours all over the range.
        foreach (var (name, parameter) in network.named_parameters().Where(named => named.name.Contains(".norm")))
            parameter.normal_(name.EndsWith("weight") ? 1 : 0, 0.3, generator);
        foreach (var (_, parameter) in network.named_parameters().Where(named => named.name.Contains(".modulation")))
            parameter.normal_(0, 0.3, generator);
        return network;
    }

    private static Tensor SoftLayouts(CrnArchitecture architecture, int count)
    {
        var ids = tensor(Enumerable.Range(0, count).SelectMany(seed => Ids(architecture, seed)).ToArray()).reshape(count, architecture.Height, architecture.Width);
        var hard = SemanticLayout.OneHot(ids, architecture.Channels);
        // Shares between the classes, as soft labels have.
        return nn.functional.avg_pool2d(hard, 3, stride: 1, padding: 1, count_include_pad: false);
    }

    private static byte[] Ids(CrnArchitecture architecture, int seed)
    {
        var random = new Random(seed);
        int cell = random.Next(5, 20);
        var cells = Enumerable.Range(0, 1000).Select(_ => (byte)random.Next(architecture.Channels)).ToArray();
        return [.. Enumerable.Range(0, architecture.Height * architecture.Width).Select(i => cells[(i / architecture.Width / cell * 31 + i % architecture.Width / cell) % 1000])];
    }

    private static byte[] Synthesize(Synthesizer synthesizer, byte[] ids)
    {
        var photo = new byte[3 * ids.Length];
        synthesizer.Synthesize(ids, photo);
        return photo;
    }

    private static double Psnr(Tensor a, Tensor b) => 10 * Math.Log10(255 * 255 / (a - b).square().mean().item<float>());

    /// <summary>Leaves freed memory full of what is no number, for those who do not write all that they read.</summary>
    private static void Poison()
    {
        for (int size = 1 << 10; size <= 1 << 24; size *= 4)
            torch.full([size], float.NaN).Dispose();
    }

    private static long LiveTensors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Tensor.TotalCount;
    }
}
