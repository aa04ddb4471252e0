using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

public class FixedNoiseTests
{
    [Fact]
    public void NoiseIsSplitMix64InUnitVariance()
    {
        using var scope = NewDisposeScope();

        var noise = FixedNoise.Plane(2, 60, 80, place: 0);

        Assert.Equal([1, 2, 60, 80], noise.shape);
        // SplitMix64's first outputs from state 0 are published: 0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F.
        double[] published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F];
        for (int i = 0; i < published.Length; i++)
            Assert.Equal(Math.Sqrt(12) * (published[i] / Math.Pow(2, 64) - 0.5), noise[0, 0, 0, i].item<float>(), 1e-6);
        Assert.Equal(0, noise.mean().item<float>(), 0.05);
        Assert.Equal(1, noise.std().item<float>(), 0.05);
    }

    [Fact]
    public void ANetworkWithNoiseKeepsItOutOfItsWeightsAndPaintsTheSameTwice()
    {
        using var scope = NewDisposeScope();
        var architecture = new CrnArchitecture { Channels = 3, Height = 24, Width = 32, WidthFactor = 1.0 / 64, NoiseChannels = 2 };
        using var network = new CascadedRefinementNetwork(architecture, seed: 1);
        using var other = new CascadedRefinementNetwork(architecture, seed: 1);
        var flat = torch.zeros(1, 3, 24, 32);
        flat.select(1, 0).fill_(1);

        var (one, two) = (network.forward(flat), other.forward(flat));

        Assert.Equal(network.named_parameters().Select(parameter => parameter.name).Order(), network.state_dict().Keys.Order());
        Assert.Equal(architecture.ParameterCount(), network.ParameterCount);
        Assert.Equal(one.data<float>().ToArray(), two.data<float>().ToArray());
        // Noise gives a flat layout's middle, away from the borders, different pixels.
        Assert.True(one.narrow(3, 10, 4).narrow(4, 14, 4).std().item<float>() > 0.1);
    }
}
