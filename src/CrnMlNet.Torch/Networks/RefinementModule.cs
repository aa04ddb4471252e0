using CrnMlNet.Torch.Backend;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// A refinement module M_i: the features of the module before, upsampled bilinearly, and the layout at this resolution
/// pass through two 3x3 convolutions, each followed by layer normalisation and a leaky ReLU (paper, section 3). With
/// <see cref="CrnArchitecture.Modulation"/>, the layout scales and shifts what was normalised.
/// </summary>
/// <remarks>
/// As in the authors' code: features come before labels in the concatenation, corners are aligned when upsampling,
/// convolutions have no bias, one mean and variance are taken over H x W x C of a sample (<c>slim.layer_norm</c>, which is
/// a group norm of one group with epsilon 1e-12), and the slope is 0.2.
/// </remarks>
public sealed class RefinementModule : nn.Module<Tensor?, Tensor, Tensor>
{
    internal const double NormEpsilon = 1e-12;
    internal const double NegativeSlope = 0.2;

    [ComponentName(Name = "conv1")]
    private readonly Conv2d _conv1;

    [ComponentName(Name = "norm1")]
    private readonly GroupNorm _norm1;

    [ComponentName(Name = "modulation1")]
    private readonly LayoutModulation? _modulation1;

    [ComponentName(Name = "conv2")]
    private readonly Conv2d _conv2;

    [ComponentName(Name = "norm2")]
    private readonly GroupNorm _norm2;

    [ComponentName(Name = "modulation2")]
    private readonly LayoutModulation? _modulation2;

    private readonly int _classes;

    /// <summary>Makes a module whose weights are not initialised as the paper wants; <see cref="CascadedRefinementNetwork"/> does that.</summary>
    /// <param name="name">Its name in the state dictionary's path.</param>
    /// <param name="shape">Its place in the cascade.</param>
    /// <param name="labelChannels">c, the layout's channels.</param>
    public RefinementModule(string name, ModuleShape shape, int labelChannels) : base(name)
    {
        Shape = shape;
        _conv1 = nn.Conv2d(shape.InputFeatures + labelChannels, shape.Features, 3, padding: 1, bias: false);
        _norm1 = nn.GroupNorm(1, shape.Features, NormEpsilon);
        _conv2 = nn.Conv2d(shape.Features, shape.Features, 3, padding: 1, bias: false);
        _norm2 = nn.GroupNorm(1, shape.Features, NormEpsilon);
        RegisterComponents();
    }

    /// <summary>A module of a cascade, whose layout may modulate what is normalised.</summary>
    /// <param name="name">Its name in the state dictionary's path.</param>
    /// <param name="shape">Its place in the cascade.</param>
    /// <param name="architecture">The cascade.</param>
    internal RefinementModule(string name, ModuleShape shape, CrnArchitecture architecture) : base(name)
    {
        bool isModulated = architecture.Modulation != Modulation.None;
        Shape = shape;
        _classes = architecture.Channels;
        _conv1 = nn.Conv2d(shape.InputFeatures + architecture.InputChannels, shape.Features, 3, padding: 1, bias: false);
        _norm1 = nn.GroupNorm(1, shape.Features, NormEpsilon, affine: !isModulated);
        _modulation1 = isModulated ? new LayoutModulation("modulation1", architecture, shape.Features) : null;
        _conv2 = nn.Conv2d(shape.Features, shape.Features, 3, padding: 1, bias: false);
        _norm2 = nn.GroupNorm(1, shape.Features, NormEpsilon, affine: !isModulated);
        _modulation2 = isModulated ? new LayoutModulation("modulation2", architecture, shape.Features) : null;
        RegisterComponents();
    }

    /// <summary>Where in the cascade this module stands.</summary>
    public ModuleShape Shape { get; }

    /// <summary>Of each convolution the filters, and of the layer normalisation after it the gains and biases; a module that is modulated has none of these.</summary>
    internal (Tensor Filters, Tensor? Gains, Tensor? Biases)[] Halves => [(_conv1.weight!, _norm1.weight, _norm1.bias), (_conv2.weight!, _norm2.weight, _norm2.bias)];

    /// <summary>Refines.</summary>
    /// <param name="features">F_{i-1} <c>[N, d_{i-1}, rows/2, columns/2]</c>; null for the first module.</param>
    /// <param name="labels">The layout at this resolution <c>[N, c, rows, columns]</c>.</param>
    /// <returns>F_i <c>[N, d_i, rows, columns]</c>.</returns>
    public override Tensor forward(Tensor? features, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var x = features is null ? labels : torch.cat([Upsample(features), labels], 1);
        x = Modulated(0, _norm1.forward(_conv1.Convolve(x)), labels).LeakyReLUInPlace(NegativeSlope);
        return Modulated(1, _norm2.forward(_conv2.Convolve(x)), labels).LeakyReLUInPlace(NegativeSlope).MoveToOuterDisposeScope();
    }

    /// <summary>What the layout makes of normalised maps; of a module that is not modulated the same maps.</summary>
    /// <param name="half">0 or 1: after which convolution.</param>
    /// <param name="maps">The normalised maps <c>[N, d_i, rows, columns]</c>.</param>
    /// <param name="labels">The layout and, behind it, noise, as <see cref="forward"/> gets them.</param>
    internal Tensor Modulated(int half, Tensor maps, Tensor labels) => ModulationOf(half)?.forward(maps, labels.narrow(1, 0, _classes)) ?? maps;

    /// <summary>What modulates; null: nothing.</summary>
    /// <param name="half">0 or 1: after which convolution.</param>
    internal LayoutModulation? ModulationOf(int half) => half == 0 ? _modulation1 : _modulation2;

    private Tensor Upsample(Tensor features) =>
        nn.functional.interpolate(features, [Shape.Rows, Shape.Columns], mode: InterpolationMode.Bilinear, align_corners: true);
}
