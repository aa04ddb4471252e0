using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>
/// What a training minimizes: a sum over layers of how far synthesized images are from the photo in that layer, each term
/// with its weight lambda_l. Layer 0 is the image itself, the others are a perception network's taps.
/// </summary>
/// <remarks>
/// As in the authors' code, a layer's differences are averaged over its elements, where the paper sums them: so a weight
/// does not depend on the resolution, and the paper's first weights, the inverse of the number of elements, are 1 here.
/// </remarks>
public abstract class FeatureObjective
{
    private readonly IPerceptionNetwork _perception;

    private protected FeatureObjective(IPerceptionNetwork perception, LayerWeights weights)
    {
        var layers = LayersOf(perception);
        if (!weights.Layers.SequenceEqual(layers))
            throw new ArgumentException(
                $"The layer weights are for {string.Join(", ", weights.Layers)}; this perception network compares {string.Join(", ", layers)}.",
                nameof(weights));
        _perception = perception;
        Weights = weights;
    }

    /// <summary>One phrase for logs and model descriptions: what is minimized, with the paper's number of the equation.</summary>
    public abstract string Description { get; }

    /// <summary>lambda.</summary>
    public LayerWeights Weights { get; }

    /// <summary>
    /// Below this, in gray levels, differences count by their square (smooth L1: Girshick, 2015), so that what is nearly right is left alone; 0, as in the paper: all count
    /// as they are. In other layers than the image it is as many gray levels in what a layer contributes: divided by its weight.
    /// </summary>
    public double SmoothBelow { get; init; }

    /// <summary>The layers that are compared with a perception network: the image, then its taps.</summary>
    /// <param name="perception">Phi.</param>
    public static IReadOnlyList<string> LayersOf(IPerceptionNetwork perception) => [LayerWeights.Image, .. perception.Taps];

    /// <summary>What each layer contributes, not weighted yet; a mean over the photos.</summary>
    /// <param name="images">The k synthesized images of each layout, g_u(L) <c>[N, k, 3, H, W]</c>, 0 to 255. Gradients flow to these alone.</param>
    /// <param name="layouts">L <c>[N, c, H, W]</c>, each pixel summing to one.</param>
    /// <param name="photos">I <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <returns>The terms <c>[layers]</c>, in gray levels for the image, in the perception network's units for its taps.</returns>
    public abstract Tensor Terms(Tensor images, Tensor layouts, Tensor photos);

    /// <summary>The loss.</summary>
    /// <param name="terms">What <see cref="Terms"/> gave.</param>
    /// <returns>A scalar tensor.</returns>
    public Tensor Loss(Tensor terms) => Weigh(terms.unbind());

    /// <summary>The loss.</summary>
    /// <param name="images">The synthesized images <c>[N, k, 3, H, W]</c>, 0 to 255.</param>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="photos">The photos <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <returns>A scalar tensor.</returns>
    public Tensor Loss(Tensor images, Tensor layouts, Tensor photos) => Loss(Terms(images, layouts, photos));

    /// <summary>The sum over layers of lambda_l times a layer's values, all of the same shape.</summary>
    private protected Tensor Weigh(IEnumerable<Tensor> layers) =>
        layers.Zip(Weights.Values, (values, weight) => values.Times(weight)).Aggregate((sum, values) => sum.Plus(values));

    /// <summary>
    /// For each layer how far every image is from its photo at each place: |Phi_l(I) - Phi_l(g_u(L))|, averaged over the
    /// layer's feature maps.
    /// </summary>
    /// <returns>For each layer <c>[N, k, H_l, W_l]</c>.</returns>
    private protected Tensor[] Distances(Tensor images, Tensor photos)
    {
        IReadOnlyList<Tensor> real;
        using (no_grad())
            real = _perception.Features(photos);
        var synthesized = _perception.Features(images.flatten(0, 1));
        return
        [
            Distance(photos, images, 0),
            .. real.Zip(synthesized).Select((maps, tap) => Distance(maps.First, maps.Second.unflatten(0, images.shape[0], images.shape[1]), tap + 1)),
        ];
    }

    private Tensor Distance(Tensor photos, Tensor images, int layer)
    {
        var difference = (photos.unsqueeze(1) - images).abs();
        if (SmoothBelow == 0)
            return difference.mean([2]);
        double limit = SmoothBelow / Weights.Values[layer];
        // x^2 / (2 limit) below it, x - limit / 2 above.
        var least = difference.Within(0, limit);
        return (least * (difference - least.Times(0.5))).mean([2]).Times(1 / limit);
    }
}
