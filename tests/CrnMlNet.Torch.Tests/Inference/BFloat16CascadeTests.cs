using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Inference;

[Collection(RunAlone.Name)]
public sealed class BFloat16CascadeTests
{
    [Theory]
    [InlineData(18, 20, 1.0 / 64, 0, 1, 1, Modulation.None)]
    [InlineData(37, 50, 1.0 / 32, 2, 3, 2, Modulation.None)]
    [InlineData(37, 50, 1.0 / 32, 2, 1, 2, Modulation.Clade)]
    public void ItPaintsWhatTheNetworkDoesButForShorterNumbers(int height, int width, double factor, int noise, int images, int layouts, Modulation modulation)
    {
        using var network = Network(height, width, factor, noise, images, modulation);
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        using var cascade = new BFloat16Cascade(network);
        var layout = Layouts(network.Cascade, layouts);

        var painted = cascade.Synthesize(layout);

        var expected = network.forward(layout);
        double psnr = 10 * Math.Log10(255 * 255 / (painted - expected).square().mean().item<float>());
        Assert.Equal(expected.shape, painted.shape);
        Assert.Equal(ScalarType.Float32, painted.dtype);
        Assert.True(expected.std().item<float>() > 10, "the photo is flat");
        // 8 significant bits, and not all 24.
        Assert.InRange(psnr, 36, 70);
        for (int i = 0; i < layouts; i++)
            Assert.True(cascade.Synthesize(layout.narrow(0, i, 1)).Equals(painted.narrow(0, i, 1)), $"photo {i} differs from the one painted alone");
    }

    [Fact]
    public void PrecisionIsWhatIsAskedForAndNothingIsLeft()
    {
        using var network = Network(18, 20, 1.0 / 64, 0, 1);
        var ids = Enumerable.Range(0, 18 * 20).Select(i => (byte)(i / 7 % 5)).ToArray();
        Paint(SynthesisPrecision.BFloat16);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        var (auto, single, half) = (Paint(SynthesisPrecision.Auto), Paint(SynthesisPrecision.Float32), Paint(SynthesisPrecision.BFloat16));

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.NotEqual(single, half);
        Assert.Equal(BFloat16Support.HasMatrixUnit(CPU) ? half : single, auto);

        float[] Paint(SynthesisPrecision precision) => BFloat16CascadeTests.Paint(network, ids, precision);
    }

    // Which one this is the processor says: its instructions, and how long small products take.
    [Fact]
    public void WhereFloat32IsFasterWinogradsProductsStayInIt()
    {
        using var network = Network(50, 67, 1.0 / 16, 0, 1);
        var ids = Enumerable.Range(0, 50 * 67).Select(i => (byte)(i / 7 % 5)).ToArray();
        bool isShort = !BFloat16Support.IsNative(CPU) || BFloat16Support.MultipliesFaster;

        var (single, half) = (Paint(network, ids, SynthesisPrecision.Float32), Paint(network, ids, SynthesisPrecision.BFloat16));

        Assert.Equal(isShort, !single.SequenceEqual(half));
        Assert.True(single.Distinct().Count() > 100, "the photo is flat");
    }

    private static float[] Paint(CascadedRefinementNetwork network, byte[] ids, SynthesisPrecision precision)
    {
        using var synthesizer = new Synthesizer(network) { Precision = precision };
        var photo = new float[3 * ids.Length];
        synthesizer.Synthesize(ids, photo);
        return photo;
    }

    private static CascadedRefinementNetwork Network(int height, int width, double factor, int noise, int images, Modulation modulation = Modulation.None)
        => new(new CrnArchitecture { Channels = 5, Height = height, Width = width, WidthFactor = factor, NoiseChannels = noise, ImagesPerLayout = images, Modulation = modulation }, seed: 9);

    private static Tensor Layouts(CrnArchitecture architecture, int count)
    {
        var ids = tensor(Enumerable.Range(0, count * architecture.Height * architecture.Width).Select(i => (byte)(i / 7 % 5)).ToArray());
        return SemanticLayout.OneHot(ids.reshape(count, architecture.Height, architecture.Width), architecture.Channels);
    }
}
