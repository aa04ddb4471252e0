using CrnMlNet.Torch.Backend;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>
/// The game of Goodfellow et al. (2014) between a network that paints and a discriminator, whose logits are above 0 where a photo looks real:
/// the binary cross-entropies of both, and feature matching in the discriminator (Salimans et al., 2016; as in pix2pixHD).
/// </summary>
internal static class AdversarialLoss
{
    /// <summary>What the discriminator minimizes: the mean of -log p for real photos and -log(1 - p) for synthesized ones, where p is how likely one is real.</summary>
    /// <param name="real">Logits of real photos, of any shape.</param>
    /// <param name="synthesized">Logits of synthesized ones.</param>
    public static Tensor OfDiscriminator(Tensor real, Tensor synthesized) => IsReal(real).Plus(IsReal(-synthesized)).Times(0.5);

    /// <summary>What the painter minimizes: -log p of its photos, the form that has a gradient also when the discriminator is sure.</summary>
    /// <param name="synthesized">Logits of synthesized photos.</param>
    public static Tensor OfPainter(Tensor synthesized) => IsReal(synthesized);

    /// <summary>How far apart real and synthesized photos are in the discriminator: the mean absolute difference in each layer but the last, averaged over layers.</summary>
    /// <param name="real">What each layer gives for real photos <c>[N, ...]</c>; no gradient flows to it.</param>
    /// <param name="synthesized">The same for synthesized ones.</param>
    public static Tensor FeatureMatching(Tensor[] real, Tensor[] synthesized) =>
        torch.stack(real.Zip(synthesized).SkipLast(1).Select(pair => (pair.First.detach() - pair.Second).abs().mean())).mean();

    private static Tensor IsReal(Tensor logits) => nn.functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits));
}
