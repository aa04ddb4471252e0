using System.CommandLine;
using System.Diagnostics;
using CrnMlNet.Torch.Backend;
using Microsoft.ML;
using Microsoft.ML.Data;
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
        var image = new Option<int?>("--image") { Description = "Which of a layout's photos to write, from 0, of a model that paints several. Default: all.", HelpName = "N" };
        var device = DeviceOption.Create();
        var command = new Command("synthesize",
            """
            Paints a photo for each label image, as NAME.png; photos of that name are replaced. A model that paints several photos
            of a layout gives NAME.png, NAME.1.png, NAME.2.png and so on, or with --image 2 the last of these alone, as NAME.png.

            Example:
              crn synthesize --model model.zip --labels data/labels --output photos

            A label image that cannot be read stops the work; photos made before it stay. So does Ctrl-C, after the current photo.
            """)
        {
            model, labels, output, image, device,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(model), parsed.GetRequiredValue(labels), parsed.GetRequiredValue(output), parsed.GetValue(image), parsed.GetValue(device)));
        return command;
    }

    private static int Run(string modelPath, string labels, string output, int? image, string? device)
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
        int images = model.OutputColumnNames.Count;
        if (image < 0 || image >= images)
            throw new ArgumentException($"--image is {image}, but the model paints {(images == 1 ? "one photo" : $"{images} photos")} of a layout: {(images == 1 ? "leave it out" : $"0 to {images - 1}")}.");
        CheckNames(files, image is null ? images : 1);
        Directory.CreateDirectory(output);
        return ProgressView.Show(view => Paint(view, model, files, image, output));
    }

    private static int Paint(ProgressView view, SynthesizeFromLabelsTransformer model, IReadOnlyList<string> files, int? image, string output)
    {
        int photosEach = image is null ? model.OutputColumnNames.Count : 1;
        using var stop = new StopSignal(() => view.Say("Stopping after this photo."));
        var clock = Stopwatch.StartNew();
        for (int done = 0; done < files.Count; done++)
        {
            if (stop.Token.IsCancellationRequested)
            {
                view.Conclude($"Stopped after {done * photosEach} of {files.Count * photosEach} photos in {output}");
                return stop.ExitCode;
            }

            PhotoNames.Save(model.SynthesizeAll(LabelMap.Load(files[done])), output, Path.GetFileNameWithoutExtension(files[done]), image);
            view.Report(new Progress("Synthesizing", done + 1, files.Count, Pace(done + 1, files.Count, clock.Elapsed)));
        }

        int photos = files.Count * photosEach;
        view.Conclude($"{photos} {(photos == 1 ? "photo" : "photos")} of {model.Architecture.Height}x{model.Architecture.Width} in {output}");
        return ExitCode.Success;
    }

    /// <summary>Refuses label images of which two would become the same photo: with several photos each, <c>a.1.png</c> and <c>a.png</c>.</summary>
    private static void CheckNames(IReadOnlyList<string> files, int photosEach)
    {
        var sources = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in files)
        {
            for (int i = 0; i < photosEach; i++)
            {
                string name = PhotoNames.File(Path.GetFileNameWithoutExtension(file), i);
                if (!sources.TryAdd(name, file))
                    throw new InvalidDataException($"'{sources[name]}' and '{file}' would both become '{name}'. Rename one, or choose one photo of a layout with --image.");
            }
        }
    }

    private static string Pace(int done, int total, TimeSpan elapsed) => FormattableString.Invariant(
        $"{done / Math.Max(elapsed.TotalSeconds, 1e-3):0.0} images/s  {ProgressView.Clock(elapsed, done, total)}");

    private static bool SameFolder(string a, string b)
    {
        static string Real(string folder)
            => Directory.ResolveLinkTarget(folder, returnFinalTarget: true)?.FullName ?? Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Directory.Exists(b) && Real(a) == Real(b);
    }
}
