namespace CrnMlNet.Torch.Objectives;

/// <summary>Which of several images for a layout learn from a photo.</summary>
public enum Diversity
{
    /// <summary>For each semantic class the nearest image: <see cref="DiversityLoss"/>, the paper's Eq. 3.</summary>
    PerClass,

    /// <summary>The nearest image, as a whole: <see cref="HindsightLoss"/>, the paper's Eq. 2.</summary>
    WholeImage,
}
