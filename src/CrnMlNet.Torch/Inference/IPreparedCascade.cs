using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>A cascade's forward pass for which something was made from the weights; what becomes of them later is not seen.</summary>
internal interface IPreparedCascade : IDisposable
{
    /// <summary>Synthesizes, as <see cref="SynthesisNetwork.forward"/> does.</summary>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c> on the network's device.</param>
    /// <returns>The images <c>[N, k, 3, H, W]</c>.</returns>
    Tensor Synthesize(Tensor layouts);
}
