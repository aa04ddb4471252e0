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
/// <c>conv100</c> for the head; see <see cref="Weights.AuthorsNames"/>. Dispose the network to free its native memory.
/// </remarks>
public sealed class CascadedRefinementNetwork : nn.Module<Tensor, Tensor>
{
    private const string HeadName = "conv100";

    private readonly RefinementModule[] _modules;
    private readonly Tensor?[] _noise;

    [ComponentName(Name = HeadName)]
    private readonly Conv2d _conv100;

    /// <summary>Makes a network with Xavier-uniform convolutions, as <c>slim.conv2d</c> does, and unit layer normalisation.</summary>
    /// <param name="architecture">What it looks like.</param>
    /// <param name="seed">Seeds the weights; the same seed gives the same weights.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public CascadedRefinementNetwork(CrnArchitecture architecture, ulong seed = 0) : base(StartedName())
    {
        // Initialising a tensor in place returns a second one that holds its memory, too. Modules take theirs out of the scope.
        using var scope = NewDisposeScope();
        var shapes = architecture.Modules();
        Architecture = architecture;
        _modules = [.. shapes.Select(shape => new RefinementModule($"g_{shape.Rows}", shape, architecture.Channels + architecture.NoiseChannels))];
        _conv100 = nn.Conv2d(shapes[^1].Features, 3 * architecture.ImagesPerLayout, 1);
        foreach (var module in _modules)
            register_module(module.GetName(), module);
        register_module(HeadName, _conv100);
        _noise = new Tensor?[architecture.NoiseChannels == 0 ? 0 : shapes.Count];
        Initialise(seed);
    }

    /// <summary>What this network looks like.</summary>
    public CrnArchitecture Architecture { get; }

    /// <summary>How many numbers the network learns.</summary>
    public long ParameterCount => parameters().Sum(parameter => parameter.numel());

    /// <summary>Synthesizes.</summary>
    /// <param name="layout">The semantic layout <c>[N, c, H, W]</c> at the architecture's size, each pixel summing to one.</param>
    /// <returns>
    /// The images <c>[N, k, 3, H, W]</c>, RGB, nominally 0 to 255 and not clipped: <c>(y + 1) / 2 * 255</c> of the head's
    /// output y. The head is planar, as in the authors' code: image u is made of its channels u, u + k and u + 2k.
    /// </returns>
    /// <exception cref="ArgumentException">The layout does not have the architecture's channels or size.</exception>
    public override Tensor forward(Tensor layout)
    {
        using var scope = NewDisposeScope();
        Tensor? maps = null;
        foreach (var link in Chain(layout))
            maps = link.Run(maps);
        return maps!.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The network as a chain for one layout: the modules, then the head, each of which makes its output of the one before.
    /// What <see cref="forward"/> does at once can be done piece by piece with it.
    /// </summary>
    /// <param name="layout">The semantic layout <c>[N, c, H, W]</c>; it and what the links share live in the current dispose scope.</param>
    internal IReadOnlyList<Link> Chain(Tensor layout)
    {
        var labels = Layouts(layout);
        return
        [
            .. _modules.Select((module, i) => new Link(module, features => Refine(module, features, labels[i], i))),
            new Link(_conv100, features => Images(features!)),
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

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            foreach (var noise in _noise)
                noise?.Dispose();
        base.Dispose(disposing);
    }

    private Tensor Refine(RefinementModule module, Tensor? features, Tensor labels, int place)
    {
        using var scope = NewDisposeScope();
        return module.forward(features, WithNoise(labels, place)).MoveToOuterDisposeScope();
    }

    /// <summary>The head: the images of the last module's features.</summary>
    internal Tensor Images(Tensor features)
    {
        using var scope = NewDisposeScope();
        var planes = SemanticLayout.Crop(_conv100.Convolve(features), Architecture.Height, Architecture.Width);
        return planes.Plus(1).Times(127.5)
            .reshape(features.shape[0], 3, Architecture.ImagesPerLayout, Architecture.Height, Architecture.Width)
            .transpose(1, 2)
            .MoveToOuterDisposeScope();
    }

    /// <summary>What a module gets beside features: the layout, and noise where the network has that.</summary>
    internal Tensor WithNoise(Tensor labels, int module) => _noise.Length == 0
        ? labels
        : torch.cat([labels, NoiseOn(labels.device, module).expand(labels.shape[0], -1, -1, -1)], 1);

    // A buffer that is no weight would be the place for noise, but TorchSharp leaves such buffers behind when a module moves.
    // Made when it is first needed: a network of few weights can be of any size, and loading it takes no more than its weights.
    private Tensor NoiseOn(Device device, int module)
    {
        lock (_noise)
        {
            if (_noise[module] is { } noise && noise.device_type == device.type && noise.device_index == device.index)
                return noise;
            // What is made in inference mode could not be trained with.
            using var normal = inference_mode(false);
            using var plane = FixedNoise.Plane(Architecture.NoiseChannels, _modules[module].Shape, module);
            _noise[module]?.Dispose();
            return _noise[module] = plane.to(device).DetachFromDisposeScope();
        }
    }

    // libtorch must run before the base class makes its native part.
    private static string StartedName()
    {
        TorchBackend.Start();
        return nameof(CascadedRefinementNetwork);
    }

    private void CheckShape(Tensor layout)
    {
        long[] expected = [layout.shape[0], Architecture.Channels, Architecture.Height, Architecture.Width];
        if (!layout.shape.AsSpan().SequenceEqual(expected))
            throw new ArgumentException(
                $"The network takes layouts [N, {Architecture.Channels}, {Architecture.Height}, {Architecture.Width}], got [{string.Join(", ", layout.shape)}].",
                nameof(layout));
    }

    private void Initialise(ulong seed)
    {
        using var generator = new Generator(seed);
        using var _ = no_grad();
        // fill_ and its like return another handle of the tensor.
        using var scope = NewDisposeScope();
        foreach (var (name, parameter) in named_parameters())
        {
            if (parameter.dim() == 4)
                XavierUniform(parameter, generator);
            else if (name.Contains(".norm") && name.EndsWith(".weight"))
                parameter.Fill(1);
            else
                parameter.zero_();
        }
    }

    private static void XavierUniform(Tensor weight, Generator generator)
    {
        long receptive = weight.shape[2] * weight.shape[3];
        double limit = Math.Sqrt(6.0 / ((weight.shape[0] + weight.shape[1]) * receptive));
        weight.uniform_(-limit, limit, generator);
    }

    /// <summary>A piece of the chain.</summary>
    /// <param name="Module">Has its parameters.</param>
    /// <param name="Run">Makes its output of the output of the link before; the first one gets null.</param>
    internal readonly record struct Link(nn.Module Module, Func<Tensor?, Tensor> Run)
    {
        /// <summary>Whether it has parameters that learn.</summary>
        public bool Learns => Module.parameters().Any(parameter => parameter.requires_grad);
    }
}
