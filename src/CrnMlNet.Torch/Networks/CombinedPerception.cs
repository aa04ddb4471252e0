using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>Several perception networks as one: images are compared in the layers of all of them.</summary>
/// <param name="parts">The networks, of which no two have a tap of the same name; this object's from now on.</param>
public sealed class CombinedPerception(params IReadOnlyList<IPerceptionNetwork> parts) : IPerceptionNetwork
{
    /// <summary>The networks.</summary>
    public IReadOnlyList<IPerceptionNetwork> Parts => parts;

    /// <inheritdoc/>
    public string Description => string.Join(", and ", parts.Select(part => part.Description));

    /// <inheritdoc/>
    public IReadOnlyList<string> Taps { get; } = [.. parts.SelectMany(part => part.Taps)];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Features(Tensor images) => [.. parts.SelectMany(part => part.Features(images))];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in parts)
            part.Dispose();
    }
}
