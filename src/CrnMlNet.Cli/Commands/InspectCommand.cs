using System.CommandLine;
using System.Diagnostics;
using CrnMlNet.Data;
using Microsoft.ML;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn inspect</c>: what is in a folder of label images, or in a model.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var path = new Argument<string>("PATH") { Description = "A folder of label images, one label image, or a model (.zip)." };
        var photos = new Option<string?>("--photos") { Description = "Folder of the photos: tells which files lack a partner, and which pairs differ in shape.", HelpName = "DIR" };
        var palette = new Option<string?>("--palette")
        {
            Description = $"The palette that the label images should have: {string.Join(", ", LabelPalette.BuiltIn)}, or a JSON file. [default: whichever fits]",
            HelpName = "NAME|FILE",
        };
        var json = new Option<bool>("--json") { Description = "Write one JSON document instead, for scripts." };
        var command = new Command("inspect",
            """
            Looks through label images before training does: formats, sizes, classes, unknown values and where they stand, the palette that fits,
            and what to type next. Of a model it shows the network, the palette and how it was trained.

            Examples:
              crn inspect data/labels --photos data/photos
              crn inspect data/labels --palette ade20k --json
              crn inspect model.zip

            The exit code is 1 when something would make training fail; what that is, is under "Problems".
            """)
        {
            path, photos, palette, json,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(path), parsed.GetValue(photos), parsed.GetValue(palette), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string path, string? photos, string? paletteName, bool json)
    {
        if (File.Exists(path) && Path.GetExtension(path).Equals(".zip", StringComparison.OrdinalIgnoreCase))
            return InspectModel(path, json);

        var palette = paletteName is null ? null : LabelPalette.Parse(paletteName);
        using var stop = new StopSignal(() => { });
        LabelFolderReport report;
        try
        {
            // On stdout a script wants the document alone.
            report = json
                ? LabelFolderReport.Of(path, photos, palette, cancellationToken: stop.Token)
                : ProgressView.Show(view => LabelFolderReport.Of(path, photos, palette, Reporter(view), stop.Token));
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("crn: stopped before all label images were looked at.");
            return stop.ExitCode;
        }

        if (json)
            Console.WriteLine(LabelReportView.ToJson(report));
        else
            LabelReportView.Write(report, path, photos, paletteName);
        return report.Faults.Count == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static Action<int, int> Reporter(ProgressView view)
    {
        var clock = Stopwatch.StartNew();
        return (done, total) => view.Report(new Progress("Reading", done, total, ProgressView.Clock(clock.Elapsed, done, total)));
    }

    private static int InspectModel(string path, bool json)
    {
        using var model = ModelFile.Load(new MLContext(), path);
        if (json)
            Console.WriteLine(ModelReportView.ToJson(model));
        else
            ModelReportView.Write(model, path);
        return ExitCode.Success;
    }
}
