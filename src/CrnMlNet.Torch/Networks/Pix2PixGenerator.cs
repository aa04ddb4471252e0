using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Layouts;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// The generator of Pix2pix (Isola et al., CVPR 2017), the "U-Net 256": strided 4x4 convolutions down to a pixel, transposed ones back up,
/// and at every resolution the maps of the way down beside those of the way up; hyperbolic tangent at the end.
/// </summary>
/// <remarks>
/// As <c>UnetGenerator</c> in junyanz/pytorch-CycleGAN-and-pix2pix (models/networks.py): leaky ReLUs of slope 0.2 down and ReLUs up; the
/// outermost and the innermost way down are not normalised; weights are drawn from N(0, 0.02), and scales from N(1, 0.02); while training,
/// half of the maps' values are dropped behind the up-convolutions of 512 to 512 maps but the innermost one. Two things differ: Isola et
/// al. normalise by the statistics of the batch, also at test time, which at their batch size of 1 are each image's; here they are each
/// image's always, so that a photo does not depend on others. And dropout ends with training, where they keep it on as their only source
/// of chance: so that a layout always gives the same photo.
/// </remarks>
public sealed class Pix2PixGenerator : SynthesisNetwork
{
    internal const int KernelSize = 4;
    private const double NormEpsilon = 1e-5;
    private const double Spread = 0.02;
    private const double DroppedShare = 0.5;

    /// <summary>The halvings before those that have as many maps as they get.</summary>
    private const int Widening = 4;

    private readonly ModuleShape[] _shapes;
    private readonly Conv2d[] _down;
    private readonly GroupNorm?[] _downNorms;
    private readonly ConvTranspose2d[] _up;
    private readonly GroupNorm?[] _upNorms;
    private ulong _step;

    /// <summary>Makes a network with weights drawn as by its authors.</summary>
    /// <param name="architecture">What it looks like.</param>
    /// <param name="seed">Seeds the weights; the same seed gives the same weights.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public Pix2PixGenerator(Pix2PixArchitecture architecture, ulong seed = 0) : base(architecture, nameof(Pix2PixGenerator))
    {
        using var scope = NewDisposeScope();
        _shapes = [.. architecture.Halvings()];
        int last = _shapes.Length - 1;
        _down = [.. _shapes.Select(shape => nn.Conv2d(shape.InputFeatures, shape.Features, KernelSize, stride: 2, padding: 1, bias: false))];
        _downNorms = [.. _shapes.Select((shape, i) => i == 0 || i == last ? null : Norm(shape.Features))];
        _up = [.. _shapes.Select((shape, i) => nn.ConvTranspose2d(
            (i == last ? 1 : 2) * shape.Features, i == 0 ? architecture.OutputPlanes : _shapes[i - 1].Features, KernelSize, stride: 2, padding: 1, bias: i == 0))];
        _upNorms = [.. _shapes.Select((_, i) => i == 0 ? null : Norm(_shapes[i - 1].Features))];
        for (int i = 0; i < _shapes.Length; i++)
        {
            register_module($"down{i + 1}", _down[i]);
            if (_downNorms[i] is { } norm)
                register_module($"down{i + 1}_norm", norm);
        }
        for (int i = last; i >= 0; i--)
        {
            register_module($"up{i + 1}", _up[i]);
            if (_upNorms[i] is { } norm)
                register_module($"up{i + 1}_norm", norm);
        }
        DrawNormal(this, seed);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor layout)
    {
        CheckShape(layout);
        using var scope = NewDisposeScope();
        // Dropped values are for training alone, not for what is measured or shown in between.
        using var chance = training && is_grad_enabled() ? new Generator(_step) : null;
        var input = SemanticLayout.Extend(layout, 2 * _shapes[0].Rows, 2 * _shapes[0].Columns);
        var found = new Tensor[_shapes.Length];
        for (int i = 0; i < found.Length; i++)
        {
            found[i] = _down[i].ConvolveEach(i == 0 ? WithNoise(input, 0) : found[i - 1].LeakyReLU(RefinementModule.NegativeSlope));
            if (_downNorms[i] is { } norm)
                found[i] = norm.forward(found[i]);
        }
        var x = found[^1];
        for (int i = found.Length - 1; i >= 0; i--)
        {
            x = _up[i].ConvolveEach((i == found.Length - 1 ? x : torch.cat([found[i], x], 1)).relu());
            if (_upNorms[i] is { } norm)
                x = norm.forward(x);
            if (chance is not null && i >= Widening && i < found.Length - 1)
                x = Drop(x, chance);
        }
        return Images(x.tanh()).MoveToOuterDisposeScope();
    }

    internal override void BeginStep(ulong number) => _step = number;

    /// <summary>Draws convolutions from N(0, 0.02) and normalisations' scales from N(1, 0.02), as DCGAN and Pix2pix do; shifts and biases are 0.</summary>
    internal static void DrawNormal(nn.Module module, ulong seed)
    {
        using var generator = new Generator(seed);
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, parameter) in module.named_parameters())
        {
            if (name.EndsWith(".weight"))
                parameter.normal_(parameter.dim() == 4 ? 0 : 1, Spread, generator);
            else
                parameter.zero_();
        }
    }

    /// <summary>Normalises each map of each image by itself, then scales and shifts it.</summary>
    internal static GroupNorm Norm(int features) => nn.GroupNorm(features, features, NormEpsilon);

    private static Tensor Drop(Tensor maps, Generator chance)
    {
        // On the CPU, so that the same are dropped on every device.
        var kept = torch.rand(maps.shape, ScalarType.Float32, generator: chance).round_().to(maps.device);
        return (maps * kept).Times(1 / (1 - DroppedShare));
    }
}
