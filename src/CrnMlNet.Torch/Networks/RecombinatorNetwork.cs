using CrnMlNet.Torch.Layouts;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// A Recombinator Network (Honari et al., CVPR 2016) as encoder-decoder: on the way down one 3x3 convolution at each resolution and a maximum
/// over 2x2 pixels; from the coarsest resolution on each finer branch takes the upsampled features of the coarser one beside those of the way
/// down, before its own two convolutions. So all of a branch's convolutions know what the coarser one found.
/// </summary>
/// <remarks>
/// As in the authors' code (SinaHonari/RCN, <c>RCN_300W.py</c>), but for what is the cascade's here, so that the networks differ in their wiring
/// alone: the resolutions and their numbers of maps, bilinear upsampling with aligned corners, layer normalisation and the leaky ReLU behind
/// each 3x3 convolution, and the 1x1 convolution to RGB. A branch is a <see cref="RefinementModule"/> with features in the layout's place.
/// </remarks>
public sealed class RecombinatorNetwork : SynthesisNetwork
{
    private readonly ConvolutionLayer[] _encoders;
    private readonly RefinementModule[] _branches;

    [ComponentName(Name = "head")]
    private readonly Conv2d _head;

    /// <summary>Makes a network with Xavier-uniform convolutions and unit layer normalisation.</summary>
    /// <param name="architecture">What it looks like.</param>
    /// <param name="seed">Seeds the weights; the same seed gives the same weights.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public RecombinatorNetwork(RecombinatorArchitecture architecture, ulong seed = 0) : base(architecture, nameof(RecombinatorNetwork))
    {
        using var scope = NewDisposeScope();
        var branches = architecture.Branches();
        _encoders = [.. branches.Select((branch, i) => new ConvolutionLayer(
            $"down_{branch.Rows}", i == branches.Count - 1 ? architecture.InputChannels : branches[i + 1].Features, branch.Features))];
        _branches = [.. branches.Select(branch => new RefinementModule($"branch_{branch.Rows}", branch, branch.Features))];
        _head = nn.Conv2d(branches[^1].Features, architecture.OutputPlanes, 1);
        foreach (var module in Enumerable.Reverse<nn.Module>(_encoders).Concat(_branches))
            register_module(module.GetName(), module);
        register_module("head", _head);
        Initialise(seed);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor layout)
    {
        CheckShape(layout);
        using var scope = NewDisposeScope();
        var finest = _branches[^1].Shape;
        var found = new Tensor[_encoders.Length];
        var x = WithNoise(SemanticLayout.Extend(layout, finest.Rows, finest.Columns), 0);
        for (int i = _encoders.Length - 1; i >= 0; i--)
            x = found[i] = _encoders[i].forward(i == _encoders.Length - 1 ? x : nn.functional.max_pool2d(x, 2));
        Tensor? features = null;
        for (int i = 0; i < _branches.Length; i++)
            features = _branches[i].forward(features, found[i]);
        return Images(_head.Convolve(features!)).MoveToOuterDisposeScope();
    }
}
