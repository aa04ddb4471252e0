using System.CommandLine;
using System.Globalization;
using CrnMlNet.Evaluation;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Spectre.Console;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn train-segmenter</c>: a network that finds layouts in photos, for <c>crn evaluate</c>.</summary>
internal static class TrainSegmenterCommand
{
    public static Command Create()
    {
        var defaults = new SegmenterOptions();
        var labels = new Option<string>("--labels") { Description = "Folder of the label images.", HelpName = "DIR", Required = true };
        var photos = new Option<string>("--photos") { Description = "Folder of the real photos, of the same names.", HelpName = "DIR", Required = true };
        var output = new Option<string>("--output", "-o") { Description = "The file to write.", HelpName = "FILE.safetensors", Required = true };
        var palette = PaletteOption.Create(defaults.Pairs.Palette);
        var height = new Option<int>("--height") { Description = "Height in pixels to learn at: that of the photos to be evaluated.", HelpName = "N", DefaultValueFactory = _ => defaults.Pairs.Height };
        var width = new Option<int>("--width") { Description = "Width in pixels to learn at.", HelpName = "N", DefaultValueFactory = _ => defaults.Pairs.Width };
        var epochs = new Option<int>("--epochs") { Description = "How often each pair is seen.", HelpName = "N", DefaultValueFactory = _ => defaults.Training.Epochs };
        var seed = new Option<int>("--seed") { Description = "Seeds weights, order and mirroring.", HelpName = "N" };
        var unknownLabels = UnknownLabelsOption.Create();
        var validationLabels = new Option<string?>("--validation-labels") { Description = "Folder of label images that are not learned from, to measure on.", HelpName = "DIR" };
        var validationPhotos = new Option<string?>("--validation-photos") { Description = "Folder of their photos.", HelpName = "DIR" };
        var validationShare = new Option<double?>("--validation-share") { Description = "Instead of folders of their own: the share of the pairs, the last ones by name, to measure on.", HelpName = "X" };
        var device = DeviceOption.Create();
        var command = new Command("train-segmenter",
            """
            Trains a small segmentation network (a U-Net) on real pairs of label images and photos. 'crn evaluate --segmenter' then asks it whether
            synthesized photos show what their layouts say.

            Example:
              crn train-segmenter --labels data/labels --photos data/photos --palette camvid --output segmenter.safetensors --validation-share 0.1

            How well it does on real photos that it has not seen is shown when it is done: that is the ceiling for synthesized ones. Void teaches nothing.
            Ctrl-C ends training after the current step and saves what was learned.
            """)
        {
            labels, photos, output, palette, height, width, epochs, seed, unknownLabels, validationLabels, validationPhotos, validationShare, device,
        };
        command.SetAction(parsed => Run(
            new SegmenterOptions
            {
                Pairs = new PairColumns
                {
                    Palette = LabelPalette.Parse(parsed.GetRequiredValue(palette)),
                    Height = parsed.GetRequiredValue(height),
                    Width = parsed.GetRequiredValue(width),
                    UnknownLabels = UnknownLabelsOption.ValueIn(parsed, unknownLabels),
                },
                Training = new SegmentationTrainingOptions { Epochs = parsed.GetRequiredValue(epochs), Seed = parsed.GetValue(seed) },
                Device = parsed.GetValue(device),
            },
            new PairFolders(
                parsed.GetRequiredValue(labels), parsed.GetRequiredValue(photos),
                parsed.GetValue(validationLabels), parsed.GetValue(validationPhotos), parsed.GetValue(validationShare)),
            parsed.GetRequiredValue(output)));
        return command;
    }

    private static int Run(SegmenterOptions options, PairFolders folders, string output)
    {
        var (pairs, validation) = folders.Find();
        AtomicFile.CheckWritable(output, "--output");
        var mlContext = new MLContext();
        int code = ExitCode.Success;
        var measured = ProgressView.Show(view =>
        {
            using var stop = new StopSignal(() => view.Say("Stopping after this step."));
            try
            {
                var data = TrainingData.Load(mlContext, pairs, read => view.Report(new Progress("Reading", read, pairs.Count, "")));
                using var segmenter = Segmenter.Train(mlContext, data, options, progress => Report(view, progress), stop.Token);
                AtomicFile.Write(output, segmenter.Save);
                view.Conclude($"Saved {segmenter.Name} to {output}");
                code = stop.Token.IsCancellationRequested ? stop.ExitCode : code;
                var measuredOn = validation.Count > 0 ? validation : pairs;
                var real = RealPairs.Read(mlContext, TrainingData.Load(mlContext, measuredOn, read => view.Report(new Progress("Measuring", read, measuredOn.Count, ""))), options.Pairs);
                return segmenter.Measure(real);
            }
            catch (OperationCanceledException)
            {
                view.Conclude("Stopped before anything was learned; no file was written.");
                code = stop.ExitCode;
                return null;
            }
        });
        if (measured is not null)
            AnsiConsole.Write(Table(measured, options.Pairs.Palette, validation.Count > 0 ? $"{validation.Count} validation pairs" : $"the {pairs.Count} pairs learned from, which flatters"));
        return code;
    }

    private static void Report(ProgressView view, TrainingProgress progress) => view.Report(new Progress(
        "Training", progress.Step, progress.Steps,
        FormattableString.Invariant(
            $"epoch {progress.Epoch}/{progress.Epochs}  loss {progress.Loss:0.000}  {progress.ImagesPerSecond:0.0} images/s  {ProgressView.Clock(progress.Elapsed)}, {ProgressView.Clock(progress.Remaining)} left"),
        progress.IsEpochEnd));

    private static Table Table(ConfusionMatrix confusion, LabelPalette palette, string on)
    {
        SegmentationScores ignored = confusion.Scores(VoidPolicy.Ignored), error = confusion.Scores(VoidPolicy.Error);
        var table = new Table { Title = new TableTitle($"On {on}, in %") };
        table.AddColumns("", "Void ignored", "Void an error");
        table.AddRow("Mean IoU", Percent(ignored.MeanIoU), Percent(error.MeanIoU));
        table.AddRow("Pixel accuracy", Percent(ignored.PixelAccuracy), Percent(error.PixelAccuracy));
        table.AddRow("Mean class accuracy", Percent(ignored.MeanClassAccuracy), Percent(error.MeanClassAccuracy));
        for (int i = 0; i < palette.Classes.Count; i++)
            table.AddRow(new Text($"  IoU of {palette.Classes[i].Name}"), new Text(Percent(ignored.IoU[i])), new Text(Percent(error.IoU[i])));
        return table;
    }

    private static string Percent(double share) => double.IsNaN(share) ? "-" : (100 * share).ToString("0.0", CultureInfo.InvariantCulture);
}
