using System.Reflection;
using CrnMlNet.Data;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>How the numbers were taken: without it they compare with no others.</summary>
/// <param name="Version">This library's version.</param>
/// <param name="Extractor">In what the kernel and the Frechet distance were taken, with its hash.</param>
/// <param name="Perceptual">What the perceptual distance is, with its hashes.</param>
/// <param name="Segmenter">What found layouts in photos, with its hash; null: nothing did.</param>
/// <param name="Resamples">How often pairs were drawn anew for each 95% interval.</param>
/// <param name="Seed">What the drawing was seeded with.</param>
public sealed record EvaluationProtocol(string Version, string Extractor, string Perceptual, string? Segmenter, int Resamples, int Seed);

/// <summary>
/// Compares what a model paints with real photos of the same layouts, in measures that no training here optimises, and beside
/// it what needs no model: every class painted flat in its mean colour over these photos. Photos are preprocessed as the model's
/// training photos were.
/// </summary>
/// <param name="Pairs">How many pairs were compared.</param>
/// <param name="Height">The working height in pixels, to which photos were brought by area averaging.</param>
/// <param name="Width">The working width in pixels.</param>
/// <param name="Synthesized">The model's photos; where it paints several of a layout, the first ones.</param>
/// <param name="FlatPainting">The flat paintings; null: layouts are not known.</param>
/// <param name="Best">What the several photos of a layout are worth, a mean over the pairs; null: the model paints one.</param>
public sealed record SynthesisEvaluation(int Pairs, int Height, int Width, Nearness Synthesized, Nearness? FlatPainting, BestOfImages? Best = null)
{
    /// <summary>How the numbers were taken.</summary>
    public required EvaluationProtocol Protocol { get; init; }

    /// <summary>How well the segmenter does on the real photos, void ignored: the ceiling for <see cref="Nearness.VoidIgnored"/>; null: there is none.</summary>
    public SegmentationEstimate? RealVoidIgnored { get; init; }

    /// <summary>The same with void counted as errors.</summary>
    public SegmentationEstimate? RealVoidError { get; init; }

    /// <summary>Whether images are training photos over again; null: those are not known.</summary>
    public Memorisation? Memorisation { get; init; }

    /// <summary>The mean perceptual distance between two photos of a layout; higher is more diverse. Null: the model paints one.</summary>
    public double? PairwisePerceptual { get; init; }

    /// <summary>Evaluates a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="pairs">Label maps and photos, at least one pair. They are read one at a time and not disposed.</param>
    /// <param name="options">What is measured; null: everything that needs neither segmenter nor training photos.</param>
    /// <exception cref="ArgumentException">There is no pair, or the segmenter tells other classes apart.</exception>
    /// <exception cref="InvalidOperationException">A label map has ids or colours that the palette lacks.</exception>
    public static SynthesisEvaluation Of(SynthesizeFromLabelsTransformer model, IEnumerable<(LabelMap Labels, MLImage Photo)> pairs, EvaluationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(pairs);
        options ??= new EvaluationOptions();
        options.Validate();
        options.Segmenter?.CheckClasses(model.Palette);
        var (height, width) = (model.Architecture.Height, model.Architecture.Width);
        List<byte[]> layouts = [];
        List<RgbImage> photos = [];
        List<RgbImage[]> synthesized = [];
        foreach (var (labels, photo) in pairs)
        {
            layouts.Add(model.ReadLabels(labels));
            photos.Add(new RgbImage(height, width, PhotoPixels.FromPhoto(photo, height, width, model.Training.PhotoPreprocessing)));
            synthesized.Add(Paint(model, layouts[^1]));
        }
        return Of(synthesized, photos, layouts, options);
    }

    /// <summary>Evaluates images, from wherever they are.</summary>
    /// <param name="synthesized">For each pair the images of its layout, at least one, as many for each; all of one size.</param>
    /// <param name="photos">The real photos, as many as pairs, of that size.</param>
    /// <param name="layouts">For each pair the class of every pixel <c>[H, W]</c>, void one more than the last class; null: not known.</param>
    /// <param name="options">What is measured; null: everything that needs neither segmenter nor training photos.</param>
    /// <exception cref="ArgumentException">There is no pair, or numbers or sizes differ.</exception>
    public static SynthesisEvaluation Of(
        IReadOnlyList<IReadOnlyList<RgbImage>> synthesized, IReadOnlyList<RgbImage> photos, IReadOnlyList<byte[]>? layouts, EvaluationOptions? options = null)
    {
        options ??= new EvaluationOptions();
        options.Validate();
        Check(synthesized, photos, layouts);
        using var filters = new FilterBankPerception(CPU);
        var extractor = options.Extractor ?? (options.Segmenter is { } segmenter ? FeatureExtractor.Of(segmenter) : FeatureExtractor.Of(filters));
        using var filterDistance = options.Perceptual is null ? PerceptualDistance.In(new FilterBankPerception(CPU)) : null;
        var perceptual = options.Perceptual ?? filterDistance!;

        bool isDiverse = synthesized[0].Count > 1 && options.Has(Measures.Diversity);
        int done = 0, total = Steps(options, layouts is not null, isDiverse);
        using var measurement = new NearnessMeasurement(photos, layouts, options, extractor, perceptual, Begin);
        RgbImage[] first = [.. synthesized.Select(images => images[0])];
        var ours = measurement.Of(first);
        var flat = layouts is null ? null : measurement.Of(FlatPaintings(layouts, photos, layouts.Max(layout => layout.Max()) + 1));
        var ceiling = measurement.Ceiling();
        return new SynthesisEvaluation(photos.Count, photos[0].Height, photos[0].Width, ours, flat, Best())
        {
            Protocol = new EvaluationProtocol(VersionOfThis, extractor.ToString(), perceptual.Name, options.Segmenter?.Name, options.Resamples, options.Seed),
            RealVoidIgnored = ceiling?.VoidIgnored,
            RealVoidError = ceiling?.VoidError,
            PairwisePerceptual = isDiverse && options.Has(Measures.Perceptual) ? PairwiseDistance() : null,
            Memorisation = Nearest(),
        };

        BestOfImages? Best()
        {
            if (!isDiverse)
                return null;
            Begin("best of several photos");
            return BestOfImages.Mean([.. synthesized.Select((images, i) => BestOfImages.Of(images, photos[i], layouts?[i] ?? new byte[photos[i].Height * photos[i].Width]))]);
        }

        double PairwiseDistance()
        {
            Begin("distances between photos of a layout");
            return synthesized.Average(images => BestOfImages.Pairs(images).Average(pair => perceptual.Between(pair.First, pair.Second)));
        }

        Memorisation? Nearest()
        {
            if (options.TrainingPhotos is not { } training || !options.Has(Measures.Memorisation))
                return null;
            Begin("nearest training photos");
            return Memorisation.Of(first, photos, training);
        }

        void Begin(string measure) => options.Progress?.Invoke(measure, done++, total);
    }

