using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// The paper's baseline "full-resolution network": all layers work at the resolution of the image, and see far at first and near at last.
/// It is the context aggregation network of Yu &amp; Koltun (ICLR 2016) the other way round: dilation begins large and is halved from
/// layer to layer. 10 layers of 256 maps.
/// </summary>
/// <remarks>
/// The paper does not tell the dilations; see <see cref="FullResolutionArchitecture.Dilations"/>. Normalisation and nonlinearity are the
/// cascade's, and so is the 1x1 convolution to RGB.
/// </remarks>
public sealed class FullResolutionNetwork : ChainedNetwork
{
    private readonly ConvolutionLayer[] _layers;

    [ComponentName(Name = "head")]
    private readonly Conv2d _head;

    /// <summary>Makes a network with Xavier-uniform convolutions and unit layer normalisation.</summary>
    /// <param name="architecture">What it looks like.</param>
    /// <param name="seed">Seeds the weights; the same seed gives the same weights.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public FullResolutionNetwork(FullResolutionArchitecture architecture, ulong seed = 0) : base(architecture, nameof(FullResolutionNetwork))
    {
        using var scope = NewDisposeScope();
        _layers = [.. architecture.Dilations().Select((dilation, i) =>
            new ConvolutionLayer($"layer{i + 1}", i == 0 ? architecture.InputChannels : architecture.Features, architecture.Features, dilation))];
        _head = nn.Conv2d(architecture.Features, architecture.OutputPlanes, 1);
        foreach (var layer in _layers)
            register_module(layer.GetName(), layer);
        register_module("head", _head);
        Initialise(seed);
    }

    internal override IReadOnlyList<Link> Chain(Tensor layout)
    {
        CheckShape(layout);
        var input = WithNoise(layout, 0);
        return
        [
            .. _layers.Select(layer => new Link(layer, maps => layer.forward(maps ?? input))),
            new Link(_head, maps => Paint(maps!)),
        ];
    }

    private Tensor Paint(Tensor maps)
    {
        using var scope = NewDisposeScope();
        return Images(_head.Convolve(maps)).MoveToOuterDisposeScope();
    }
}
