using System.Text.Json;
using CrnMlNet.Data;
using Spectre.Console;

namespace CrnMlNet.Cli;

/// <summary>Shows what <see cref="LabelFolderReport"/> found.</summary>
internal static class LabelReportView
{
    private const int WidthOfBar = 24;
    private const int MostRows = 200;
    private const int MostSizes = 5;
    private const int MostFaults = 20;
    private const int MostFits = 3;

    public static void Write(LabelFolderReport report, string path, string? photos, string? palette)
    {
        Line("Label images", FormattableString.Invariant($"{report.Images:N0} in {path}"));
        if (report.Formats.Count > 0)
            Line("Format", string.Join("; ", report.Formats.Select(format => FormattableString.Invariant($"{Describe(format.Trait)}: {format.Images:N0}"))) + Mixture(report));
        if (report.Sizes.Count > 0)
            Line("Size", string.Join("; ", report.Sizes.Take(MostSizes).Select(size => FormattableString.Invariant($"{size.Trait.Width}x{size.Trait.Height}: {size.Images:N0}")))
                + (report.Sizes.Count > MostSizes ? $"; and {report.Sizes.Count - MostSizes} others" : ""));
        WriteFits(report);
        if (report.Values.Count > 0)
            AnsiConsole.Write(Histogram(report));
        WriteFaults(report);
        WriteNext(report, path, photos, palette);
    }

    public static string ToJson(LabelFolderReport report) => JsonSerializer.Serialize(
        new
        {
            report.Images,
            Formats = report.Formats.Select(format => new { Format = format.Trait, format.Images, format.File }),
            Sizes = report.Sizes.Select(size => new { size.Trait.Width, size.Trait.Height, size.Images, size.File }),
            Palette = report.Best?.Palette.Name,
            Encoding = report.Best?.Encoding,
            Values = report.Values.Select(value => new
            {
                value.Id,
                Color = value.Color?.ToString(),
                Class = report.Best?.MeaningOf(value),
                value.Pixels,
                value.Images,
                First = new { value.File, value.X, value.Y },
            }),
            Palettes = report.Fits.Select(fit => new
            {
                Palette = fit.Palette.Name,
                fit.Encoding,
                fit.KnownShare,
                fit.ClassesSeen,
                Classes = fit.Palette.Classes.Count,
                UnknownValues = fit.Unknown.Count,
                AmbiguousValues = fit.Ambiguous.Count,
            }),
            Problems = report.Faults,
        },
        ScriptJson.Options);

    private static void Line(string name, string text) => Console.WriteLine($"{name,-14}{text}");

    private static string Describe(LabelFileFormat format) => format switch
    {
        LabelFileFormat.Gray => "gray",
        LabelFileFormat.Gray16 => "gray, 16 bits",
        LabelFileFormat.Palette => "palette PNG",
        LabelFileFormat.Color => "colour",
        _ => "JPEG",
    };

    private static string Describe(LabelEncoding encoding) => encoding switch
    {
        LabelEncoding.Color => "by colour",
        LabelEncoding.PaletteIndex => "by palette index",
        _ => "by id",
    };

    private static string Mixture(LabelFolderReport report) =>
        report.Formats.Count < 2 ? ""
        : report.Formats.FirstOrDefault(format => format.Trait == LabelFileFormat.Color) is { } colored ? $" (mixed: all are read by colour, because '{colored.File}' has colours)"
        : " (mixed)";

    private static void WriteFits(LabelFolderReport report)
    {
        if (report.Best is not { } best)
        {
            if (report.Values.Count > 0)
                Line("Palette", $"none of {string.Join(", ", LabelPalette.BuiltIn)} has most of these values");
            return;
        }

        Line("Palette", $"{best.Palette}, read {Describe(best.Encoding)}: {Describe(best)}");
        foreach (var other in report.Fits.Where(fit => fit != best && fit.IsWhole).Take(MostFits))
            Line("", $"{other.Palette} would do, too: {Describe(other)}; {Difference(report, best, other)}");
    }

    private static string Describe(PaletteFit fit) => FormattableString.Invariant(
        $"{(fit.IsWhole ? "has all values" : $"has the values of {fit.KnownShare:P2} of the pixels, lacks {fit.Unknown.Count + fit.Ambiguous.Count:N0}")}, {fit.ClassesSeen} of its {fit.Palette.Classes.Count} classes occur");

    /// <summary>What the most frequent value that tells two palettes apart means in each.</summary>
    private static string Difference(LabelFolderReport report, PaletteFit best, PaletteFit other)
    {
        var telling = report.Values.OrderByDescending(value => value.Pixels).FirstOrDefault(value => best.MeaningOf(value) is { } meaning && meaning != other.MeaningOf(value));
        return telling is null ? "all values mean the same in it" : $"look at a photo: is {telling} {best.MeaningOf(telling)}, or {other.MeaningOf(telling)}?";
    }

    private static Table Histogram(LabelFolderReport report)
    {
        long all = report.Values.Sum(value => value.Pixels), most = report.Values.Max(value => value.Pixels);
        var table = new Table().AddColumns("Value", "Class", "", "Pixels", "Images");
        table.Columns[3].RightAligned();
        table.Columns[4].RightAligned();
        foreach (var value in report.Values.Take(MostRows))
        {
            table.AddRow(
                Markup.Escape($"{value}"), Markup.Escape(report.Best is { } best ? best.MeaningOf(value) ?? "unknown" : ""),
                new string('#', (int)Math.Ceiling((double)WidthOfBar * value.Pixels / most)),
                ((double)value.Pixels / all).ToString("P2", System.Globalization.CultureInfo.InvariantCulture), FormattableString.Invariant($"{value.Images:N0}"));
        }

        if (report.Values.Count > MostRows)
            table.Caption = new TableTitle($"and {report.Values.Count - MostRows} values more");
        return table;
    }

    private static void WriteFaults(LabelFolderReport report)
    {
        if (report.Faults.Count == 0)
            return;
        Console.WriteLine("Problems, which would end a training:");
        foreach (var fault in report.Faults.Take(MostFaults))
            Console.WriteLine($"- {fault}");
        if (report.Faults.Count > MostFaults)
            Console.WriteLine($"- and {report.Faults.Count - MostFaults} more; --json lists all.");
    }

    private static void WriteNext(LabelFolderReport report, string path, string? photos, string? palette)
    {
        if (report.Best is not { } best || File.Exists(path))
            return;
        var encoding = best.Encoding == LabelEncoding.Index ? "" : $" --label-encoding {best.Encoding.ToString().ToLowerInvariant()}";
        var unknown = best.Unknown.Count > 0 ? " --unknown-labels void" : "";
        Console.WriteLine($"{(report.Faults.Count == 0 ? "Next" : unknown.Length > 0 ? "To count unknown values as void" : "Then")}:");
        Console.WriteLine($"  crn train --labels {Quote(path)} --photos {(photos is null ? "DIR" : Quote(photos))} --palette {Quote(palette ?? best.Palette.Name)}{encoding}{unknown} --output model.zip");
    }

    private static string Quote(string argument) => argument.Any(char.IsWhiteSpace) ? $"\"{argument}\"" : argument;
}
