using System.CommandLine;
using System.Diagnostics;
using CrnMlNet.Torch.Backend;
using Microsoft.ML;
using TorchSharp;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn synthesize</c>: a model and label images in, photos out.</summary>
internal static class SynthesizeCommand
{
    public static Command Create()
    {
        var model = new Option<string>("--model", "-m") { Description = "The model that 'crn train' made.", HelpName = "model.zip", Required = true };
        var labels = new Option<string>("--labels") { Description = "Folder of label images, or one file (.png, .bmp, .gif).", HelpName = "DIR|FILE", Required = true };
        var output = new Option<string>("--output", "-o") { Description = "Folder for the photos; it is made if need be.", HelpName = "DIR", Required = true };
        var device = DeviceOption.Create();
        var command = new Command("synthesize",
            """
            Paints a photo for each label image, as NAME.png; photos of that name are replaced.

            Example:
              crn synthesize --model model.zip --labels data/labels --output photos

            A label image that cannot be read stops the work; photos made before it stay. So does Ctrl-C, after the current photo.
            """)
        {
            model, labels, output, device,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(model), parsed.GetRequiredValue(labels), parsed.GetRequiredValue(output), parsed.GetValue(device)));
        return command;
    }

    private static int Run(string modelPath, string labels, string output, string? device)
    {
        var files = LabelFiles.Find(labels);
        if (SameFolder(AtomicFile.FolderOf(files[0]), output))
            throw new ArgumentException($"--output '{output}' is the folder of the label images, which would be overwritten. Name another folder.");
        if (File.Exists(output))
            throw new IOException($"--output '{output}' is a file. Name a folder.");

        var mlContext = new MLContext();
        if (ComputeDevice.Resolve(device, gpuDeviceId: null, fallbackToCpu: false, log: null) is { type: DeviceType.CUDA, index: var index })
            mlContext.GpuDeviceId = index;
        using var model = ModelFile.Load(mlContext, modelPath);
        Directory.CreateDirectory(output);
        return ProgressView.Show(view => Paint(view, model, files, output));
    }

    private static int Paint(ProgressView view, SynthesizeFromLabelsTransformer model, IReadOnlyList<string> files, string output)
    {
        using var stop = new StopSignal(() => view.Say("Stopping after this photo."));
        var clock = Stopwatch.StartNew();
        for (int done = 0; done < files.Count; done++)
        {
            if (stop.Token.IsCancellationRequested)
            {
                view.Conclude($"Stopped after {done} of {files.Count} photos in {output}");
                return stop.ExitCode;
            }

            using var photo = model.Synthesize(LabelMap.Load(files[done]));
            ImageFile.Save(photo, Path.Combine(output, Path.GetFileNameWithoutExtension(files[done]) + ".png"));
            view.Report(new Progress("Synthesizing", done + 1, files.Count, Pace(done + 1, files.Count, clock.Elapsed)));
        }

        view.Conclude($"{files.Count} {(files.Count == 1 ? "photo" : "photos")} of {model.Architecture.Height}x{model.Architecture.Width} in {output}");
        return ExitCode.Success;
    }

    private static string Pace(int done, int total, TimeSpan elapsed) => FormattableString.Invariant(
        $"{done / Math.Max(elapsed.TotalSeconds, 1e-3):0.0} images/s  {ProgressView.Clock(elapsed)}, {ProgressView.Clock(elapsed * ((double)(total - done) / done))} left");

    private static bool SameFolder(string a, string b)
    {
        static string Real(string folder)
            => Directory.ResolveLinkTarget(folder, returnFinalTarget: true)?.FullName ?? Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Directory.Exists(b) && Real(a) == Real(b);
    }
}
