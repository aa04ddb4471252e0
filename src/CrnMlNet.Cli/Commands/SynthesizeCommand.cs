using System.CommandLine;
using System.Diagnostics;
using CrnMlNet.Cli.Batch;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Inference;
using Microsoft.ML;
using TorchSharp;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn synthesize</c>: a model and label images in, photos out.</summary>
internal static class SynthesizeCommand
{
    private const string Continue = "continue";
    private const string Stop = "stop";

    public static Command Create()
    {
        var model = new Option<string>("--model", "-m") { Description = "The model that 'crn train' made.", HelpName = "model.zip", Required = true };
        var labels = new Option<string>("--labels")
        {
            Description = "Folder of label images (.png, .bmp, .gif), one file, a quoted pattern such as 'data/**/*.png', or a list with one path a line (.txt, .lst).",
            HelpName = "DIR|FILE|PATTERN|LIST",
            Required = true,
        };
        var output = new Option<string>("--output", "-o") { Description = "Folder for the photos; it is made if need be.", HelpName = "DIR", Required = true };
        var image = new Option<int?>("--image") { Description = "Which of a layout's photos to write, from 0, of a model that paints several. Default: all.", HelpName = "N" };
        var sampleSeed = new Option<int>("--sample-seed") { Description = "Of a model with noise channels: another number, another photo of the same layout. [default: 0]", HelpName = "N" };
        var shard = ShardOption.Create();
        var onFailure = new Option<string>("--on-failure") { Description = "What a label image that cannot be painted does to the others.", HelpName = "continue|stop", DefaultValueFactory = _ => Continue }
            .AcceptOnlyFromAmong(Continue, Stop);
        var fresh = new Option<bool>("--fresh") { Description = "Paint all, also what is done." };
        var precision = EnumOption.Create("--precision", "In which numbers convolutions compute; auto is bfloat16 on GPUs and on processors with AMX, and float32 elsewhere.", SynthesisPrecision.Auto);
        var device = DeviceOption.Create();
        var command = new Command("synthesize",
            $"""
            Paints a photo for each label image, as NAME.png. A model that paints several photos of a layout gives NAME.png, NAME.1.png,
            NAME.2.png and so on, or with --image 2 the last of these alone, as NAME.png. A pattern keeps the folders below its first wildcard.

            Examples:
              crn synthesize --model model.zip --labels data/labels --output photos
              crn synthesize --model model.zip --labels 'data/*/labels/*.png' --output photos
              crn synthesize --model model.zip --labels maps.txt --output photos --shard 3/20
              crn synthesize merge --output photos

            The same command again paints what is missing: what has a whole photo of this model file and this label image is passed over. Ctrl-C,
            kill -9 and full disks leave whole photos only. A label image that cannot be painted is listed in failures.csv, with the reason, and the
            exit code is {ExitCode.Partial}; --on-failure stop ends the work there. manifest.csv lists photos, label images, hashes and times.

            Tasks of a Slurm array, of an indexed Job of Kubernetes and of Azure Batch each paint their share by themselves; see --shard.
            """)
        {
            model, labels, output, image, sampleSeed, shard, onFailure, fresh, precision, device,
        };
        command.Subcommands.Add(SynthesizeMergeCommand.Create());
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(model), parsed.GetRequiredValue(labels), parsed.GetRequiredValue(output), parsed.GetValue(image), parsed.GetValue(sampleSeed), parsed.GetValue(shard),
            parsed.GetRequiredValue(onFailure) == Stop, parsed.GetValue(fresh), EnumOption.ValueIn<SynthesisPrecision>(parsed, precision), parsed.GetValue(device)));
        return command;
    }

    private static int Run(string modelPath, string labels, string output, int? image, int sampleSeed, Shard? given, bool stopOnFailure, bool fresh, SynthesisPrecision precision, string? device)
    {
        var source = LabelMapSource.Of(labels, output);
        var (shard, variable) = ShardOf(given, source);
        long maps = source.Maps(shard).LongCount();
        if (maps == 0 && !source.Maps(Shard.Whole).Any())
            throw new InvalidDataException(source.NothingFound);
        if (File.Exists(output))
            throw new IOException($"--output '{output}' is a file. Name a folder.");

        var mlContext = new MLContext();
        if (ComputeDevice.Resolve(device, gpuDeviceId: null, fallbackToCpu: false, log: null) is { type: DeviceType.CUDA, index: var index })
            mlContext.GpuDeviceId = index;
        using var model = ModelFile.Load(mlContext, modelPath, out string sha256);
        if (sampleSeed != 0 && model.Architecture.NoiseChannels == 0)
            throw new ArgumentException($"--sample-seed is {sampleSeed}, but the model has no noise channels and paints one photo of a layout alone: leave it out.");
        (model.SampleSeed, model.Precision) = (sampleSeed, precision);
        int images = model.OutputColumnNames.Count;
        if (image < 0 || image >= images)
            throw new ArgumentException($"--image is {image}, but the model paints {(images == 1 ? "one photo" : $"{images} photos")} of a layout: {(images == 1 ? "leave it out" : $"0 to {images - 1}")}.");
        Directory.CreateDirectory(output);
        Leftovers.DeleteFrom(output);
        using var manifest = BatchManifest.Open(output, shard);
        var job = new BatchJob(source, shard, output, sha256, image, fresh, stopOnFailure);
        return ProgressView.Show(view =>
        {
            if (variable is not null)
                view.Say($"Shard {shard} by {variable}: {Counted(maps, "label image")}");
            return Paint(view, model, job, manifest, maps);
        });
    }

    /// <summary>What the user gave, or what the batch system tells; that is not about a single file, which each task then names by itself.</summary>
    private static (Shard Shard, string? Variable) ShardOf(Shard? given, LabelMapSource source)
    {
        if (given is { } shard)
            return (shard, null);
        return source is not SingleLabelMap && ShardVariables.Find(Environment.GetEnvironmentVariable) is var (found, variable) ? (found, variable) : (Shard.Whole, null);
    }

    private static int Paint(ProgressView view, SynthesizeFromLabelsTransformer model, BatchJob job, BatchManifest manifest, long maps)
    {
        using var stop = new StopSignal(() => view.Say("Stopping after this photo."));
        var clock = Stopwatch.StartNew();
        var batch = new BatchSynthesis(model, job, manifest)
        {
            // Maps may have come since they were counted.
            Progress = outcome => view.Report(new Progress("Synthesizing", outcome.Seen, Math.Max(maps, outcome.Seen), Pace(outcome, maps, clock.Elapsed))),
        };
        var outcome = batch.Run(stop.Token);
        int photosEach = job.Image is null ? model.OutputColumnNames.Count : 1;
        string photos = $"{Counted(outcome.Painted * photosEach, "photo")} of {model.Architecture.Height}x{model.Architecture.Width} in {job.Output}"
            + (outcome.Done > 0 ? $"; {outcome.Done * photosEach} more were there already" : "");
        if (stop.Token.IsCancellationRequested && outcome.Seen < maps)
        {
            view.Conclude($"Stopped after {Counted(outcome.Seen, "label image")} of {maps}: {photos}");
            return stop.ExitCode;
        }

        if (job.StopOnFailure && outcome.FirstFailure is { } reason)
            throw new InvalidDataException(reason);
        view.Conclude(photos);
        if (outcome.Failed == 0)
            return ExitCode.Success;
        Console.Error.WriteLine($"crn: {Counted(outcome.Failed, "label image")} of {maps} cannot be painted ({manifest.FailuresPath} has all). The first: {outcome.FirstFailure}");
        return ExitCode.Partial;
    }

    private static string Counted(long count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";

    private static string Pace(BatchOutcome outcome, long maps, TimeSpan elapsed) => FormattableString.Invariant(
        $"{outcome.Painted / Math.Max(elapsed.TotalSeconds, 1e-3):0.0} images/s  {ProgressView.Clock(elapsed, outcome.Painted, Math.Max(maps - outcome.Done - outcome.Failed, outcome.Painted))}");
}
