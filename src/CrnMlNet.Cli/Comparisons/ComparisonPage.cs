using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Cli.Comparisons;

/// <summary>The page that a comparison ends in: one HTML file with everything in it, to be read without a network.</summary>
internal static class ComparisonPage
{
    /// <summary>A column of the table of measures.</summary>
    /// <param name="Name">Its heading.</param>
    /// <param name="Hint">What it tells.</param>
    /// <param name="HigherIsBetter">Null: nearer to zero is.</param>
    /// <param name="Format">How it is shown.</param>
    /// <param name="Of">Its value and 95% interval in what was measured of some photos.</param>
    private sealed record Measure(string Name, string Hint, bool? HigherIsBetter, string Format, Func<JsonNode, (double? Value, JsonNode? Interval)> Of)
    {
        public double? Score(JsonNode? photos) => photos is null ? null : Of(photos).Value is not { } value ? null : HigherIsBetter switch { true => value, false => -value, null => -Math.Abs(value) };
    }

    /// <summary>A system that is done, with what was measured of it.</summary>
    private sealed record Result(ComparedSystem System, SystemCost Cost, JsonNode Evaluation)
    {
        public Recipe Recipe => System.Recipe;
    }

    private static readonly Measure[] Measures =
    [
        new("mIoU %", "Mean IoU of what a segmenter finds in the photos; one that no system was trained with. Void ignored.", true, "F1",
            photos => (100 * Number(photos["voidIgnored"]?["scores"]?["meanIoU"]), Percent(photos["voidIgnored"]?["meanIoU"]))),
        new("pixel %", "Pixels of which the segmenter finds the class.", true, "F1",
            photos => (100 * Number(photos["voidIgnored"]?["scores"]?["pixelAccuracy"]), Percent(photos["voidIgnored"]?["pixelAccuracy"]))),
        new("SWD", "Sliced Wasserstein distance of image patches, x1e3: textures.", false, "F1", photos => (Number(photos["slicedWasserstein"]), null)),
        new("kernel", "Kernel distance of features, x1e3, unbiased, over subsets.", false, "G3", photos => (1000 * Number(photos["kernelDistance"]?["mean"]), null)),
        new("Frechet", "Frechet distance of features.", false, "G3", photos => (Number(photos["frechetDistance"]), null)),
        new("perceptual", "Perceptual distance, photo by photo.", false, "F3", photos => (Number(photos["perceptualDistance"]), photos["perceptualInterval"])),
        new("MS-SSIM", "Multi-scale structural similarity, photo by photo.", true, "F3", photos => (Number(photos["multiScaleSsim"]), photos["multiScaleSsimInterval"])),
        new("PSNR dB", "Photo by photo; prefers blur.", true, "F2", photos => (Number(photos["psnr"]), photos["psnrInterval"])),
        new("fine dB", "Power at the finest scale, in dB of the real photos': below zero is blur, above is noise.", null, "F1",
            photos => (Number(photos["spectrum"]?.AsArray() is { Count: > 0 } bands ? bands[^1]?["decibels"] : null), null)),
    ];

