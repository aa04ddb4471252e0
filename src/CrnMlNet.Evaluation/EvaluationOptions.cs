namespace CrnMlNet.Evaluation;

/// <summary>What is measured.</summary>
[Flags]
public enum Measures
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Sliced Wasserstein distance: <see cref="Evaluation.SlicedWasserstein"/>.</summary>
    SlicedWasserstein = 1,

    /// <summary>MS-SSIM: <see cref="MultiScaleSsim"/>.</summary>
    Ssim = 1 << 1,

    /// <summary>PSNR: <see cref="Evaluation.Psnr"/>.</summary>
    Psnr = 1 << 2,

    /// <summary>Power spectrum: <see cref="PowerSpectrum"/>.</summary>
    Spectrum = 1 << 3,

    /// <summary>Kernel distance (KID's formula): <see cref="KernelDistance"/>.</summary>
    Kernel = 1 << 4,

    /// <summary>Frechet distance (FID's formula): <see cref="FrechetDistance"/>.</summary>
    Frechet = 1 << 5,

    /// <summary>LPIPS or feature distance: <see cref="PerceptualDistance"/>.</summary>
    Perceptual = 1 << 6,

    /// <summary>mIoU and accuracies; they need a segmenter and layouts.</summary>
    Segmentation = 1 << 7,

    /// <summary>Distance to the nearest training photo; it needs training photos.</summary>
    Memorisation = 1 << 8,

    /// <summary>What several photos of a layout are worth, and how they differ.</summary>
    Diversity = 1 << 9,

    /// <summary>Textures inside each class's areas: <see cref="ClassTexture"/>; they need layouts.</summary>
    Textures = 1 << 10,

    /// <summary>All for which there is what they need.</summary>
    All = (1 << 11) - 1,
}

/// <summary>Where an evaluation stands.</summary>
/// <param name="Stage">What is being done: <c>Synthesizing</c> photos, or <c>Measuring</c> them.</param>
/// <param name="Measure">The measure that comes next; empty while synthesizing.</param>
/// <param name="Done">How many photos or measures are done.</param>
/// <param name="Total">Of how many.</param>
public readonly record struct EvaluationProgress(string Stage, string Measure, int Done, int Total);

/// <summary>What is measured, and with what. Nothing given here is disposed.</summary>
public sealed record EvaluationOptions
{
    /// <summary>The measures.</summary>
    public Measures Measures { get; init; } = Measures.All;

    /// <summary>Finds layouts in photos; null: <see cref="Measures.Segmentation"/> is left out.</summary>
    public Segmenter? Segmenter { get; init; }

    /// <summary>In what the sets of photos are compared; null: the segmenter's features, or without one the bank of frequency filters.</summary>
    public FeatureExtractor? Extractor { get; init; }

    /// <summary>In what each photo is compared with the real one; null: the feature distance in the bank of frequency filters.</summary>
    public PerceptualDistance? Perceptual { get; init; }

    /// <summary>The photos that the model was trained on, of the size of the synthesized ones, read once; null: <see cref="Measures.Memorisation"/> is left out.</summary>
    public IEnumerable<RgbImage>? TrainingPhotos { get; init; }

    /// <summary>How often pairs are drawn anew for each confidence interval, at least 0, which leaves them out.</summary>
    public int Resamples { get; init; } = 1000;

    /// <summary>Seeds what is drawn: subsets and resamples.</summary>
    public int Seed { get; init; }

    /// <summary>Is told what is about to be done, on this thread; null: nobody is.</summary>
    public Action<EvaluationProgress>? Progress { get; init; }

    /// <summary>Ends the evaluation before the next photo or measure.</summary>
    public CancellationToken CancellationToken { get; init; }

    internal bool Has(Measures measure) => (Measures & measure) != 0;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Resamples);
        if (Measures == Measures.None)
            throw new ArgumentException("There is nothing to measure: choose a measure.", nameof(Measures));
    }
}
