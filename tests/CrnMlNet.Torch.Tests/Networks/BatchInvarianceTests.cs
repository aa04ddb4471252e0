using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

/// <summary>A photo is the same, bit for bit, whether it is painted alone or with others; one of a cascaded refinement network also on any number of threads.</summary>
[Collection(RunAlone.Name)]
public sealed class BatchInvarianceTests
{
    public static TheoryData<int, int, double, int, int> Networks => new()
    {
        // Height, width, factor, noise, images. Small inputs at all modules, at some, at the first alone.
        { 18, 20, 1.0 / 64, 0, 1 },
        { 18, 20, 1.0 / 64, 2, 2 },
        { 50, 70, 1.0 / 16, 0, 1 },
        { 50, 70, 1.0 / 16, 2, 1 },
        { 96, 128, 1.0 / 8, 2, 1 },
        { 64, 128, 1.0 / 2, 2, 1 },
    };

    public static TheoryData<NetworkKind> Systems => [.. Enum.GetValues<NetworkKind>().Where(kind => kind != NetworkKind.CascadedRefinement)];

    [Theory]
    [MemberData(nameof(Networks))]
    public void APhotoDoesNotDependOnHowManyArePaintedWithIt(int height, int width, double factor, int noise, int images)
    {
        var architecture = new CrnArchitecture { Channels = 12, Height = height, Width = width, WidthFactor = factor, NoiseChannels = noise, ImagesPerLayout = images };
        DoesNotDepend(architecture);
    }

    [Theory]
    [MemberData(nameof(Systems))]
    public void NorDoesOneOfAnotherSystem(NetworkKind kind)
    {
        DoesNotDepend(SynthesisArchitecture.Of(kind, 12, 50, 70) with { WidthFactor = 1.0 / 64, NoiseChannels = 2 });
        DoesNotDepend(SynthesisArchitecture.Of(kind, 12, 32, 32) with { WidthFactor = 1.0 / 16, ImagesPerLayout = 2 });
    }

    [Theory]
    [InlineData(Modulation.Clade)]
    [InlineData(Modulation.Spade)]
    public void NorDoesOneThatTheLayoutModulates(Modulation modulation) =>
        DoesNotDepend(new CrnArchitecture { Channels = 12, Height = 50, Width = 70, WidthFactor = 1.0 / 16, NoiseChannels = 2, Modulation = modulation });

    private static void DoesNotDepend(SynthesisArchitecture architecture)
    {
        using var network = architecture.Build(seed: 3);
        network.eval();
        using var restored = new ThreadsRestored();
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var layouts = SemanticLayout.OneHot(Ids(architecture, BatchInvariance.LargestBatch), architecture.Channels);
        Tensor[]? alone = null;
        foreach (int threads in new[] { 1, 2 })
        {
            set_num_threads(threads);
            if (network is not CascadedRefinementNetwork || alone is null)
                alone = [.. Enumerable.Range(0, BatchInvariance.LargestBatch).Select(i => network.forward(layouts.narrow(0, i, 1)))];
            foreach (int count in new[] { 1, 2, 3, 4, 7, BatchInvariance.LargestBatch })
            {
                using var together = network.forward(layouts.narrow(0, 0, count));
                for (int i = 0; i < count; i++)
                    Assert.True(together.narrow(0, i, 1).Equals(alone[i]), $"photo {i} of {count} on {threads} threads differs from the one painted alone");
            }
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
