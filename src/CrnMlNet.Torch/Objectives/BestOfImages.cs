using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>An objective in which for every part of a photo the nearest of the k images counts, and the others hardly.</summary>
public abstract class BestOfImages : FeatureObjective
{
    /// <summary>
    /// The share of the mean over all images, as in the authors' code: an image that is the nearest nowhere would never learn again.
    /// </summary>
    public const double MeanShare = 0.001;

    private protected BestOfImages(IPerceptionNetwork perception, LayerWeights weights) : base(perception, weights)
    {
    }

    /// <inheritdoc/>
    public override Tensor Terms(Tensor images, Tensor layouts, Tensor photos)
    {
        Tensor[] parts = [.. Distances(images, photos).Select(distance => Parts(distance, layouts))];
        Tensor nearest;
        using (no_grad())
            nearest = Weigh(parts).argmin(1, keepdim: true);
        return torch.stack(parts.Select(part =>
            part.gather(1, nearest).Times(1 - MeanShare).Plus(part.mean([1], keepdim: true).Times(MeanShare)).sum(2).mean()));
    }

    /// <summary>A layer's distances part by part.</summary>
    /// <param name="distance">At each place of the layer <c>[N, k, H_l, W_l]</c>.</param>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>.</param>
    /// <returns><c>[N, k, parts]</c>; all parts together are the mean over the layer.</returns>
    private protected abstract Tensor Parts(Tensor distance, Tensor layouts);
}
