using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Onnx;

/// <summary>
/// A <see cref="CascadedRefinementNetwork"/> in ONNX' operators, from a layout <c>[N, c, H, W]</c> to photos. It must compute what
/// <see cref="SynthesisNetwork.forward"/> does.
/// </summary>
internal sealed class CascadedRefinementGraph
{
    private const string Batch = "batch";

    private readonly OnnxGraph _graph;
    private readonly CrnArchitecture _architecture;
    private readonly IReadOnlyList<ModuleShape> _modules;
    private readonly Dictionary<string, Tensor> _parameters;

    private CascadedRefinementGraph(OnnxGraph graph, CascadedRefinementNetwork network)
    {
        _graph = graph;
        _architecture = network.Cascade;
        _modules = _architecture.Modules();
        _parameters = network.named_parameters().ToDictionary(named => named.name, named => (Tensor)named.parameter);
    }

    /// <summary>Adds the network to a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="network">The network, which must live until the graph is written.</param>
    /// <param name="layout">The name of the layout <c>[N, c, H, W]</c>.</param>
    /// <param name="photos">The name that the photos get: <c>[N, 3, H, W]</c>, or <c>[N, k, 3, H, W]</c> of a network of k images; 0 to 255.</param>
    public static void Add(OnnxGraph graph, CascadedRefinementNetwork network, string layout, string photos)
        => new CascadedRefinementGraph(graph, network).AddNetwork(layout, photos);

    private void AddNetwork(string layout, string photos)
    {
        if (_architecture.NoiseChannels > 0)
            _graph.Node(Batch, "Shape", [layout], ("start", 0L), ("end", 1L));
        var pyramid = Pyramid(Extend(layout));
        string features = "";
        for (int i = 0; i < _modules.Count; i++)
            features = Module(i, features, pyramid[i]);

        string planes = _graph.Node(
            "conv100", "Conv", [features, Parameter("conv100.weight"), Parameter("conv100.bias")], ("kernel_shape", new long[] { 1, 1 }));
        string signed = Crop(planes);
        string shifted = _graph.Node("shifted", "Add", [signed, _graph.Constant("one", [1f])]);
        string scaled = _graph.Node("scaled", "Mul", [shifted, _graph.Constant("half_range", [127.5f])]);
        string[] range = [_graph.Constant("black", [0f]), _graph.Constant("white", [255f])];
        if (_architecture.ImagesPerLayout == 1)
        {
            _graph.Node(photos, "Clip", [scaled, .. range]);
            return;
        }
        // Image u is made of the head's channels u, u + k and u + 2k.
        string planar = _graph.Node("clipped", "Clip", [scaled, .. range]);
        string split = _graph.Node(
            "split", "Reshape", [planar, _graph.Constant("split_shape", 0, 3, _architecture.ImagesPerLayout, _architecture.Height, _architecture.Width)]);
        _graph.Node(photos, "Transpose", [split], ("perm", new long[] { 0, 2, 1, 3, 4 }));
    }

    /// <summary>See <see cref="SemanticLayout.Extend"/>.</summary>
    private string Extend(string layout)
    {
        var (top, left, bottom, right) = Margins();
        return (top, left, bottom, right) == default
            ? layout
            : _graph.Node("extended", "Pad", [layout, _graph.Constant("margins", 0, 0, top, left, 0, 0, bottom, right)], ("mode", "edge"));
    }

    /// <summary>See <see cref="SemanticLayout.Crop"/>.</summary>
    private string Crop(string planes)
    {
        var (top, left, bottom, right) = Margins();
        return (top, left, bottom, right) == default
            ? planes
            : _graph.Node("cropped", "Slice",
                [
                    planes, _graph.Constant("first", top, left), _graph.Constant("end", top + _architecture.Height, left + _architecture.Width),
                    _graph.Constant("axes", 2, 3),
                ]);
    }

    private (long Top, long Left, long Bottom, long Right) Margins()
    {
        var finest = _modules[^1];
        var (top, left) = SemanticLayout.Margin(_architecture.Height, _architecture.Width, finest.Rows, finest.Columns);
        return (top, left, finest.Rows - _architecture.Height - top, finest.Columns - _architecture.Width - left);
    }