    public static void Write(Comparison comparison, ComparisonPlan plan)
    {
        var html = new StringBuilder();
        Result[] done = [.. comparison.Systems.Select(system => system.Cost is { } cost ? new Result(system, cost, system.Evaluation!) : null).OfType<Result>()];
        html.Append($$"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Comparison of {{comparison.Systems.Count}} systems</title>
            <style>{{Resource("page.css")}}</style></head><body>
            <header><h1>Comparison of {{comparison.Systems.Count}} systems</h1>
            <p>{{Encode(Summary(plan))}}</p></header><main>
            """);
        if (done.Length < comparison.Systems.Count)
            html.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">{done.Length} of {comparison.Systems.Count} systems are done, {comparison.Systems.Count(system => system.Failure is not null)} have failed.</p>");
        if (done.Length > 0)
        {
            WriteMeasures(html, done);
            WriteFailures(html, comparison.Systems);
            WritePictures(html, comparison, done);
            WriteDiversity(html, comparison, done);
            WriteCosts(html, done);
            WriteCurves(html, done);
            WriteProtocol(html, done[0].Evaluation);
        }
        else
            WriteFailures(html, comparison.Systems);
        html.Append($"</main><dialog id=\"box\"><figure><img alt=\"\"><figcaption></figcaption></figure></dialog><script>{Resource("page.js")}</script></body></html>\n");
        AtomicFile.Write(comparison.PagePath, stream => stream.Write(Encoding.UTF8.GetBytes(html.ToString())));
    }

    private static string Summary(ComparisonPlan plan)
    {
        string budget = plan.Seconds is { } seconds ? $"{ProgressView.Clock(TimeSpan.FromSeconds(seconds))} of training each" : FormattableString.Invariant($"{plan.Epochs} epochs each");
        return FormattableString.Invariant(
            $"Trained on {plan.Labels}, measured on {plan.ValidationLabels}, at {plan.Height}x{plan.Width}, width factor {plan.WidthFactor:0.####}, {budget}, seed {plan.Seed}.");
    }

    private static void WriteMeasures(StringBuilder html, IReadOnlyList<Result> done)
    {
        var rows = done.Select(system => (system.Recipe.Name, system.Recipe.Summary, system.Evaluation)).ToArray();
        // The segmenter's view first, as it is of photos; where there is none, textures.
        var ranking = Measures.First(measure => rows.Any(row => measure.Score(row.Evaluation["synthesized"]) is not null));
        Array.Sort(rows, (a, b) => Nullable.Compare(ranking.Score(b.Evaluation["synthesized"]), ranking.Score(a.Evaluation["synthesized"])));
        html.Append(CultureInfo.InvariantCulture, $"<section><h2>Measures</h2><p>Ordered by {ranking.Name}; a click on a heading orders anew. Best of each column bold; below it the 95% interval over pairs.</p><div class=\"wide\"><table class=\"sort\"><thead><tr><th>system</th>");
        foreach (var measure in Measures)
            html.Append($"<th title=\"{Encode(measure.Hint)}\">{Encode(measure.Name)} {measure.HigherIsBetter switch { true => "&uarr;", false => "&darr;", null => "&rarr;0" }}</th>");
        html.Append("</tr></thead><tbody>");
        foreach (var (name, summary, evaluation) in rows)
        {
            html.Append($"<tr><th scope=\"row\" title=\"{Encode(summary)}\">{Encode(name)}</th>");
            foreach (var measure in Measures)
            {
                var score = measure.Score(evaluation["synthesized"]);
                bool best = rows.Length > 1 && score is not null && score == rows.Max(row => measure.Score(row.Evaluation["synthesized"]));
                WriteCell(html, measure, evaluation["synthesized"], best);
            }
            html.Append("</tr>");
        }
        html.Append("</tbody><tfoot>");
        WriteReference(html, "each class's mean colour", rows[0].Evaluation["flatPainting"]);
        WriteReference(html, "real photos", new JsonObject { ["voidIgnored"] = rows[0].Evaluation["realVoidIgnored"]?.DeepClone() });
        html.Append("</tfoot></table></div></section>");
    }

    private static void WriteReference(StringBuilder html, string name, JsonNode? photos)
    {
        if (photos is null)
            return;
        html.Append($"<tr><th scope=\"row\">{Encode(name)}</th>");
        foreach (var measure in Measures)
            WriteCell(html, measure, photos, best: false);
        html.Append("</tr>");
    }

    private static void WriteCell(StringBuilder html, Measure measure, JsonNode? photos, bool best)
    {
        var (value, interval) = photos is null ? (null, null) : measure.Of(photos);
        string text = value?.ToString(measure.Format, CultureInfo.InvariantCulture) ?? "&ndash;";
        string bounds = interval is null ? "" : FormattableString.Invariant($"<small>{Number(interval["low"])?.ToString(measure.Format, CultureInfo.InvariantCulture)}&ndash;{Number(interval["high"])?.ToString(measure.Format, CultureInfo.InvariantCulture)}</small>");
        html.Append(CultureInfo.InvariantCulture, $"<td data-value=\"{value:R}\">{(best ? $"<b>{text}</b>" : text)}{bounds}</td>");
    }

    private static void WriteFailures(StringBuilder html, IReadOnlyList<ComparedSystem> systems)
    {
        foreach (var system in systems)
        {
            if (system.Failure is { } failure)
                html.Append($"<p class=\"failure\"><b>{Encode(system.Recipe.Name)}</b> failed: {Encode(failure.Reason)}</p>");
        }
    }

    private static void WritePictures(StringBuilder html, Comparison comparison, IReadOnlyList<Result> done)
    {
        html.Append("<section><h2>Photos</h2><p>Layouts that no system has learned from. A click enlarges; arrow keys go on.</p><div class=\"wide\"><table class=\"pictures\"><thead><tr><th>layout</th><th>real</th>");
        foreach (var system in done)
            html.Append($"<th title=\"{Encode(system.Recipe.Summary)}\">{Encode(system.Recipe.Name)}</th>");
        html.Append("</tr></thead><tbody>");
        foreach (var layout in comparison.Layouts)
        {
            html.Append("<tr>");
            WritePicture(html, comparison.LabelsImage(layout), $"{layout.Name}, layout");
            WritePicture(html, comparison.PhotoImage(layout), $"{layout.Name}, real photo");
            foreach (var system in done)
                WritePicture(html, system.System.PhotoPath(layout.Name, 0), $"{layout.Name}, {system.Recipe.Name}");
            html.Append("</tr>");
        }
        html.Append("</tbody></table></div></section>");
    }

    private static void WriteDiversity(StringBuilder html, Comparison comparison, IReadOnlyList<Result> done)
    {
        foreach (var system in done.Where(system => comparison.Layouts.Any(layout => system.System.PhotosOf(layout.Name).Count > 1)))
        {
            html.Append($"<section><h2>Several photos of a layout: {Encode(system.Recipe.Name)}</h2>");
            if (Number(system.Evaluation["pairwisePerceptual"]) is { } pairwise)
                html.Append(CultureInfo.InvariantCulture, $"<p>Mean perceptual distance of two photos of a layout: {pairwise:0.000}.</p>");
            html.Append("<div class=\"wide\"><table class=\"pictures\"><tbody>");
            foreach (var layout in comparison.Layouts.Take(4))
            {
                html.Append("<tr>");
                WritePicture(html, comparison.LabelsImage(layout), $"{layout.Name}, layout");
                foreach (var (photo, i) in system.System.PhotosOf(layout.Name).Select((photo, i) => (photo, i)))
                    WritePicture(html, photo, FormattableString.Invariant($"{layout.Name}, {system.Recipe.Name}, photo {i + 1}"));
                html.Append("</tr>");
            }
            html.Append("</tbody></table></div></section>");
        }
    }

    private static void WritePicture(StringBuilder html, string path, string caption) => html.Append(
        $"<td><img loading=\"lazy\" tabindex=\"0\" alt=\"{Encode(caption)}\" src=\"data:image/png;base64,{Convert.ToBase64String(File.ReadAllBytes(path))}\"></td>");

    private static void WriteCosts(StringBuilder html, IReadOnlyList<Result> done)
    {
        html.Append("<section><h2>Cost</h2><div class=\"wide\"><table class=\"sort\"><thead><tr><th>system</th><th>parameters</th><th>steps</th><th>training</th><th>steps/s</th><th>peak memory, MiB</th><th>model, MB</th><th>seconds per layout</th></tr></thead><tbody>");
        foreach (var system in done)
        {
            var cost = system.Cost;
            html.Append(CultureInfo.InvariantCulture, $"""
                <tr><th scope="row">{Encode(system.Recipe.Name)}</th><td data-value="{cost.Parameters}">{cost.Parameters:N0}</td><td data-value="{cost.Steps}">{cost.Steps:N0}</td>
                <td data-value="{cost.TrainingSeconds:R}">{ProgressView.Clock(TimeSpan.FromSeconds(cost.TrainingSeconds))}</td><td>{cost.Steps / Math.Max(cost.TrainingSeconds, 1e-3):0.00}</td>
                <td data-value="{cost.PeakBytes}">{cost.PeakBytes / (1 << 20):N0}</td><td data-value="{cost.ModelBytes}">{cost.ModelBytes / 1e6:0.0}</td><td>{cost.SecondsPerLayout:0.000}</td></tr>
                """);
        }
        html.Append("</tbody></table></div></section>");
    }

    private static void WriteCurves(StringBuilder html, IReadOnlyList<Result> done)
    {
        html.Append("<section><h2>Loss by epoch</h2><p>Each on a scale of its own: different objectives cannot be compared.</p><div class=\"curves\">");
        foreach (var system in done)
            html.Append($"<figure>{LossCurve.Svg(system.Cost.LossByEpoch)}<figcaption><b>{Encode(system.Recipe.Name)}</b> {Encode(system.Cost.Objective)}</figcaption></figure>");
        html.Append("</div></section>");
    }

    private static void WriteProtocol(StringBuilder html, JsonNode evaluation)
    {
        var protocol = evaluation["protocol"]!;
        html.Append(CultureInfo.InvariantCulture, $"""
            <section><h2>Protocol</h2><p>{evaluation["pairs"]} pairs at {evaluation["height"]}x{evaluation["width"]}. Sets compared in {Encode($"{protocol["extractor"]}")}; photos by {Encode($"{protocol["perceptual"]}")}.
            Layouts found by {Encode($"{protocol["segmenter"]}")}, trained on the same pairs from another seed than the one that teaches. {protocol["resamples"]} draws of pairs for the intervals, seed {protocol["seed"]}.
            CrnMlNet {Encode($"{protocol["version"]}")}, measures {protocol["measures"]}.</p></section>
            """);
    }

    private static double? Number(JsonNode? node) => node?.GetValue<double>();

    private static JsonNode? Percent(JsonNode? interval) =>
        interval is null ? null : new JsonObject { ["low"] = 100 * Number(interval["low"]), ["high"] = 100 * Number(interval["high"]) };

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static string Resource(string name)
    {
        using var stream = typeof(ComparisonPage).Assembly.GetManifestResourceStream("Comparisons/" + name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
