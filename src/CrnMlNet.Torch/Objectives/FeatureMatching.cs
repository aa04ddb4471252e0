using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>
/// The paper's Eq. 1: the sum over layers l of lambda_l |Phi_l(I) - Phi_l(g(L))|, where layer 0 is the image. As in the
/// authors' code a layer's term is the mean absolute difference, so that a weight does not depend on the resolution.
/// </summary>
public sealed class FeatureMatching
{
    private readonly IPerceptionNetwork _perception;

    /// <summary>Makes the objective.</summary>
    /// <param name="perception">Phi. Stays the caller's to dispose.</param>
    /// <param name="weights">lambda, for the image and each of the network's taps.</param>
    /// <exception cref="ArgumentException">The weights are not for the image and this network's taps.</exception>
    public FeatureMatching(IPerceptionNetwork perception, LayerWeights weights)
    {
        var layers = LayersOf(perception);
        if (!weights.Layers.SequenceEqual(layers))
            throw new ArgumentException(
                $"The layer weights are for {string.Join(", ", weights.Layers)}; this perception network compares {string.Join(", ", layers)}.",
                nameof(weights));
        _perception = perception;
        Weights = weights;
    }

    /// <summary>lambda.</summary>
    public LayerWeights Weights { get; }

    /// <summary>The layers that are compared with a perception network: the image, then its taps.</summary>
    /// <param name="perception">Phi.</param>
    public static IReadOnlyList<string> LayersOf(IPerceptionNetwork perception) => [LayerWeights.Image, .. perception.Taps];

    /// <summary>The terms of the sum, not weighted yet.</summary>
    /// <param name="perception">Phi.</param>
    /// <param name="synthesized">g(L) <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <param name="photos">I <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <returns>For each layer the mean absolute difference, a scalar tensor.</returns>
    public static Tensor[] Terms(IPerceptionNetwork perception, Tensor synthesized, Tensor photos)
    {
        IReadOnlyList<Tensor> real;
        using (no_grad())
            real = perception.Features(photos);
        var fake = perception.Features(synthesized);
        return [Difference(photos, synthesized), .. real.Zip(fake, Difference)];
    }

    /// <summary>The loss.</summary>
    /// <param name="synthesized">g(L) <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <param name="photos">I <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <returns>A scalar tensor.</returns>
    public Tensor Loss(Tensor synthesized, Tensor photos)
    {
        var terms = Terms(_perception, synthesized, photos);
        return terms.Select((term, layer) => term.Times(Weights.Values[layer])).Aggregate((sum, term) => sum.Plus(term));
    }

    private static Tensor Difference(Tensor real, Tensor fake) => (real - fake).abs().mean();
}
