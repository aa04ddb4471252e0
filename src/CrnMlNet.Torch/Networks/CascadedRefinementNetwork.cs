using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Layouts;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// The Cascaded Refinement Network of Chen &amp; Koltun (ICCV 2017), faithful to the authors' TensorFlow code: a cascade of
/// <see cref="RefinementModule"/>s and a 1x1 convolution to k RGB images.
/// </summary>
/// <remarks>
/// Module names are those of the authors' variables: <c>g_4</c>, <c>g_8</c>, ... after the rows that a module works at, and
/// <c>conv100</c> for the head; see <see cref="Weights.AuthorsNames"/>.
/// </remarks>
public sealed class CascadedRefinementNetwork : ChainedNetwork
{
    private const string HeadName = "conv100";

    private readonly RefinementModule[] _modules;

    [ComponentName(Name = HeadName)]
    private readonly Conv2d _conv100;

    /// <summary>Makes a network with Xavier-uniform convolutions, as <c>slim.conv2d</c> does, and unit layer normalisation.</summary>
    /// <param name="architecture">What it looks like.</param>
    /// <param name="seed">Seeds the weights; the same seed gives the same weights.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public CascadedRefinementNetwork(CrnArchitecture architecture, ulong seed = 0) : base(architecture, nameof(CascadedRefinementNetwork))
    {
        // Initialising a tensor in place returns a second one that holds its memory, too. Modules take theirs out of the scope.
        using var scope = NewDisposeScope();
        var shapes = architecture.Modules();
        Cascade = architecture;
        _modules = [.. shapes.Select(shape => new RefinementModule($"g_{shape.Rows}", shape, architecture))];
        _conv100 = nn.Conv2d(shapes[^1].Features, architecture.OutputPlanes, 1);
        foreach (var module in _modules)
            register_module(module.GetName(), module);
        register_module(HeadName, _conv100);
        Initialise(seed);
    }

    /// <summary>The same as <see cref="SynthesisNetwork.Architecture"/>, which it must not hide: TorchSharp takes modules' properties by name when it moves them.</summary>
    public CrnArchitecture Cascade { get; }

    internal override IReadOnlyList<Link> Chain(Tensor layout)
    {
        var labels = Layouts(layout);
        return
        [
            .. _modules.Select((module, i) => new Link(module, features => Refine(module, features, labels[i], i))),
            new Link(_conv100, features => Paint(features!)),
        ];
    }

    /// <summary>The modules, coarsest first.</summary>
    internal IReadOnlyList<RefinementModule> RefinementModules => _modules;

    /// <summary>A layout at each module's resolution.</summary>
    /// <param name="layout">The semantic layout <c>[N, c, H, W]</c>.</param>
    internal Tensor[] Layouts(Tensor layout)
    {
        CheckShape(layout);
        var finest = _modules[^1].Shape;
        return SemanticLayout.Pyramid(SemanticLayout.Extend(layout, finest.Rows, finest.Columns), _modules.Length);
    }

    /// <summary>Has only the newest modules and the head learn: the others' parameters get no gradients, and are not to be changed.</summary>
    /// <param name="newestModules">How many of the modules, counted from the finest one; null: all.</param>
    internal void LearnOnly(int? newestModules)
    {
        for (int i = 0; i < _modules.Length; i++)
            foreach (var parameter in _modules[i].parameters())
                parameter.requires_grad = _modules.Length - i <= (newestModules ?? int.MaxValue);
    }

    private Tensor Refine(RefinementModule module, Tensor? features, Tensor labels, int place)
    {
        using var scope = NewDisposeScope();
        return module.forward(features, WithNoise(labels, place)).MoveToOuterDisposeScope();
    }

    /// <summary>The head: the images of the last module's features.</summary>
    internal Tensor Paint(Tensor features)
    {
        using var scope = NewDisposeScope();
        return Images(_conv100.Convolve(features)).MoveToOuterDisposeScope();
    }

    /// <summary>The same on the CPU, image by image, as a product of matrices: the convolution would copy the features first, which are hundreds of megabytes.</summary>
    internal Tensor PaintByProducts(Tensor features)
    {
        using var scope = NewDisposeScope();
        Tensor weight = _conv100.weight!.flatten(1), bias = _conv100.bias!.view(1, -1, 1, 1);
        var heads = torch.stack([.. features.unbind(0).Select(image => weight.mm(image.flatten(1)))]);
        return Images(heads.view(features.shape[0], -1, features.shape[2], features.shape[3]).Plus(bias)).MoveToOuterDisposeScope();
    }
}
