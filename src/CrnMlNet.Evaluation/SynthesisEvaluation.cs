using System.Reflection;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>How the numbers were taken: without it they compare with no others.</summary>
/// <param name="Version">This library's version.</param>
/// <param name="Extractor">In what the kernel and the Frechet distance were taken, with its hash and the size that photos are brought to.</param>
/// <param name="Perceptual">What the perceptual distance is, with its hashes.</param>
/// <param name="Segmenter">What found layouts in photos, with its hash; null: nothing did.</param>
/// <param name="Resamples">How often pairs were drawn anew for each 95% interval.</param>
/// <param name="Seed">What the drawing was seeded with.</param>
public sealed record EvaluationProtocol(string Version, string Extractor, string Perceptual, string? Segmenter, int Resamples, int Seed)
{
    /// <summary>The version of the measures' definitions: numbers of different ones do not compare.</summary>
    public int Measures { get; init; } = 1;

    /// <summary>Whether the extractor is the FID's Inception, so that the kernel distance is the KID and the Frechet distance the FID.</summary>
    public bool IsInception { get; init; }

    /// <summary>The SHA-256 of the extractor's weights; null: it has none.</summary>
    public string? ExtractorHash { get; init; }

    /// <summary>The SHA-256 of the segmenter's file; null: there is none.</summary>
    public string? SegmenterHash { get; init; }
}

/// <summary>
/// Compares synthesized photos with real ones of the same layouts, in measures that no training here optimises, and beside
/// it what needs no model: every class painted flat in its mean colour over these photos.
/// </summary>
/// <param name="Pairs">How many pairs were compared.</param>
/// <param name="Height">The height in pixels at which they were compared.</param>
/// <param name="Width">The width in pixels.</param>
/// <param name="Synthesized">The synthesized photos; where there are several of a layout, the first ones.</param>
/// <param name="FlatPainting">The flat paintings; null: layouts are not known.</param>
/// <param name="Best">What the several photos of a layout are worth, a mean over the pairs; null: there is one of each.</param>
public sealed record SynthesisEvaluation(int Pairs, int Height, int Width, Nearness Synthesized, Nearness? FlatPainting, BestOfImages? Best = null)
{
    /// <summary>How the numbers were taken.</summary>
    public required EvaluationProtocol Protocol { get; init; }

    /// <summary>The names of the classes, in the order of <see cref="SegmentationScores.IoU"/>; none where layouts are not known.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>How well the segmenter does on the real photos, void ignored: the ceiling for <see cref="Nearness.VoidIgnored"/>; null: there is none.</summary>
    public SegmentationEstimate? RealVoidIgnored { get; init; }

    /// <summary>The same with void counted as errors.</summary>
    public SegmentationEstimate? RealVoidError { get; init; }

    /// <summary>Whether images are training photos over again; null: those are not known.</summary>
    public Memorisation? Memorisation { get; init; }

    /// <summary>The mean perceptual distance between two photos of a layout; higher is more diverse. Null: there is one of each.</summary>
    public double? PairwisePerceptual { get; init; }

