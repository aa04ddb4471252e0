using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>
/// The forward pass of a <see cref="CascadedRefinementNetwork"/> without gradients whose convolutions are in bfloat16, of channels-last
/// maps; layer normalisation, modulation and the head are in float32.
/// </summary>
internal sealed class BFloat16Cascade : IPreparedCascade
{
    private readonly CascadedRefinementNetwork _network;
    private readonly Tensor[][] _filters;

    /// <summary>Copies the filters; what becomes of the network's weights later is not seen.</summary>
    /// <param name="network">The network, on its device. Stays the caller's to dispose.</param>
    public BFloat16Cascade(CascadedRefinementNetwork network)
    {
        _network = network;
        _filters = [.. network.RefinementModules.Select(module => module.Halves.Select(half => Converted(half.Filters)).ToArray())];
    }

    /// <inheritdoc/>
    /// <remarks>On the CPU one image after the other, so that an image does not depend on how many there are.</remarks>
    public Tensor Synthesize(Tensor layouts)
    {
        using var scope = NewDisposeScope();
        if (layouts.device_type != DeviceType.CPU || layouts.shape[0] == 1)
            return SynthesizeAtOnce(layouts).MoveToOuterDisposeScope();
        return torch.cat([.. Enumerable.Range(0, (int)layouts.shape[0]).Select(i => SynthesizeAtOnce(layouts.narrow(0, i, 1)))]).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var filter in _filters.SelectMany(halves => halves))
            filter.Dispose();
    }

    private Tensor SynthesizeAtOnce(Tensor layouts)
    {
        using var scope = NewDisposeScope();
        var labels = _network.Layouts(layouts);
        Tensor? features = null;
        for (int i = 0; i < _filters.Length; i++)
        {
            var next = Refine(i, features, _network.WithNoise(labels[i], i));
            features?.Dispose();
            features = next;
        }

        return _network.Paint(features!.to(ScalarType.Float32)).MoveToOuterDisposeScope();
    }

    private Tensor Refine(int number, Tensor? features, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var module = _network.RefinementModules[number];
        var maps = labels.to(ScalarType.BFloat16);
        if (features is not null)
            maps = torch.cat([nn.functional.interpolate(features, [module.Shape.Rows, module.Shape.Columns], mode: InterpolationMode.Bilinear, align_corners: true), maps], 1);
        for (int half = 0; half < module.Halves.Length; half++)
        {
            // What a half no longer needs goes when it is done.
            using var step = NewDisposeScope();
            var (_, gains, biases) = module.Halves[half];
            using var sums = nn.functional.conv2d(maps.ChannelsLast(), _filters[number][half], padding: [1, 1]).to(ScalarType.Float32);
            using var normal = nn.functional.group_norm(sums, 1, gains, biases, RefinementModule.NormEpsilon);
            maps = module.Modulated(half, normal, labels).LeakyReLU(RefinementModule.NegativeSlope).to(ScalarType.BFloat16).MoveToOuterDisposeScope();
        }

        return maps.MoveToOuterDisposeScope();
    }

    private static Tensor Converted(Tensor filters)
    {
        using var scope = NewDisposeScope();
        return filters.detach().to(ScalarType.BFloat16).ChannelsLast().DetachFromDisposeScope();
    }
}
