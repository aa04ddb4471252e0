using CrnMlNet.Torch.Backend;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// Scales and shifts normalised maps by what a layout shows at each place: <c>maps * (1 + gains) + biases</c>. As <see cref="Modulation.Clade"/> gains and biases are
/// looked up by class, which of a soft layout is a 1x1 convolution; as <see cref="Modulation.Spade"/> one 3x3 convolution with a ReLU is shared by them, and each is a
/// 3x3 convolution of that.
/// </summary>
/// <remarks>
/// As in NVlabs/SPADE, <c>models/networks/normalization.py</c>, but with layer normalisation before it, the cascade's own, where that has batch
/// normalisation; and with 128 shared maps at full width.
/// </remarks>
internal sealed class LayoutModulation : nn.Module<Tensor, Tensor, Tensor>
{
    /// <summary>Maps of SPADE's shared convolution at full width.</summary>
    public const int SharedMaps = 128;

    [ComponentName(Name = "shared")]
    private readonly Conv2d? _shared;

    [ComponentName(Name = "gains")]
    private readonly Conv2d _gains;

    [ComponentName(Name = "biases")]
    private readonly Conv2d _biases;

    /// <param name="name">Its name in the state dictionary's path.</param>
    /// <param name="architecture">The cascade, whose layouts are modulated.</param>
    /// <param name="features">The maps that are scaled and shifted.</param>
    public LayoutModulation(string name, CrnArchitecture architecture, int features) : base(name)
    {
        if (architecture.Modulation == Modulation.Clade)
        {
            // Each place's shares sum to one, so a bias would only be a second number for the same.
            _gains = nn.Conv2d(architecture.Channels, features, 1, bias: false);
            _biases = nn.Conv2d(architecture.Channels, features, 1, bias: false);
        }
        else
        {
            int shared = architecture.Scaled(SharedMaps);
            _shared = nn.Conv2d(architecture.Channels, shared, 3, padding: 1);
            _gains = nn.Conv2d(shared, features, 3, padding: 1);
            _biases = nn.Conv2d(shared, features, 3, padding: 1);
        }
        RegisterComponents();
    }

    /// <summary>As <see cref="Modulation.Clade"/> of each feature map and class the gain less 1, and the bias, both <c>[d, c, 1, 1]</c>; null as <see cref="Modulation.Spade"/>.</summary>
    internal (Tensor Gains, Tensor Biases)? ByClass => _shared is null ? (_gains.weight!, _biases.weight!) : null;

    /// <summary>Scales and shifts.</summary>
    /// <param name="maps">The normalised maps <c>[N, d, H, W]</c>.</param>
    /// <param name="layout">The layout at their resolution <c>[N, c, H, W]</c>.</param>
    /// <returns><c>[N, d, H, W]</c></returns>
    public override Tensor forward(Tensor maps, Tensor layout)
    {
        using var scope = NewDisposeScope();
        var seen = _shared is null ? layout : _shared.Convolve(layout).relu();
        return (_gains.Convolve(seen).Plus(1) * maps).Plus(_biases.Convolve(seen)).MoveToOuterDisposeScope();
    }

    /// <summary>Adds to the parameters of a cascade that is not modulated those with which one that is by <see cref="Modulation.Clade"/> does just the same: every class has the normalisation's own gains and biases.</summary>
    /// <param name="parameters">By their names; what is added is of the scope of the caller.</param>
    /// <param name="channels">c, the layout's channels.</param>
    public static void AddClade(Dictionary<string, Tensor> parameters, int channels)
    {
        using var _ = no_grad();
        foreach (var (name, value) in parameters.Where(named => named.Key.Contains(".norm")).ToArray())
        {
            bool isGains = name.EndsWith(".weight");
            var ofClass = isGains ? value.Plus(-1) : value;
            parameters[name.Replace(".norm", ".modulation").Replace(isGains ? ".weight" : ".bias", isGains ? ".gains.weight" : ".biases.weight")]
                = ofClass.reshape(-1, 1, 1, 1).expand(-1, channels, -1, -1);
        }
    }

    /// <summary>Its convolutions, to tell beforehand what it costs.</summary>
    /// <param name="architecture">The cascade.</param>
    /// <param name="module">The module in which it is.</param>
    public static IEnumerable<ConvolutionShape> Convolutions(CrnArchitecture architecture, ModuleShape module)
    {
        var (rows, columns, features) = (module.Rows, module.Columns, module.Features);
        int shared = architecture.Scaled(SharedMaps);
        return architecture.Modulation switch
        {
            Modulation.Clade => Enumerable.Repeat(new ConvolutionShape(rows, columns, architecture.Channels, features, 1, Follows.Nothing), 2),
            Modulation.Spade =>
            [
                new ConvolutionShape(rows, columns, architecture.Channels, shared, 3, Follows.Bias),
                .. Enumerable.Repeat(new ConvolutionShape(rows, columns, shared, features, 3, Follows.Bias), 2),
            ],
            _ => [],
        };
    }
}
