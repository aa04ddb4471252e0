using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>
/// How far apart two images look in the layers of a network (Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
/// CVPR 2018, Eq. 1): at each place of each tap the maps are scaled to a vector of length one, the squared differences are summed with a weight for
/// each map, averaged over places, and summed over taps.
/// </summary>
/// <remarks>
/// With LPIPS's trunk and heads it is LPIPS 0.1. With any other network all weights are one, the paper's uncalibrated distance: here it is
/// called feature distance. A model that was trained to be near in a network must not be judged by the distance in that network alone.
/// </remarks>
public sealed class PerceptualDistance : IDisposable
{
    // lpips/__init__.py, normalize_tensor.
    private const double Epsilon = 1e-10;

    private readonly IPerceptionNetwork _network;
    private readonly IReadOnlyList<Tensor>? _heads;

    private PerceptualDistance(IPerceptionNetwork network, IReadOnlyList<Tensor>? heads, string name) => (_network, _heads, Name) = (network, heads, name);

    /// <summary>What it is, and in which weights.</summary>
    public string Name { get; }

    /// <summary>Makes the feature distance in a network, which is disposed with it; images are looked at on the CPU.</summary>
    /// <param name="network">The network, on the CPU.</param>
    public static PerceptualDistance In(IPerceptionNetwork network) => new(network, null, $"feature distance in {network.Description}");

    /// <summary>Reads LPIPS 0.1.</summary>
    /// <param name="trunkPath">The trunk's file; see <see cref="LpipsFiles"/>.</param>
    /// <param name="headsPath">The heads' file.</param>
    /// <exception cref="FormatException">A file is damaged, or they do not go together.</exception>
    /// <exception cref="IOException">A file is not there or cannot be read.</exception>
    public static PerceptualDistance Lpips(string trunkPath, string headsPath)
    {
        var (trunk, trunkHash) = LpipsFiles.ReadTrunk(trunkPath);
        try
        {
            var (heads, headsHash) = LpipsFiles.ReadHeads(headsPath, trunk);
            return new PerceptualDistance(trunk, heads, $"LPIPS 0.1 ({trunk.Name} {HashedTensorFile.Short(trunkHash)}, heads {HashedTensorFile.Short(headsHash)})");
        }
        catch
        {
            trunk.Dispose();
            throw;
        }
    }

    /// <summary>Compares two images.</summary>
    /// <param name="first">One image.</param>
    /// <param name="second">The other, of the same size.</param>
    /// <returns>0 for equal images; lower is nearer.</returns>
    /// <exception cref="ArgumentException">The images differ in size.</exception>
    public double Between(RgbImage first, RgbImage second)
    {
        RgbImage.CheckSameSize(first, second);
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var taps = _network.Features(cat([first.ToTensor(CPU), second.ToTensor(CPU)], 0));
        return taps.Select((tap, i) => Distance(tap, _heads?[i])).Sum();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _network.Dispose();
        foreach (var head in _heads ?? [])
            head.Dispose();
    }

    private static double Distance(Tensor tap, Tensor? weights)
    {
        var unit = tap / tap.square().sum([1], keepdim: true).sqrt().Plus(Epsilon);
        var difference = (unit.narrow(0, 0, 1) - unit.narrow(0, 1, 1)).square();
        if (weights is not null)
            difference *= weights;
        return difference.sum([1]).mean().item<float>();
    }
}
