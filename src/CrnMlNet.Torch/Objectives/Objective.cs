namespace CrnMlNet.Torch.Objectives;

/// <summary>In what synthesized images are compared with the photo.</summary>
public enum Comparison
{
    /// <summary>In the layers of a perception network, the image itself among them: the paper's Eq. 1, or Eq. 2 or 3 for several images.</summary>
    Features,

    /// <summary>As images alone, by mean absolute difference: the paper's baseline "image-space loss".</summary>
    Image,
}

/// <summary>What a training minimizes: a sum of terms.</summary>
public sealed record Objective
{
    /// <summary>In what images are compared with the photo, in gray levels.</summary>
    public Comparison Comparison { get; init; }

    /// <summary>The terms, for people and for telling one training from another.</summary>
    public override string ToString() => Comparison == Comparison.Features ? "features" : "image";
}
