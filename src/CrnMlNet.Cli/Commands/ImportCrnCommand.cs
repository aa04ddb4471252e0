using System.CommandLine;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Weights;
using Microsoft.ML;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn import crn</c>: a network of the paper's authors in, a model out.</summary>
internal static class ImportCrnCommand
{
    private const int BytesPerNumber = sizeof(float);

    /// <summary>What is left of floats when a zip has packed them, for the time left.</summary>
    private const double Packed = 0.93;

    public static Command Create()
    {
        var prefix = new Argument<string>("PREFIX") { Description = "The checkpoint without its files' endings, such as result_256p/model.ckpt." };
        var output = new Option<string>("--output", "-o") { Description = "The model file to write.", HelpName = "model.zip", Required = true };
        var palette = new Option<string>("--palette")
        {
            Description = "The classes in the order in which the network was trained on them; the authors' is cityscapes, for GTA, too.",
            HelpName = "NAME|FILE",
            DefaultValueFactory = _ => LabelPalette.Cityscapes.Name,
        };
        var unknownLabels = UnknownLabelsOption.Create("What to do with ids and colours that the palette lacks; void is what the authors' code does.");
        var weightsOnly = new Option<bool>("--weights-only") { Description = "Leave out what only training needs, Adam's moments: a third of the size." };
        var command = new Command("crn",
            """
            Imports a network that the paper's authors trained, or that was trained with their code, from its TensorFlow checkpoint:
            result_256p, result_512p, result_1024p or result_GTA of CQFIO/PhotographicImageSynthesis. Which it is follows from the file.
            Beside PREFIX.index must lie its data, PREFIX.data-00000-of-00001; the checksum of every variable is verified.

            Example:
              crn import crn result_256p/model.ckpt --output crn-256p.zip
              crn synthesize --model crn-256p.zip --labels labels --output photos

            The model paints at the size of the network alone (256x512, 512x1024 or 1024x2048); label images of any size are brought to that.
            A training that starts from it goes on where the authors' session ended, with Adam's moments where the checkpoint has them.
            """)
        {
            prefix, output, palette, unknownLabels, weightsOnly,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(prefix), parsed.GetRequiredValue(output), LabelPalette.Parse(parsed.GetRequiredValue(palette)),
            UnknownLabelsOption.ValueIn(parsed, unknownLabels), !parsed.GetValue(weightsOnly)));
        return command;
    }

    private static int Run(string prefix, string output, LabelPalette palette, UnknownLabelPolicy unknownLabels, bool withMoments)
    {
        AtomicFile.CheckWritable(output, "--output");
        using (var checkpoint = new AuthorsCheckpoint(prefix))
            DiskSpace.CheckRoomFor(BytesPerNumber * (checkpoint.Architecture.ParameterCount() + (withMoments ? 2 * checkpoint.NumbersWithMoments : 0)), output);
        return ProgressView.Show(view =>
        {
            using var stop = new StopSignal(() => view.Say("Stopping."));
            try
            {
                Import(view, prefix, output, palette, unknownLabels, withMoments, stop.Token);
                return ExitCode.Success;
            }
            catch (OperationCanceledException)
            {
                view.Conclude("Stopped; no model was written.");
                return stop.ExitCode;
            }
        });
    }

    private static void Import(
        ProgressView view, string prefix, string output, LabelPalette palette, UnknownLabelPolicy unknownLabels, bool withMoments, CancellationToken cancellation)
    {
        var mlContext = new MLContext();
        var reading = new Pace();
        long bytes = 0;
        using var model = mlContext.Model.LoadCrnCheckpoint(prefix, palette, unknownLabels: unknownLabels, withMoments: withMoments, progress: (done, total) =>
        {
            cancellation.ThrowIfCancellationRequested();
            view.Report(new Progress("Reading", done, bytes = total, reading.Describe(done, total)));
        });
        long size = (long)(Packed * bytes);
        var writing = new Pace();
        ModelFile.Save(mlContext, model, output, written =>
        {
            cancellation.ThrowIfCancellationRequested();
            long done = Math.Min(written, size - 1);
            view.Report(new Progress("Writing", done, size, writing.Describe(done, size)));
        });
        long length = new FileInfo(output).Length;
        view.Report(new Progress("Writing", length, length, writing.Describe(length, length)));
        var architecture = model.Architecture;
        view.Conclude(FormattableString.Invariant(
            $"Imported a network of {architecture.Height}x{architecture.Width} with {architecture.ParameterCount():N0} parameters, {architecture.ImagesPerLayout} image(s) a layout, from {model.Training.Imported}."));
        view.Conclude($"Saved the model to {output}");
    }
}
