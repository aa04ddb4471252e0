using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>
/// The paper's Eq. 1: the sum over layers l of lambda_l |Phi_l(I) - Phi_l(g(L))|, where layer 0 is the image. Of several
/// images for a layout each is to be the photo.
/// </summary>
/// <param name="perception">Phi. Stays the caller's to dispose.</param>
/// <param name="weights">lambda, for the image and each of the network's taps.</param>
/// <exception cref="ArgumentException">The weights are not for the image and this network's taps.</exception>
public sealed class FeatureMatching(IPerceptionNetwork perception, LayerWeights weights) : FeatureObjective(perception, weights)
{
    /// <inheritdoc/>
    public override string Description => "feature matching (Eq. 1)";

    /// <inheritdoc/>
    public override Tensor Terms(Tensor images, Tensor layouts, Tensor photos) =>
        torch.stack(Distances(images, photos).Select(distance => distance.mean()));
}
