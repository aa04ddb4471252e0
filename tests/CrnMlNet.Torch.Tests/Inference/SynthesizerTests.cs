using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Tests.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Inference;

[Collection(RunAlone.Name)]
public sealed class SynthesizerTests
{
    private static readonly CrnArchitecture Small = new() { Channels = 4, Height = 18, Width = 20, WidthFactor = 1.0 / 64 };

    // (y + 1) / 2 * 255 of the head's output y: 0 gives 127.5, the rest are y = value / 127.5 - 1.
    [Theory]
    [InlineData(0, 0.0, 128)] // half to even, as IEEE 754 rounds
    [InlineData(0, 3.0, 255)] // 510
    [InlineData(0, 1.0, 255)] // 255
    [InlineData(1, -1.0, 0)] // 0
    [InlineData(1, -7.0, 0)] // -765
    [InlineData(2, 100.4 / 127.5 - 1, 100)]
    [InlineData(2, 100.6 / 127.5 - 1, 101)]
    [InlineData(2, 254.6 / 127.5 - 1, 255)]
    [InlineData(2, 1e6, 255)]
    public void ValuesAreRoundedAndClipped(int colour, double head, byte expected)
    {
        using var network = new CascadedRefinementNetwork(Small);
        using (no_grad())
        {
            network.get_parameter("conv100.weight")!.zero_();
            network.get_parameter("conv100.bias")!.fill_(-2);
            network.get_parameter("conv100.bias")![colour] = tensor((float)head);
        }
        var photo = new byte[3 * 18 * 20];

        new Synthesizer(network).Synthesize(new byte[18 * 20], photo);

        for (int plane = 0; plane < 3; plane++)
            Assert.All(photo.Skip(plane * 18 * 20).Take(18 * 20), value => Assert.Equal(plane == colour ? expected : 0, value));
    }

    [Fact]
    public void TheFirstImageOfSeveralIsTaken()
    {
        using var network = new CascadedRefinementNetwork(Small with { ImagesPerLayout = 3 });
        using (no_grad())
        {
            network.get_parameter("conv100.weight")!.zero_();
            // The planes of image 0 are 0, 3 and 6.
            var bias = Enumerable.Range(0, 9).Select(plane => (float)(10 * plane / 127.5 - 1)).ToArray();
            network.get_parameter("conv100.bias")!.copy_(tensor(bias));
        }
        var photo = new byte[3 * 18 * 20];

        new Synthesizer(network).Synthesize(new byte[18 * 20], photo);

        Assert.Equal([0, 30, 60], photo.Chunk(18 * 20).Select(plane => plane.Distinct().Single()));
    }

