using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// The names and shapes that a network's parameters have in the authors' TensorFlow checkpoints
/// (<c>g_256_conv1/weights</c>, ...; CQFIO/PhotographicImageSynthesis).
/// </summary>
public static class AuthorsNames
{
    /// <summary>The TensorFlow variable that holds a parameter.</summary>
    /// <param name="network">The network.</param>
    /// <param name="parameter">A key of its state dictionary, such as <c>g_256.norm1.weight</c>.</param>
    /// <returns>The variable's name, such as <c>g_256_conv1/LayerNorm/gamma</c>.</returns>
    /// <exception cref="ArgumentException">The network has no such parameter.</exception>
    public static string Variable(CascadedRefinementNetwork network, string parameter) => parameter.Split('.') switch
    {
        ["conv100", "weight"] => $"g_{Rows(network)}_conv100/weights",
        ["conv100", "bias"] => $"g_{Rows(network)}_conv100/biases",
        [var module, "conv1" or "conv2", "weight"] when Has(network, module) => $"{module}_{parameter.Split('.')[1]}/weights",
        [var module, "norm1" or "norm2", "weight"] when Has(network, module) => $"{module}_conv{parameter.Split('.')[1][^1]}/LayerNorm/gamma",
        [var module, "norm1" or "norm2", "bias"] when Has(network, module) => $"{module}_conv{parameter.Split('.')[1][^1]}/LayerNorm/beta",
        _ => throw new ArgumentException($"'{parameter}' is not a parameter of this cascaded refinement network.", nameof(parameter)),
    };

    /// <summary>The shape of that variable: TensorFlow keeps convolutions as [height, width, inputs, outputs], Torch as [outputs, inputs, height, width].</summary>
    /// <param name="shape">The parameter's shape.</param>
    public static long[] VariableShape(IReadOnlyList<long> shape) =>
        shape.Count == 4 ? [shape[2], shape[3], shape[1], shape[0]] : [.. shape];

    private static bool Has(CascadedRefinementNetwork network, string module) =>
        network.Architecture.Modules().Any(shape => module == $"g_{shape.Rows}");

    private static int Rows(CascadedRefinementNetwork network) => network.Architecture.Modules()[^1].Rows;
}
