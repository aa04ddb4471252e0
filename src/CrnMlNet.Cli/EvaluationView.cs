using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using CrnMlNet.Evaluation;
using Spectre.Console;

namespace CrnMlNet.Cli;

/// <summary>Shows an evaluation as tables, or as a line of JSON.</summary>
internal static class EvaluationView
{
    private const int MostRows = 10;
    private const int WidthInPipes = 120;
    private const int DigitsOfCommit = 8;
    private const string Signed = "+0.0;-0.0;0.0";

    private static readonly JsonSerializerOptions OneLine = new(ScriptJson.OneLine) { Converters = { new FiniteOrNull() } };

    /// <summary>Writes tables to stdout.</summary>
    public static void Write(SynthesisEvaluation evaluation)
    {
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = WidthInPipes;
        AnsiConsole.Write(Measures(evaluation));
        if (evaluation.Classes.Count > 0)
            AnsiConsole.Write(ClassByClass(evaluation));
        if (evaluation.Best is { } best)
            AnsiConsole.Write(Several(best, evaluation.PairwisePerceptual));
        var protocol = evaluation.Protocol;
        Console.WriteLine($"Sets compared in {protocol.Extractor}; photos by {protocol.Perceptual}.");
        if (protocol.Segmenter is { } segmenter)
            Console.WriteLine($"Layouts found by {segmenter}.");
        Console.WriteLine($"In brackets 95% intervals of {protocol.Resamples:N0} draws of pairs. CrnMlNet {Shortened(protocol.Version)}, measures {protocol.Measures}, seed {protocol.Seed}.");
    }

    /// <summary>Everything, on one line; what is no number is null.</summary>
    public static string ToJson(SynthesisEvaluation evaluation) => JsonSerializer.Serialize(evaluation, OneLine);

    private static Table Measures(SynthesisEvaluation evaluation)
    {
        var table = new Table { Title = new TableTitle($"{evaluation.Pairs} pairs at {evaluation.Height}x{evaluation.Width}"), Caption = new TableTitle("↓ lower is nearer, ↑ higher is nearer") };
        table.AddColumns("", "Synthesized", "Flat painting", "Real photos");
        var (synthesized, flat) = (evaluation.Synthesized, evaluation.FlatPainting);
        Row("Sliced Wasserstein x1e3 ↓", nearness => Show(nearness.SlicedWasserstein, "0.0"));
        for (int i = 0; i < synthesized.Levels.Count; i++)
        {
            int level = i;
            Row($"  at {synthesized.Levels[level].Height}x{synthesized.Levels[level].Width}", nearness => Show(nearness.Levels[level].Distance, "0.0"));
        }
        if (synthesized.TextureDistance is not null)
            Row("  inside classes", nearness => Show(nearness.TextureDistance, "0.0"));
        bool isInception = evaluation.Protocol.IsInception;
        Row($"{(isInception ? "KID" : "Kernel distance")} x1e3 ↓", nearness => Show(1000 * nearness.KernelDistance?.Mean, "0.00", Times(nearness.KernelDistance?.Interval, 1000)));
        Row($"{(isInception ? "FID" : "Frechet distance")} ↓", nearness => Show(nearness.FrechetDistance, "0.00"));
        Row("Perceptual distance ↓", nearness => Show(nearness.PerceptualDistance, "0.000", nearness.PerceptualInterval));
        Row("MS-SSIM ↑", nearness => Show(nearness.MultiScaleSsim, "0.000", nearness.MultiScaleSsimInterval));
        Row("PSNR in dB ↑", nearness => Show(nearness.Psnr, "0.00", nearness.PsnrInterval));
        for (int i = 0; i < synthesized.Spectrum.Count; i++)
        {
            int band = i;
            Row(
                FormattableString.Invariant($"Power at {synthesized.Spectrum[band].From:0.###}-{synthesized.Spectrum[band].To:0.###} cycles/pixel in dB"),
                nearness => Show(nearness.Spectrum[band].Decibels, Signed));
        }
        Segmentation("void ignored", nearness => nearness.VoidIgnored, evaluation.RealVoidIgnored);
        Segmentation("void an error", nearness => nearness.VoidError, evaluation.RealVoidError);
        if (evaluation.Memorisation is { } memorisation)
        {
            foreach (var (name, share) in new[] { ("least", 0.0), ("median", 0.5) })
                table.AddRow(
                    $"Levels to nearest training photo, {name}",
                    Show(Memorisation.Quantile(memorisation.Synthesized, share), "0.0"), "", Show(Memorisation.Quantile(memorisation.Real, share), "0.0"));
        }
        return table;

        void Row(string name, Func<Nearness, string> show, string real = "") => table.AddRow(name, show(synthesized), flat is null ? "" : show(flat), real);

        void Segmentation(string policy, Func<Nearness, SegmentationEstimate?> of, SegmentationEstimate? real)
        {
            if (real is null)
                return;
            Scores("Mean IoU in %", estimate => (estimate.Scores.MeanIoU, estimate.MeanIoU));
            Scores("Pixel accuracy in %", estimate => (estimate.Scores.PixelAccuracy, estimate.PixelAccuracy));
            Scores("Mean class accuracy in %", estimate => (estimate.Scores.MeanClassAccuracy, estimate.MeanClassAccuracy));

            void Scores(string name, Func<SegmentationEstimate, (double Score, Interval? Interval)> score)
            {
                Row($"{name} ↑, {policy}", nearness => Percent(score(of(nearness)!)), Percent(score(real)));
            }
        }
    }

