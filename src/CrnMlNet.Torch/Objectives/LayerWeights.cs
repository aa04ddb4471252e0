namespace CrnMlNet.Torch.Objectives;

/// <summary>The weights lambda_l of Eq. 1, one for each layer that is compared.</summary>
/// <param name="Layers">The layers' names, the image first.</param>
/// <param name="Values">The weights, in the same order; positive.</param>
public sealed record LayerWeights(IReadOnlyList<string> Layers, IReadOnlyList<double> Values)
{
    /// <summary>The name of the layer that is the image itself, Phi_0.</summary>
    public const string Image = "image";

    /// <summary>Weight 1 for every layer.</summary>
    /// <param name="layers">The layers' names.</param>
    public static LayerWeights Even(IReadOnlyList<string> layers) => new(layers, [.. layers.Select(_ => 1.0)]);

    /// <summary>
    /// The weights under which every layer contributes equally, the image's share scaled to one: the inverse of each
    /// layer's expected contribution, times the image's. So the total keeps the unit of the image term, gray levels.
    /// </summary>
    /// <param name="layers">The layers' names.</param>
    /// <param name="expected">Each layer's expected mean absolute difference; a layer that never differs gets weight 1.</param>
    public static LayerWeights Balance(IReadOnlyList<string> layers, IReadOnlyList<double> expected) =>
        new(layers, [.. expected.Select(value => value > 0 && expected[0] > 0 ? expected[0] / value : 1)]);

    /// <summary>Lists the weights: <c>image 1, conv1_2 0.62, ...</c></summary>
    public override string ToString() => string.Join(", ", Layers.Zip(Values, (layer, value) => FormattableString.Invariant($"{layer} {value:G3}")));
}
