using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>
/// The paper's Eq. 2: of the k images for a layout only the one that is nearest to the photo counts, the minimum over u of
/// Eq. 1. So the images may spread over what the layout could show.
/// </summary>
/// <param name="perception">Phi. Stays the caller's to dispose.</param>
/// <param name="weights">lambda, for the image and each of the network's taps.</param>
/// <exception cref="ArgumentException">The weights are not for the image and this network's taps.</exception>
/// <remarks>As in <see cref="DiversityLoss"/>, a small share of all images' mean is added, which the paper does not have.</remarks>
public sealed class HindsightLoss(IPerceptionNetwork perception, LayerWeights weights) : BestOfImages(perception, weights)
{
    /// <inheritdoc/>
    public override string Description => "the nearest of the images (Eq. 2)";

    private protected override Tensor Parts(Tensor distance, Tensor layouts) => distance.mean([2, 3]).unsqueeze(2);
}