    [Fact]
    public void SeveralThreadsGiveTheSameBytesAsOne()
    {
        using var network = Random();
        using var synthesizer = new Synthesizer(network);
        var layouts = Enumerable.Range(0, 8).Select(Ids).ToArray();
        var alone = layouts.Select(ids => Synthesize(synthesizer, ids)).ToArray();

        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 4 },
            i => Assert.Equal(alone[i % 8], Synthesize(synthesizer, layouts[i % 8])));

        Assert.Equal(8, alone.Select(Convert.ToHexString).Distinct().Count());
    }

    [Fact]
    public void NoTensorIsLeft()
    {
        using var network = Random();
        using var synthesizer = new Synthesizer(network);
        Synthesize(synthesizer, Ids(0));
        long before = LiveTensors(), onThisThread = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int i = 0; i < 20; i++)
            Synthesize(synthesizer, Ids(i));

        Assert.Equal(onThisThread, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal(before, LiveTensors());
    }

    [Theory]
    [InlineData(359, 1080, "takes 18 x 20 class ids a photo and up to 15 photos, got 359")]
    [InlineData(360, 1079, "need 1 x 3 x 18 x 20 values, got 1079")]
    public void OtherSizesAreRefused(int ids, int photo, string message)
    {
        using var network = new CascadedRefinementNetwork(Small);
        using var synthesizer = new Synthesizer(network);

        var exception = Assert.Throws<ArgumentException>(() => synthesizer.Synthesize(new byte[ids], new byte[photo]));

        Assert.Contains(message, exception.Message);
    }

    [Fact]
    public void SoftLayoutsAndFloatsGiveWhatIdsAndBytesDo()
    {
        using var network = Random();
        using var synthesizer = new Synthesizer(network);
        byte[] ids = [.. Ids(1), .. Ids(2)];
        var shares = new float[4 * ids.Length];
        for (int i = 0; i < ids.Length; i++)
            shares[(i / 360 * 4 + ids[i]) * 360 + i % 360] = 1;
        var (bytes, bytesOfShares) = (new byte[3 * ids.Length], new byte[3 * ids.Length]);
        var (values, valuesOfShares) = (new float[3 * ids.Length], new float[3 * ids.Length]);

        synthesizer.Synthesize(ids, bytes);
        synthesizer.Synthesize(shares, bytesOfShares);
        synthesizer.Synthesize(ids, values);
        synthesizer.Synthesize(shares, valuesOfShares);

        Assert.Equal(bytes, bytesOfShares);
        Assert.Equal(values, valuesOfShares);
        Assert.Equal(bytes, values.Select(value => (byte)MathF.Round(value)));
        Assert.Contains(values, value => value != MathF.Round(value));
        Assert.Contains("4 x 18 x 20 shares", Assert.Throws<ArgumentException>(() => synthesizer.Synthesize(new float[360], new byte[1080])).Message);
    }

    [Fact]
    public void AllImagesAreGivenOrTheOneThatIsChosen()
    {
        using var network = new CascadedRefinementNetwork(Small with { ImagesPerLayout = 3 });
        using (no_grad())
        {
            network.get_parameter("conv100.weight")!.zero_();
            // The planes of image u are u, u + 3 and u + 6.
            network.get_parameter("conv100.bias")!.copy_(tensor(Enumerable.Range(0, 9).Select(plane => (float)(10 * plane / 127.5 - 1)).ToArray()));
        }

        var (all, one) = (new byte[2 * 9 * 360], new byte[2 * 3 * 360]);
        new Synthesizer(network, image: null).Synthesize(new byte[2 * 360], all);
        new Synthesizer(network, image: 2).Synthesize(new byte[2 * 360], one);

        Assert.Equal([0, 30, 60, 10, 40, 70, 20, 50, 80, 0, 30, 60, 10, 40, 70, 20, 50, 80], all.Chunk(360).Select(plane => plane.Distinct().Single()));
        Assert.Equal([20, 50, 80, 20, 50, 80], one.Chunk(360).Select(plane => plane.Distinct().Single()));
        Assert.Equal((3, 1), (new Synthesizer(network, image: null).Images, new Synthesizer(network, image: 2).Images));
    }

    [Theory]
    [InlineData(SynthesisPrecision.Float32, 2, 2)]
    [InlineData(SynthesisPrecision.Float32, 3, 5)]
    [InlineData(SynthesisPrecision.Float32, 4, 2)]
    [InlineData(SynthesisPrecision.BFloat16, 2, 3)]
    [InlineData(SynthesisPrecision.BFloat16, 4, 2)]
    public void PhotosPaintedTogetherAreThoseOfEachAlone(SynthesisPrecision precision, int threads, int layouts)
    {
        var architecture = new CrnArchitecture { Channels = 4, Height = 70, Width = 90, WidthFactor = 1.0 / 16, NoiseChannels = 2, ImagesPerLayout = 2, Modulation = Modulation.Clade };
        using var network = new CascadedRefinementNetwork(architecture, seed: 5);
        using var synthesizer = new Synthesizer(network, image: null) { Precision = precision, SampleSeed = 3 };
        var random = new Random(4);
        byte[] ids = [.. Enumerable.Range(0, layouts * 70 * 90).Select(i => (byte)((i / 7 + i / 630 + random.Next(2)) % 4))];
        var (alone, together) = (new List<byte>(), new byte[layouts * 6 * 70 * 90]);
        using var restored = new ThreadsRestored();
        set_num_threads(precision == SynthesisPrecision.BFloat16 ? threads : 1);
        foreach (byte[] layout in ids.Chunk(70 * 90))
        {
            var photo = new byte[6 * layout.Length];
            synthesizer.Synthesize(layout, photo);
            alone.AddRange(photo);
        }

        set_num_threads(threads);
        synthesizer.Synthesize(ids, together);
        long live = LiveTensors();
        synthesizer.Synthesize(ids, together);
        Assert.Equal(live, LiveTensors());

        Assert.Equal(alone, together);
        Assert.Equal(layouts, together.Chunk(6 * 70 * 90).Select(Convert.ToHexString).Distinct().Count());
    }

    private static CascadedRefinementNetwork Random()
    {
        using var generator = new Generator(11);
        var network = new CascadedRefinementNetwork(Small);
        Parameters.Randomise(network, generator);
        return network;
    }

    private static byte[] Ids(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, 18 * 20).Select(_ => (byte)random.Next(4))];
    }

    private static byte[] Synthesize(Synthesizer synthesizer, byte[] ids)
    {
        var photo = new byte[3 * ids.Length];
        synthesizer.Synthesize(ids, photo);
        return photo;
    }

    /// <summary>In the whole process, once the garbage of the other tests is gone.</summary>
    private static long LiveTensors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Tensor.TotalCount;
    }
}