    /// <summary>See <see cref="SemanticLayout.Pyramid"/>.</summary>
    private string[] Pyramid(string layout)
    {
        var pyramid = new string[_modules.Count];
        pyramid[^1] = layout;
        for (int i = pyramid.Length - 2; i >= 0; i--)
        {
            pyramid[i] = _graph.Node(
                $"labels_{_modules[i].Rows}", "AveragePool", [pyramid[i + 1]], ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 }));
        }
        return pyramid;
    }

    private string WithNoise(int module, string labels)
    {
        if (_architecture.NoiseChannels == 0)
            return labels;
        var shape = _modules[module];
        string noise = _graph.Weight($"noise_{shape.Rows}", FixedNoise.Plane(_architecture.NoiseChannels, shape.Rows, shape.Columns, module));
        string repeats = _graph.Node($"repeats_{shape.Rows}", "Concat", [Batch, _graph.Constant($"noise_shape_{shape.Rows}", _architecture.NoiseChannels, shape.Rows, shape.Columns)], ("axis", 0L));
        string repeated = _graph.Node($"repeated_noise_{shape.Rows}", "Expand", [noise, repeats]);
        return _graph.Node($"noisy_labels_{shape.Rows}", "Concat", [labels, repeated], ("axis", 1L));
    }

    private string Module(int module, string features, string layout)
    {
        var shape = _modules[module];
        string labels = WithNoise(module, layout);
        string name = $"g_{shape.Rows}", input = labels;
        if (module > 0)
        {
            // Each module has twice the rows and columns of the one before, whatever the batch is.
            string upsampled = _graph.Node($"{name}.upsampled", "Resize", [features, "", _graph.Constant($"{name}.scales", [1f, 1f, 2f, 2f], 4)],
                ("mode", "linear"), ("coordinate_transformation_mode", "align_corners"));
            input = _graph.Node($"{name}.input", "Concat", [upsampled, labels], ("axis", 1L));
        }
        return Half(name, 2, shape, Half(name, 1, shape, input, layout), layout);
    }

    private string Half(string module, int number, ModuleShape shape, string input, string layout)
    {
        string name = $"{module}.{number}";
        string convolved = _graph.Node($"{name}.conv", "Conv", [input, Parameter($"{module}.conv{number}.weight")],
            ("kernel_shape", new long[] { 3, 3 }), ("pads", new long[] { 1, 1, 1, 1 }));
        // Layer normalisation over H x W x C: as one channel, one instance.
        string flat = _graph.Node($"{name}.flat", "Reshape", [convolved, _graph.Constant($"{name}.flat_shape", 0, 1, -1)]);
        string normal = _graph.Node($"{name}.normal", "InstanceNormalization",
            [flat, _graph.Constant($"{name}.unit_scale", [1f], 1), _graph.Constant($"{name}.no_bias", [0f], 1)], ("epsilon", (float)RefinementModule.NormEpsilon));
        string shaped = _graph.Node($"{name}.shaped", "Reshape", [normal, _graph.Constant($"{name}.shape", 0, shape.Features, shape.Rows, shape.Columns)]);
        var (gains, biases) = _architecture.Modulation == Modulation.None
            ? (PerChannel($"{module}.norm{number}.weight"), PerChannel($"{module}.norm{number}.bias"))
            : Modulating($"{module}.modulation{number}", layout);
        string scaled = _graph.Node($"{name}.scaled", "Mul", [shaped, gains]);
        string shifted = _graph.Node($"{name}.shifted", "Add", [scaled, biases]);
        return _graph.Node($"{name}.activated", "LeakyRelu", [shifted], ("alpha", (float)RefinementModule.NegativeSlope));
    }

    /// <summary>See <see cref="LayoutModulation"/>.</summary>
    private (string Gains, string Biases) Modulating(string modulation, string layout)
    {
        string seen = _architecture.Modulation == Modulation.Spade ? _graph.Node($"{modulation}.seen", "Relu", [Convolved("shared", layout)]) : layout;
        return (_graph.Node($"{modulation}.scales", "Add", [Convolved("gains", seen), _graph.Constant($"{modulation}.one", [1f])]), Convolved("biases", seen));

        string Convolved(string convolution, string input) => _architecture.Modulation == Modulation.Spade
            ? _graph.Node($"{modulation}.{convolution}", "Conv", [input, Parameter($"{modulation}.{convolution}.weight"), Parameter($"{modulation}.{convolution}.bias")],
                ("kernel_shape", new long[] { 3, 3 }), ("pads", new long[] { 1, 1, 1, 1 }))
            : _graph.Node($"{modulation}.{convolution}", "Conv", [input, Parameter($"{modulation}.{convolution}.weight")], ("kernel_shape", new long[] { 1, 1 }));
    }

    private string Parameter(string name) => _graph.Weight(name, _parameters[name]);

    private string PerChannel(string name) => _graph.Weight(name, _parameters[name].view(-1, 1, 1));
}
