using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

public class NoiseSamplesTests
{
    [Fact]
    public void AnotherSeedIsOtherNoiseOfTheSameKind()
    {
        using var scope = NewDisposeScope();

        var (usual, first, second) = (FixedNoise.Plane(2, 60, 80, 1), FixedNoise.Plane(2, 60, 80, 1, seed: 1), FixedNoise.Plane(2, 60, 80, 1, seed: 2));

        Assert.True(usual.equal(FixedNoise.Plane(2, 60, 80, 1, seed: 0)).all().item<bool>());
        foreach (var noise in new[] { first, second })
        {
            Assert.Equal(0, noise.mean().item<float>(), 0.05);
            Assert.Equal(1, noise.std().item<float>(), 0.05);
        }
        // Of 9,600 pairs of independent numbers a correlation is within 0.04 of zero in all but one of ten thousand cases.
        foreach (var (one, other) in new[] { (usual, first), (usual, second), (first, second), (first, first.roll(1, 3)) })
            Assert.Equal(0, (one * other).mean().item<float>(), 0.04);
    }

    [Theory]
    [InlineData(NetworkKind.CascadedRefinement)]
    [InlineData(NetworkKind.UNet)]
    public void EachLayoutGetsTheNoiseOfItsSeed(NetworkKind kind)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var network = (SynthesisArchitecture.Of(kind, 3, 24, 32) with { WidthFactor = 1.0 / 64, NoiseChannels = 2 }).Build(seed: 1);
        var flat = zeros(1, 3, 24, 32);
        flat.select(1, 0).fill_(1);
        float[] usual = Paint(1)[0], five = Paint(1, 5)[0], six = Paint(1, 6)[0];

        Assert.Equal(usual, Paint(1, 0)[0]);
        Assert.NotEqual(usual, five);
        Assert.NotEqual(five, six);
        Assert.Equal([five, five, five], Paint(3, 5));
        Assert.Equal([six, usual, five], Paint(3, 6, 0, 5));
        // What was chosen before is chosen again.
        using (new NoiseSamples(5))
        {
            Assert.Equal(six, Paint(1, 6)[0]);
            Assert.Equal(five, Painted(flat)[0]);
            Assert.Contains("2 seeds for the noise of 3 layouts", Assert.Throws<InvalidOperationException>(() => Paint(3, 1, 2)).Message);
            // Another thread has its own.
            float[]? elsewhere = null;
            var thread = new Thread(() => elsewhere = Painted(flat)[0]);
            thread.Start();
            thread.Join();
            Assert.Equal(usual, elsewhere);
        }
        Assert.Equal(usual, Painted(flat)[0]);

        float[][] Paint(int count, params ulong[] seeds)
        {
            using var noise = seeds.Length == 0 ? null : new NoiseSamples(seeds);
            return Painted(flat.expand(count, -1, -1, -1));
        }

        float[][] Painted(Tensor layouts)
        {
            using var _ = no_grad();
            using var scope = NewDisposeScope();
            return [.. network.forward(layouts).unbind(0).Select(image => image.contiguous().data<float>().ToArray())];
        }
    }
}
