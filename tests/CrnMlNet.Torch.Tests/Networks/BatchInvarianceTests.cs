using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

/// <summary>A photo is the same, bit for bit, whether it is painted alone or with others.</summary>
[Collection(RunAlone.Name)]
public sealed class BatchInvarianceTests
{
    public static TheoryData<int, int, double, int, int, int> Networks => new()
    {
        // Height, width, factor, noise, images, threads. Small inputs at all modules, at some, at the first alone.
        { 18, 20, 1.0 / 64, 0, 1, 1 },
        { 18, 20, 1.0 / 64, 2, 2, 2 },
        { 50, 70, 1.0 / 16, 0, 1, 1 },
        { 50, 70, 1.0 / 16, 2, 1, 2 },
        { 96, 128, 1.0 / 8, 2, 1, 1 },
        { 96, 128, 1.0 / 8, 2, 1, 2 },
        { 64, 128, 1.0 / 2, 2, 1, 1 },
    };

    public static TheoryData<NetworkKind, int> Systems => new(
        from kind in Enum.GetValues<NetworkKind>()
        where kind != NetworkKind.CascadedRefinement
        from threads in new[] { 1, 2 }
        select (kind, threads));

    [Theory]
    [MemberData(nameof(Networks))]
    public void APhotoDoesNotDependOnHowManyArePaintedWithIt(int height, int width, double factor, int noise, int images, int threads)
    {
        var architecture = new CrnArchitecture { Channels = 12, Height = height, Width = width, WidthFactor = factor, NoiseChannels = noise, ImagesPerLayout = images };
        DoesNotDepend(architecture, threads);
    }

    [Theory]
    [MemberData(nameof(Systems))]
    public void NorDoesOneOfAnotherSystem(NetworkKind kind, int threads)
    {
        DoesNotDepend(SynthesisArchitecture.Of(kind, 12, 50, 70) with { WidthFactor = 1.0 / 64, NoiseChannels = 2 }, threads);
        DoesNotDepend(SynthesisArchitecture.Of(kind, 12, 32, 32) with { WidthFactor = 1.0 / 16, ImagesPerLayout = 2 }, threads);
    }

    [Theory]
    [InlineData(Modulation.Clade, 1)]
    [InlineData(Modulation.Clade, 2)]
    [InlineData(Modulation.Spade, 1)]
    [InlineData(Modulation.Spade, 2)]
    public void NorDoesOneThatTheLayoutModulates(Modulation modulation, int threads) =>
        DoesNotDepend(new CrnArchitecture { Channels = 12, Height = 50, Width = 70, WidthFactor = 1.0 / 16, NoiseChannels = 2, Modulation = modulation }, threads);

    private static void DoesNotDepend(SynthesisArchitecture architecture, int threads)
    {
        using var network = architecture.Build(seed: 3);
        network.eval();
        var before = get_num_threads();
        set_num_threads(threads);
        try
        {
            using var inference = inference_mode();
            using var scope = NewDisposeScope();
            var layouts = SemanticLayout.OneHot(Ids(architecture, BatchInvariance.LargestBatch), architecture.Channels);
            var alone = Enumerable.Range(0, BatchInvariance.LargestBatch).Select(i => network.forward(layouts.narrow(0, i, 1))).ToArray();

            foreach (var count in new[] { 2, 3, 4, 7, BatchInvariance.LargestBatch })
            {
                using var together = network.forward(layouts.narrow(0, 0, count));
                for (int i = 0; i < count; i++)
                    Assert.True(together.narrow(0, i, 1).Equals(alone[i]), $"photo {i} of {count} differs from the one painted alone");
            }
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void WhileGradientsAreKeptAConvolutionIsThePlainOne()
    {
        using var scope = NewDisposeScope();
        var convolution = nn.Conv2d(3, 4, 3, padding: 1, bias: false);
        var input = randn(1, 3, 6, 8).requires_grad_();

        Assert.True(convolution.Convolve(input).Equals(convolution.forward(input)));
        using (no_grad())
            Assert.True(convolution.Convolve(input).allclose(convolution.forward(input), 1e-5, 1e-6));
        convolution.Convolve(input).sum().backward();
        Assert.Equal(input.shape, input.grad!.shape);
    }

    private static Tensor Ids(SynthesisArchitecture architecture, int count)
    {
        var random = new Random(7);
        var ids = new byte[count * architecture.Height * architecture.Width];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = (byte)((i / 5 + i / (3 * architecture.Width) + random.Next(2)) % architecture.Channels);
        return tensor(ids).reshape(count, architecture.Height, architecture.Width);
    }
}
