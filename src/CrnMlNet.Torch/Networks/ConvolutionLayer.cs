using CrnMlNet.Torch.Backend;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>A 3x3 convolution, layer normalisation and a leaky ReLU, each as in a <see cref="RefinementModule"/>.</summary>
internal sealed class ConvolutionLayer : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv")]
    private readonly Conv2d _conv;

    [ComponentName(Name = "norm")]
    private readonly GroupNorm _norm;

    private readonly bool _isDilated;

    /// <param name="name">Its name in the state dictionary's path.</param>
    /// <param name="inputs">Feature maps that it gets.</param>
    /// <param name="outputs">Feature maps that it gives, of the same size.</param>
    /// <param name="dilation">Pixels between those that the kernel looks at.</param>
    public ConvolutionLayer(string name, int inputs, int outputs, int dilation = 1) : base(name)
    {
        _conv = nn.Conv2d(inputs, outputs, 3, padding: dilation, dilation: dilation, bias: false);
        _norm = nn.GroupNorm(1, outputs, RefinementModule.NormEpsilon);
        _isDilated = dilation > 1;
        RegisterComponents();
    }

    /// <summary>Convolves.</summary>
    /// <param name="maps"><c>[N, inputs, H, W]</c></param>
    /// <returns><c>[N, outputs, H, W]</c></returns>
    public override Tensor forward(Tensor maps)
    {
        using var scope = NewDisposeScope();
        return _norm.forward(_isDilated ? _conv.ConvolveEach(maps) : _conv.Convolve(maps)).LeakyReLUInPlace(RefinementModule.NegativeSlope).MoveToOuterDisposeScope();
    }
}
