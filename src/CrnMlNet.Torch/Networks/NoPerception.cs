using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>No perception network: only the images themselves are compared, Phi_0 alone. The paper's baseline "image-space loss".</summary>
public sealed class NoPerception : IPerceptionNetwork
{
    /// <inheritdoc/>
    public string Description => "no network, but pixel by pixel";

    /// <inheritdoc/>
    public IReadOnlyList<string> Taps => [];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Features(Tensor images) => [];

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
