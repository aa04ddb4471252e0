using CrnMlNet.Torch.Layouts;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// The paper's baseline "encoder-decoder", the U-Net of Ronneberger et al. (MICCAI 2015): at each resolution two 3x3 convolutions and then
/// a maximum over 2x2 pixels, down to a few pixels; back up by 2x2 up-convolutions that halve the number of maps, which at each resolution
/// are put behind those of the way down, and two more 3x3 convolutions.
/// </summary>
/// <remarks>
/// What is the cascade's here, so that the networks differ in their wiring alone: the resolutions (a U-Net has five), zero padding (a U-Net
/// has none and crops), layer normalisation and the leaky ReLU behind each 3x3 convolution, and the 1x1 convolution to RGB. The paper does
/// not tell more of its baseline than that it is a U-Net.
/// </remarks>
public sealed class UNet : SynthesisNetwork
{
    private readonly RefinementModule[] _down;
    private readonly ConvTranspose2d[] _upsample;
    private readonly RefinementModule[] _up;

    [ComponentName(Name = "head")]
    private readonly Conv2d _head;

    /// <summary>Makes a network with Xavier-uniform convolutions and unit layer normalisation.</summary>
    /// <param name="architecture">What it looks like.</param>
    /// <param name="seed">Seeds the weights; the same seed gives the same weights.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public UNet(UNetArchitecture architecture, ulong seed = 0) : base(architecture, nameof(UNet))
    {
        using var scope = NewDisposeScope();
        var levels = architecture.Levels();
        _down = [.. levels.Select(level => Convolutions($"down_{level.Rows}", level, level.InputFeatures))];
        _upsample = [.. levels.SkipLast(1).Zip(levels.Skip(1), (fine, coarse) => nn.ConvTranspose2d(coarse.Features, fine.Features, 2, stride: 2))];
        _up = [.. levels.SkipLast(1).Select(level => Convolutions($"up_{level.Rows}", level, 2 * level.Features))];
        _head = nn.Conv2d(levels[0].Features, architecture.OutputPlanes, 1);
        foreach (var module in _down)
            register_module(module.GetName(), module);
        for (int level = 0; level < _up.Length; level++)
        {
            register_module($"upsample_{levels[level].Rows}", _upsample[level]);
            register_module(_up[level].GetName(), _up[level]);
        }
        register_module("head", _head);
        Initialise(seed);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor layout)
    {
        CheckShape(layout);
        using var scope = NewDisposeScope();
        var finest = _down[0].Shape;
        var skipped = new Tensor[_down.Length];
        var x = WithNoise(SemanticLayout.Extend(layout, finest.Rows, finest.Columns), 0);
        for (int level = 0; level < _down.Length; level++)
            x = skipped[level] = _down[level].forward(null, level == 0 ? x : nn.functional.max_pool2d(x, 2));
        for (int level = _up.Length - 1; level >= 0; level--)
            x = _up[level].forward(null, torch.cat([skipped[level], _upsample[level].ConvolveEach(x)], 1));
        return Images(_head.Convolve(x)).MoveToOuterDisposeScope();
    }

    /// <summary>A refinement module that gets nothing from a coarser one is just the two convolutions.</summary>
    private static RefinementModule Convolutions(string name, ModuleShape level, int inputs) =>
        new(name, level with { InputFeatures = 0 }, inputs);
}
