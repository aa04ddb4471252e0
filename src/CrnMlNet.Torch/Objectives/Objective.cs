using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Torch.Objectives;

/// <summary>In what synthesized images are compared with the photo.</summary>
public enum Comparison
{
    /// <summary>In the layers of a perception network, the image itself among them: the paper's Eq. 1, or Eq. 2 or 3 for several images.</summary>
    Features,

    /// <summary>As images alone, by mean absolute difference: the paper's baseline "image-space loss".</summary>
    Image,

    /// <summary>As images averaged over 4x4 pixels: colours and the large, and nothing of what lies within these cells.</summary>
    LowResolution,

    /// <summary>Not at all.</summary>
    None,
}

/// <summary>What a training minimizes: a sum of terms, each with its weight; a weight of 0 leaves a term out.</summary>
public sealed record Objective
{
    /// <summary>In what images are compared with the photo, in gray levels. Its weight is 1.</summary>
    public Comparison Comparison { get; init; }

    /// <summary>Below how many gray levels a difference counts by its square: see <see cref="FeatureObjective.SmoothBelow"/>. 0, as in the paper: nowhere.</summary>
    public double SmoothBelow { get; init; }

    /// <summary>The weight of the adversarial term, in gray levels for a nat: what a discriminator that learns along is to be fooled by.</summary>
    public double Adversarial { get; init; }

    /// <summary>Over how many steps the adversarial term and feature matching grow, evenly, to their weights, so that the large is learned before the small; 0: from the first they have them.</summary>
    public int AdversarialGrowth { get; init; }

    /// <summary>What the discriminator looks at.</summary>
    public DiscriminatorKind Discriminator { get; init; }

    /// <summary>The weight of feature matching in the discriminator: of how far photo and image are apart in its layers.</summary>
    public double DiscriminatorFeatures { get; init; }

    /// <summary>The weight of semantic segmentation, in gray levels for a nat: whether the image shows what its layout says, in the eyes of a segmentation network.</summary>
    public double Segmentation { get; init; }

    /// <summary>The weight of texture, in gray levels for a deviation: whether each class has as much of everything as in the photo, wherever that lies. See <see cref="TextureLoss"/>.</summary>
    public double Texture { get; init; }

    /// <summary>Whether images can be measured by this objective alone, without the discriminator, which judges by what it has learned so far.</summary>
    internal bool Measures => Comparison != Comparison.None || Segmentation > 0 || Texture > 0;

    /// <summary>Checks every property.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A weight is no number of at least 0, or there is no term.</exception>
    public void Validate()
    {
        if (!Enum.IsDefined(Comparison))
            throw new ArgumentOutOfRangeException(nameof(Comparison), Comparison, $"The comparison must be one of {string.Join(", ", Enum.GetNames<Comparison>())}.");
        if (!Enum.IsDefined(Discriminator))
            throw new ArgumentOutOfRangeException(nameof(Discriminator), Discriminator, $"The discriminator must be one of {string.Join(", ", Enum.GetNames<DiscriminatorKind>())}.");
        CheckWeight(nameof(Adversarial), Adversarial);
        CheckWeight(nameof(DiscriminatorFeatures), DiscriminatorFeatures);
        CheckWeight(nameof(Segmentation), Segmentation);
        CheckWeight(nameof(Texture), Texture);
        CheckWeight(nameof(SmoothBelow), SmoothBelow);
        ArgumentOutOfRangeException.ThrowIfNegative(AdversarialGrowth);
        if (DiscriminatorFeatures > 0 && Adversarial == 0)
            throw new ArgumentOutOfRangeException(nameof(DiscriminatorFeatures), DiscriminatorFeatures, "Without an adversarial term there is no discriminator to match features in.");
        if (!Measures && Adversarial == 0)
            throw new ArgumentOutOfRangeException(nameof(Comparison), Comparison, "An objective needs a term: a comparison, or one whose weight is above 0.");
    }

    /// <summary>The terms, for people and for telling one training from another.</summary>
    public override string ToString() => string.Join(" + ", OtherTerms().Prepend(Comparison switch
    {
        Comparison.Features => "features",
        Comparison.Image => "image",
        Comparison.LowResolution => "image at low resolution",
        _ => "nothing compared",
    } + (SmoothBelow > 0 ? FormattableString.Invariant($" (smooth below {SmoothBelow})") : "")));

    /// <summary>The terms beside the comparison, with their weights.</summary>
    internal IEnumerable<string> OtherTerms()
    {
        if (Adversarial > 0)
            yield return FormattableString.Invariant($"{Adversarial} adversarial ({InWords(Discriminator)}{(AdversarialGrowth > 0 ? $", growing over {AdversarialGrowth} steps" : "")})");
        if (DiscriminatorFeatures > 0)
            yield return FormattableString.Invariant($"{DiscriminatorFeatures} discriminator's features");
        if (Segmentation > 0)
            yield return FormattableString.Invariant($"{Segmentation} segmentation");
        if (Texture > 0)
            yield return FormattableString.Invariant($"{Texture} texture");
    }

    private static string InWords(DiscriminatorKind discriminator) => discriminator switch
    {
        DiscriminatorKind.Patches => "patches",
        DiscriminatorKind.MultiScalePatches => "patches at several scales",
        DiscriminatorKind.ClassPatches => "patches at several scales, each by its class",
        _ => "whole image",
    };

    private static void CheckWeight(string name, double value)
    {
        if (!(value >= 0 && double.IsFinite(value)))
            throw new ArgumentOutOfRangeException(name, value, $"The weight {name} must be a number of at least 0; 0 leaves the term out.");
    }
}