    private static Table ClassByClass(SynthesisEvaluation evaluation)
    {
        bool hasSegmenter = evaluation.RealVoidIgnored is not null;
        var table = new Table { Title = new TableTitle("Class by class") };
        table.AddColumns("", "Sliced Wasserstein x1e3 inside", "of the flat painting", "Finest power in dB");
        if (hasSegmenter)
            table.AddColumns("IoU in %", "of the real photos");
        for (int i = 0; i < evaluation.Classes.Count; i++)
        {
            int label = i;
            var (ours, flat) = (Texture(evaluation.Synthesized), Texture(evaluation.FlatPainting));
            // Names are the user's, and no markup.
            List<string> cells =
            [
                evaluation.Classes[i], Show(ours?.SlicedWasserstein, "0.0"), Show(flat?.SlicedWasserstein, "0.0"),
                ours is { Spectrum: [var finest, ..] } && finest.To == PowerSpectrum.Finest ? Show(finest.Decibels, Signed) : "-",
            ];
            if (hasSegmenter)
                cells.AddRange([Iou(evaluation.Synthesized.VoidIgnored!), Iou(evaluation.RealVoidIgnored!)]);
            table.AddRow(cells.Select(cell => new Text(cell)));

            ClassTexture? Texture(Nearness? nearness) => nearness?.Textures.FirstOrDefault(texture => texture.Class == label);

            string Iou(SegmentationEstimate estimate) => Percent((estimate.Scores.IoU[label], null));
        }
        return table;
    }

    private static Table Several(BestOfImages best, double? pairwise)
    {
        string perceptual = pairwise is null ? "" : FormattableString.Invariant($", and by a perceptual distance of {pairwise:0.000}");
        var table = new Table
        {
            Title = new TableTitle($"The best of {best.Psnr.Count} photos of each layout"),
            Caption = new TableTitle(FormattableString.Invariant($"Two photos of a layout differ by {best.PairwiseDifference:0.0} gray levels on average{perceptual}.")),
        };
        table.AddColumns("", "PSNR in dB", "MS-SSIM");
        for (int i = 0; i < best.Psnr.Count; i++)
        {
            // Of many: 1, 2, 4, 8, ... and all.
            if (best.Psnr.Count <= MostRows || int.IsPow2(i + 1) || i + 1 == best.Psnr.Count)
                table.AddRow($"The best of {i + 1}", Show(best.Psnr[i], "0.00"), Show(best.MultiScaleSsim[i], "0.000"));
        }
        table.AddRow("Put together of the best for each class", Show(best.AssembledPsnr, "0.00"), "");
        return table;
    }

    private static string Shortened(string version)
    {
        int commit = version.IndexOf('+');
        return commit < 0 ? version : version[..Math.Min(version.Length, commit + 1 + DigitsOfCommit)];
    }

    private static string Percent((double Share, Interval? Interval) score) =>
        Show(100 * score.Share, "0.0", Times(score.Interval, 100));

    private static Interval? Times(Interval? interval, double factor) => interval is { } around ? new Interval(factor * around.Low, factor * around.High) : null;

    private static string Show(double? value, string format, Interval? interval = null)
    {
        if (value is not { } number || double.IsNaN(number))
            return "-";
        string text = number.ToString(format, CultureInfo.InvariantCulture);
        return interval is { } around ? $"{text} ({around.Low.ToString(format, CultureInfo.InvariantCulture)} to {around.High.ToString(format, CultureInfo.InvariantCulture)})" : text;
    }

    /// <summary>JSON has no NaN and no infinity.</summary>
    private sealed class FiniteOrNull : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value))
                writer.WriteNumberValue(value);
            else
                writer.WriteNullValue();
        }
    }
}