    /// <summary>Evaluates a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="real">Real pairs as <c>RealPairs.For</c> reads them for this model.</param>
    /// <param name="options">What is measured; null: everything that needs neither segmenter nor training photos.</param>
    /// <exception cref="ArgumentException">Layouts are not known or of another size or other classes, or the segmenter tells other classes apart.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static SynthesisEvaluation Of(SynthesizeFromLabelsTransformer model, RealPairs real, EvaluationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(real);
        options ??= new EvaluationOptions();
        Check(real, options);
        if (real.Layouts is not { } layouts || real.Classes.Count != model.Palette.Classes.Count || (real.Height, real.Width) != (model.Architecture.Height, model.Architecture.Width))
            throw new ArgumentException(
                $"The model paints {model.Palette.Classes.Count} classes at {model.Architecture.Height}x{model.Architecture.Width}, and the pairs have {real.Classes.Count} at {real.Height}x{real.Width}. Read them with {nameof(RealPairs)}.{nameof(RealPairs.For)}.",
                nameof(real));
        var synthesized = layouts.Select((layout, i) =>
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            var images = Paint(model, layout);
            options.Progress?.Invoke(new EvaluationProgress("Synthesizing", "", i + 1, layouts.Count));
            return images;
        }).ToArray();
        return Of(synthesized, real, options);
    }

    /// <summary>Evaluates photos, from wherever they are.</summary>
    /// <param name="synthesized">For each pair the photos of its layout, at least one, as many for each; all of the real photos' size.</param>
    /// <param name="real">The real pairs, in the same order.</param>
    /// <param name="options">What is measured; null: everything that needs neither segmenter nor training photos.</param>
    /// <exception cref="ArgumentException">Numbers or sizes differ, or the segmenter tells other classes apart.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static SynthesisEvaluation Of(IReadOnlyList<IReadOnlyList<RgbImage>> synthesized, RealPairs real, EvaluationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(synthesized);
        ArgumentNullException.ThrowIfNull(real);
        options ??= new EvaluationOptions();
        Check(real, options);
        Check(synthesized, real);
        TorchBackend.Start();
        using var filters = options.Extractor is null && options.Segmenter is null ? new FilterBankPerception(CPU) : null;
        using var inFilters = options.Perceptual is null ? PerceptualDistance.In(new FilterBankPerception(CPU)) : null;
        var extractor = options.Extractor ?? (filters is null ? FeatureExtractor.Of(options.Segmenter!) : FeatureExtractor.Of(filters));
        var perceptual = options.Perceptual ?? inFilters!;

        bool isDiverse = synthesized[0].Count > 1 && options.Has(Measures.Diversity);
        var steps = new EvaluationSteps(options, Steps(options, real, isDiverse));
        using var measurement = new NearnessMeasurement(real, options, extractor, perceptual, steps);
        RgbImage[] first = [.. synthesized.Select(images => images[0])];
        var ours = measurement.Of(first);
        var flat = real.Layouts is null ? null : measurement.Of(FlatPaintings(real));
        var ceiling = measurement.Ceiling();
        return new SynthesisEvaluation(real.Count, real.Height, real.Width, ours, flat, Best())
        {
            Protocol = new EvaluationProtocol(VersionOfThis, extractor.ToString(), perceptual.Name, options.Segmenter?.Name, options.Resamples, options.Seed)
            {
                IsInception = extractor.IsInception,
                ExtractorHash = extractor.Hash,
                SegmenterHash = options.Segmenter?.Hash,
            },
            Classes = real.Classes,
            RealVoidIgnored = ceiling?.VoidIgnored,
            RealVoidError = ceiling?.VoidError,
            PairwisePerceptual = isDiverse && options.Has(Measures.Perceptual) ? PairwiseDistance() : null,
            Memorisation = Nearest(),
        };

        BestOfImages? Best()
        {
            if (!isDiverse)
                return null;
            steps.Begin("best of several photos");
            var nowhere = new byte[real.Height * real.Width];
            return BestOfImages.Mean([.. synthesized.Select((images, i) => BestOfImages.Of(images, real.Photos[i], real.Layouts?[i] ?? nowhere))]);
        }

        double PairwiseDistance()
        {
            steps.Begin("distances between photos of a layout");
            return synthesized.Average(images => BestOfImages.Pairs(images).Average(pair => perceptual.Between(pair.First, pair.Second)));
        }

        Memorisation? Nearest()
        {
            if (options.TrainingPhotos is not { } training || !options.Has(Measures.Memorisation))
                return null;
            steps.Begin("nearest training photos");
            return Memorisation.Of(first, real.Photos, training);
        }
    }

    private static string VersionOfThis => typeof(SynthesisEvaluation).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    private static int Steps(EvaluationOptions options, RealPairs real, bool isDiverse)
    {
        int sets = real.Layouts is null ? 1 : 2;
        return NearnessMeasurement.Steps(options) * sets + (options.Has(Measures.Segmentation) ? 1 : 0)
            + (isDiverse ? 1 : 0) + (isDiverse && options.Has(Measures.Perceptual) ? 1 : 0) + (options.TrainingPhotos is not null && options.Has(Measures.Memorisation) ? 1 : 0);
    }

    private static void Check(RealPairs real, EvaluationOptions options)
    {
        options.Validate();
        if (real.Layouts is not null)
            options.Segmenter?.CheckClasses(real.Classes);
    }

    private static void Check(IReadOnlyList<IReadOnlyList<RgbImage>> synthesized, RealPairs real)
    {
        if (synthesized.Count != real.Count)
            throw new ArgumentException($"Each real photo needs synthesized ones, got {real.Count} and those of {synthesized.Count}.", nameof(synthesized));
        if (synthesized.FirstOrDefault(images => images.Count == 0 || images.Count != synthesized[0].Count) is { } odd)
            throw new ArgumentException($"Each layout needs as many photos, at least one, got {synthesized[0].Count} of one and {odd.Count} of another.", nameof(synthesized));
        foreach (var image in synthesized.SelectMany(images => images))
            RgbImage.CheckSameSize(real.Photos[0], image);
    }

    /// <summary>All photos of a layout.</summary>
    private static RgbImage[] Paint(SynthesizeFromLabelsTransformer model, byte[] layout) => model.WithAllImages(synthesizer =>
    {
        var planes = new byte[3 * synthesizer.Images * layout.Length];
        synthesizer.Synthesize(layout, planes);
        return planes.Chunk(3 * layout.Length).Select(image => new RgbImage(synthesizer.Height, synthesizer.Width, image)).ToArray();
    });

    /// <summary>Paints every class, and void, in its mean colour over all photos.</summary>
    internal static IReadOnlyList<RgbImage> FlatPaintings(RealPairs real)
    {
        var sums = new long[3, real.Classes.Count + 1];
        var counts = new long[real.Classes.Count + 1];
        for (int i = 0; i < real.Count; i++)
        {
            byte[] layout = real.Layouts![i];
            for (int pixel = 0; pixel < layout.Length; pixel++)
            {
                counts[layout[pixel]]++;
                for (int colour = 0; colour < 3; colour++)
                    sums[colour, layout[pixel]] += real.Photos[i].Planes[colour * layout.Length + pixel];
            }
        }
        return [.. real.Layouts!.Select(layout => new RgbImage(real.Height, real.Width, Paint(layout)))];

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

/// <summary>Counts the measures, for who waits.</summary>
internal sealed class EvaluationSteps(EvaluationOptions options, int total)
{
    private int _done;

    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Begin(string measure)
    {
        options.CancellationToken.ThrowIfCancellationRequested();
        options.Progress?.Invoke(new EvaluationProgress("Measuring", measure, _done++, total));
    }
}
