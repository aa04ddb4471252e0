using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// The visual perception network Phi of the paper's Eq. 1: a fixed network in whose layers synthesized and real images
/// are compared. The paper takes VGG-19; any network with layers from fine to coarse fits.
/// </summary>
public interface IPerceptionNetwork : IDisposable
{
    /// <summary>One phrase for logs and model descriptions: what the network is and where its weights come from.</summary>
    string Description { get; }

    /// <summary>The names of the layers that <see cref="Features"/> gives, in its order.</summary>
    IReadOnlyList<string> Taps { get; }

    /// <summary>Looks at images. Gradients flow to the images, never to the network.</summary>
    /// <param name="images">RGB <c>[N, 3, H, W]</c>, 0 to 255, float32.</param>
    /// <returns>For each tap l its activations Phi_l <c>[N, C_l, H_l, W_l]</c>.</returns>
    IReadOnlyList<Tensor> Features(Tensor images);
}
