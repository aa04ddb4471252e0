using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>How near a set of images is to the real photos. What was not asked for is NaN, null or empty.</summary>
/// <param name="SlicedWasserstein">The mean of the levels' sliced Wasserstein distances, x 1e3; lower is nearer. It compares textures, wherever they stand.</param>
/// <param name="Levels">The distances at each level, finest first.</param>
/// <param name="MultiScaleSsim">The mean MS-SSIM, at most 1; higher is nearer. It compares structure, place by place.</param>
/// <param name="Psnr">The mean PSNR in dB; higher is nearer. It prefers blur to a texture that is not the photo's own.</param>
public sealed record Nearness(double SlicedWasserstein, IReadOnlyList<SlicedWassersteinLevel> Levels, double MultiScaleSsim, double Psnr)
{
    /// <summary>The interval of <see cref="MultiScaleSsim"/>.</summary>
    public Interval? MultiScaleSsimInterval { get; init; }

    /// <summary>The interval of <see cref="Psnr"/>.</summary>
    public Interval? PsnrInterval { get; init; }

    /// <summary>Too little or too much power in each octave of spatial frequencies, finest first; near 0 is near.</summary>
    public IReadOnlyList<SpectrumBand> Spectrum { get; init; } = [];

    /// <summary>Textures inside each class's areas, those classes left out that have no room for a patch.</summary>
    public IReadOnlyList<ClassTexture> Textures { get; init; } = [];

    /// <summary>The mean over classes of <see cref="ClassTexture.SlicedWasserstein"/>; lower is nearer. Null: no class was measured.</summary>
    public double? TextureDistance => Textures.Count == 0 ? null : Textures.Average(texture => texture.SlicedWasserstein);

    /// <summary>The kernel distance between the sets in the protocol's extractor; lower is nearer.</summary>
    public KernelDistance? KernelDistance { get; init; }

    /// <summary>The Frechet distance between the sets in the protocol's extractor; lower is nearer. Of few photos it is too great.</summary>
    public double? FrechetDistance { get; init; }

    /// <summary>The mean of the protocol's perceptual distance, photo by photo; lower is nearer.</summary>
    public double? PerceptualDistance { get; init; }

    /// <summary>The interval of <see cref="PerceptualDistance"/>.</summary>
    public Interval? PerceptualInterval { get; init; }

    /// <summary>How well the segmenter finds the layouts in the images, pixels that are labelled void ignored; higher is nearer, and real photos are the ceiling.</summary>
    public SegmentationEstimate? VoidIgnored { get; init; }

    /// <summary>The same with pixels that are labelled void counted as errors.</summary>
    public SegmentationEstimate? VoidError { get; init; }
}

/// <summary>Takes the measures of one set of images after the other against the same photos.</summary>
internal sealed class NearnessMeasurement : IDisposable
{
    private static readonly Measures[] OfASet =
    [
        Measures.SlicedWasserstein, Measures.Textures, Measures.Ssim, Measures.Psnr, Measures.Spectrum, Measures.Perceptual, Measures.Kernel | Measures.Frechet, Measures.Segmentation,
    ];

    private readonly RealPairs _real;
    private readonly EvaluationOptions _options;
    private readonly FeatureExtractor _extractor;
    private readonly PerceptualDistance _perceptual;
    private readonly EvaluationSteps _steps;
    private readonly Tensor? _features;

    /// <param name="real">The real pairs.</param>
    /// <param name="options">What is measured.</param>
    /// <param name="extractor">In what sets are compared.</param>
    /// <param name="perceptual">In what photos are compared.</param>
    /// <param name="steps">Is told of each measure before it is taken.</param>
    public NearnessMeasurement(RealPairs real, EvaluationOptions options, FeatureExtractor extractor, PerceptualDistance perceptual, EvaluationSteps steps)
    {
        (_real, _options, _extractor, _perceptual, _steps) = (real, options, extractor, perceptual, steps);
        if (ComparesSets)
            _features = extractor.Features(real.Photos);
    }

    /// <summary>How many measures are taken of a set.</summary>
    public static int Steps(EvaluationOptions options) => OfASet.Count(options.Has);

