using System.CommandLine;
using System.Globalization;
using CrnMlNet.Data;
using CrnMlNet.Evaluation;
using Microsoft.ML;
using Microsoft.ML.Data;
using Spectre.Console;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn evaluate</c>: how near a model's photos are to real ones.</summary>
internal static class EvaluateCommand
{
    private const int MostRows = 10;

    public static Command Create()
    {
        var model = new Option<string>("--model", "-m") { Description = "The model that 'crn train' made.", HelpName = "model.zip", Required = true };
        var labels = new Option<string>("--labels") { Description = "Folder of label images that the model has not seen.", HelpName = "DIR", Required = true };
        var photos = new Option<string>("--photos") { Description = "Folder of their photos, of the same names.", HelpName = "DIR", Required = true };
        var command = new Command("evaluate",
            """
            Compares a model's photos with real ones, and beside them each class painted flat in its mean colour.

            Example:
              crn evaluate --model model.zip --labels data/val/labels --photos data/val/photos

            Sliced Wasserstein distance (lower is nearer) compares textures, MS-SSIM and PSNR (higher is nearer) compare place by place.
            Of a model that paints several photos of a layout, the first is compared; a second table tells how much nearer the best of them is, and how they differ.
            """)
        {
            model, labels, photos,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(model), parsed.GetRequiredValue(labels), parsed.GetRequiredValue(photos)));
        return command;
    }

    private static int Run(string modelPath, string labels, string photos)
    {
        var pairs = LabelPhotoPairs.FromFolders(labels, photos);
        using var model = ModelFile.Load(new MLContext(), modelPath);
        var evaluation = ProgressView.Show(view => SynthesisEvaluation.Of(model, Load(view, pairs)));
        AnsiConsole.Write(Table(evaluation));
        if (evaluation.Best is { } best)
            AnsiConsole.Write(Table(best));
        return ExitCode.Success;
    }

    private static IEnumerable<(LabelMap Labels, MLImage Photo)> Load(ProgressView view, IReadOnlyList<LabelPhotoPair> pairs)
    {
        for (int i = 0; i < pairs.Count; i++)
        {
            using var photo = ImageFile.Load(pairs[i].PhotoPath);
            yield return (LabelMap.Load(pairs[i].LabelPath), photo);
            view.Report(new Progress("Synthesizing", i + 1, pairs.Count, ""));
        }
    }

    private static Table Table(SynthesisEvaluation evaluation)
    {
        var table = new Table { Title = new TableTitle($"{evaluation.Pairs} pairs at {evaluation.Height}x{evaluation.Width}") };
        table.AddColumns("", "Synthesized", "Flat painting");
        Row("Sliced Wasserstein x1e3 (lower is nearer)", nearness => nearness.SlicedWasserstein, "0.0");
        for (int i = 0; i < evaluation.Synthesized.Levels.Count; i++)
        {
            int level = i;
            Row($"  at {evaluation.Synthesized.Levels[level].Height}x{evaluation.Synthesized.Levels[level].Width}", nearness => nearness.Levels[level].Distance, "0.0");
        }
        Row("MS-SSIM (higher is nearer)", nearness => nearness.MultiScaleSsim, "0.000");
        Row("PSNR in dB (higher is nearer)", nearness => nearness.Psnr, "0.00");
        return table;

        void Row(string name, Func<Nearness, double> value, string format) => table.AddRow(
            name,
            Show(value(evaluation.Synthesized), format),
            Show(value(evaluation.FlatPainting), format));
    }

    private static Table Table(BestOfImages best)
    {
        var table = new Table
        {
            Title = new TableTitle($"The best of {best.Psnr.Count} photos of each layout"),
            Caption = new TableTitle(FormattableString.Invariant($"Two photos of a layout differ by {best.PairwiseDifference:0.0} gray levels on average.")),
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

    private static string Show(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
