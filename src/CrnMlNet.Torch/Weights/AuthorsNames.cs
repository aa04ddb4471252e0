using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Torch.Weights;

/// <summary>A parameter of a network as a variable of the authors' TensorFlow code.</summary>
/// <param name="Name">The variable's name, such as <c>g_256_conv1/LayerNorm/gamma</c>.</param>
/// <param name="Shape">Its shape: TensorFlow keeps convolutions as [height, width, inputs, outputs], Torch as [outputs, inputs, height, width].</param>
/// <param name="Parameter">The parameter's key in the network's state dictionary, such as <c>g_256.norm1.weight</c>.</param>
public sealed record AuthorsVariable(string Name, IReadOnlyList<long> Shape, string Parameter);

/// <summary>
/// The names and shapes that a network's parameters have in the authors' TensorFlow checkpoints
/// (<c>g_256_conv1/weights</c>, ...; CQFIO/PhotographicImageSynthesis).
/// </summary>
public static class AuthorsNames
{
    /// <summary>The first module's first convolution: its shape tells the channels of the layout, and how wide the network is.</summary>
    internal const string First = "g_4_conv1/weights";

    /// <summary>The variables that hold a network's parameters.</summary>
    /// <param name="architecture">The network.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range, or has what the authors' networks have not.</exception>
    public static IReadOnlyList<AuthorsVariable> Of(CrnArchitecture architecture)
    {
        if (architecture.Modulation != Modulation.None)
            throw new ArgumentOutOfRangeException(nameof(architecture), architecture.Modulation, "The authors' networks have no modulation by the layout.");
        var modules = architecture.Modules();
        int labels = architecture.Channels + architecture.NoiseChannels, planes = 3 * architecture.ImagesPerLayout;
        return
        [
            .. modules.SelectMany(module => Convolution(module, 1, module.InputFeatures + labels).Concat(Convolution(module, 2, module.Features))),
            new($"{Head(modules[^1].Rows)}/weights", [1, 1, modules[^1].Features, planes], "conv100.weight"),
            new($"{Head(modules[^1].Rows)}/biases", [planes], "conv100.bias"),
        ];
    }

    /// <summary>The scope of the head of a network whose last module works at so many rows.</summary>
    internal static string Head(int rows) => $"g_{rows}_conv100";

    private static IEnumerable<AuthorsVariable> Convolution(ModuleShape module, int layer, int inputs) =>
    [
        new($"g_{module.Rows}_conv{layer}/weights", [3, 3, inputs, module.Features], $"g_{module.Rows}.conv{layer}.weight"),
        new($"g_{module.Rows}_conv{layer}/LayerNorm/gamma", [module.Features], $"g_{module.Rows}.norm{layer}.weight"),
        new($"g_{module.Rows}_conv{layer}/LayerNorm/beta", [module.Features], $"g_{module.Rows}.norm{layer}.bias"),
    ];
}