    private bool ComparesSets => _options.Has(Measures.Kernel | Measures.Frechet) && _real.Photos.Count > 1;

    public Nearness Of(IReadOnlyList<RgbImage> images)
    {
        IReadOnlyList<SlicedWassersteinLevel> levels = [];
        double[] structure = [], noise = [], perceptual = [];
        IReadOnlyList<SpectrumBand> spectrum = [];
        IReadOnlyList<ClassTexture> textures = [];
        if (Begin(Measures.SlicedWasserstein, "sliced Wasserstein distance"))
            levels = SlicedWasserstein.Between(images, _real.Photos, _options.Seed);
        if (Begin(Measures.Textures, "textures inside classes") && _real.Layouts is not null)
            textures = ClassTexture.Between(images, _real, _options.Seed);
        if (Begin(Measures.Ssim, "MS-SSIM"))
            structure = [.. images.Zip(_real.Photos, MultiScaleSsim.Between)];
        if (Begin(Measures.Psnr, "PSNR"))
            noise = [.. images.Zip(_real.Photos, Psnr.Between)];
        if (Begin(Measures.Spectrum, "power spectrum"))
            spectrum = PowerSpectrum.Between(images, _real.Photos);
        if (Begin(Measures.Perceptual, "perceptual distance"))
            perceptual = [.. images.Zip(_real.Photos, _perceptual.Between)];
        var (kernel, frechet) = SetDistances(images);
        var confusion = Begin(Measures.Segmentation, "segmentation") ? Confusion(images) : null;
        return new Nearness(Mean(levels.Select(level => level.Distance)), levels, Mean(structure), Mean(noise))
        {
            MultiScaleSsimInterval = Interval(structure),
            PsnrInterval = Interval(noise),
            Spectrum = spectrum,
            Textures = textures,
            KernelDistance = kernel,
            FrechetDistance = frechet,
            PerceptualDistance = perceptual.Length > 0 ? perceptual.Average() : null,
            PerceptualInterval = Interval(perceptual),
            VoidIgnored = Segmentation(confusion, VoidPolicy.Ignored),
            VoidError = Segmentation(confusion, VoidPolicy.Error),
        };
    }

    /// <summary>How well the segmenter does on the real photos: the ceiling; null: it is not asked for.</summary>
    public (SegmentationEstimate VoidIgnored, SegmentationEstimate VoidError)? Ceiling()
    {
        if (!Begin(Measures.Segmentation, "segmentation of the real photos") || Confusion(_real.Photos) is not { } confusion)
            return null;
        return (Segmentation(confusion, VoidPolicy.Ignored)!, Segmentation(confusion, VoidPolicy.Error)!);
    }

    public void Dispose() => _features?.Dispose();

    private (KernelDistance? Kernel, double? Frechet) SetDistances(IReadOnlyList<RgbImage> images)
    {
        if (!Begin(Measures.Kernel | Measures.Frechet, "kernel and Frechet distance") || !ComparesSets)
            return (null, null);
        using var features = _extractor.Features(images);
        return (
            _options.Has(Measures.Kernel) ? KernelDistance.Between(features, _features!, seed: _options.Seed) : null,
            _options.Has(Measures.Frechet) ? FrechetDistance.Between(features, _features!) : null);
    }

    private IReadOnlyList<ConfusionMatrix>? Confusion(IReadOnlyList<RgbImage> images) =>
        _options.Segmenter is { } segmenter && _real.Layouts is { } layouts ? [.. segmenter.Confusion(images, layouts)] : null;

    private SegmentationEstimate? Segmentation(IReadOnlyList<ConfusionMatrix>? confusion, VoidPolicy policy) =>
        confusion is null ? null : SegmentationEstimate.Of(confusion, policy, _options.Resamples, _options.Seed);

    private bool Begin(Measures measure, string name)
    {
        if (!_options.Has(measure))
            return false;
        _steps.Begin(name);
        return true;
    }

    private Interval? Interval(double[] values) => Bootstrap.OfMean(values, _options.Resamples, _options.Seed);

    private static double Mean(IEnumerable<double> values) => values.DefaultIfEmpty(double.NaN).Average();
}