    private static string VersionOfThis => typeof(SynthesisEvaluation).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    private static int Steps(EvaluationOptions options, bool hasLayouts, bool isDiverse)
    {
        Measures[] ofASet = [Measures.SlicedWasserstein, Measures.Ssim, Measures.Psnr, Measures.Spectrum, Measures.Perceptual, Measures.Kernel | Measures.Frechet, Measures.Segmentation];
        return ofASet.Count(options.Has) * (hasLayouts ? 2 : 1) + (options.Has(Measures.Segmentation) ? 1 : 0)
            + (isDiverse ? 1 : 0) + (isDiverse && options.Has(Measures.Perceptual) ? 1 : 0) + (options.TrainingPhotos is not null && options.Has(Measures.Memorisation) ? 1 : 0);
    }

    private static void Check(IReadOnlyList<IReadOnlyList<RgbImage>> synthesized, IReadOnlyList<RgbImage> photos, IReadOnlyList<byte[]>? layouts)
    {
        if (photos.Count == 0)
            throw new ArgumentException("There is no pair to compare.", nameof(photos));
        if (synthesized.Count != photos.Count || (layouts?.Count ?? photos.Count) != photos.Count)
            throw new ArgumentException($"Each photo needs its images and its layout, got {photos.Count} photos, images of {synthesized.Count} and {layouts?.Count ?? 0} layouts.", nameof(synthesized));
        if (synthesized.FirstOrDefault(images => images.Count == 0 || images.Count != synthesized[0].Count) is { } odd)
            throw new ArgumentException($"Each layout needs as many images, at least one, got {synthesized[0].Count} of one and {odd.Count} of another.", nameof(synthesized));
        foreach (var image in synthesized.SelectMany(images => images).Concat(photos))
            RgbImage.CheckSameSize(photos[0], image);
        if (layouts?.FirstOrDefault(layout => layout.Length != photos[0].Height * photos[0].Width) is { } other)
            throw new ArgumentException($"A layout of {photos[0].Height}x{photos[0].Width} has that many classes, got {other.Length}.", nameof(layouts));
    }

    /// <summary>All photos of a layout.</summary>
    private static RgbImage[] Paint(SynthesizeFromLabelsTransformer model, byte[] layout) => model.WithNetwork(network =>
    {
        var synthesizer = new Synthesizer(network, image: null);
        var planes = new byte[3 * synthesizer.Images * layout.Length];
        synthesizer.Synthesize(layout, planes);
        return planes.Chunk(3 * layout.Length).Select(image => new RgbImage(synthesizer.Height, synthesizer.Width, image)).ToArray();
    });

    /// <summary>Paints every class in its mean colour over all photos.</summary>
    internal static IReadOnlyList<RgbImage> FlatPaintings(IReadOnlyList<byte[]> layouts, IReadOnlyList<RgbImage> photos, int channels)
    {
        var sums = new long[3, channels];
        var counts = new long[channels];
        for (int i = 0; i < photos.Count; i++)
        {
            for (int pixel = 0; pixel < layouts[i].Length; pixel++)
            {
                counts[layouts[i][pixel]]++;
                for (int colour = 0; colour < 3; colour++)
                    sums[colour, layouts[i][pixel]] += photos[i].Planes[colour * layouts[i].Length + pixel];
            }
        }
        return [.. photos.Select((photo, i) => new RgbImage(photo.Height, photo.Width, Paint(layouts[i])))];

        byte[] Paint(byte[] layout)
        {
            var planes = new byte[3 * layout.Length];
            for (int colour = 0; colour < 3; colour++)
                for (int pixel = 0; pixel < layout.Length; pixel++)
                    planes[colour * layout.Length + pixel] = (byte)Math.Round((double)sums[colour, layout[pixel]] / counts[layout[pixel]]);
            return planes;
        }
    }
}
