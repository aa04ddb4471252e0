using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CrnMlNet.Data;
using CrnMlNet.Evaluation;
using CrnMlNet.Torch.Backend;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Cli.Comparisons;

/// <summary>
/// Trains systems on the same data with the same budget and measures all of them alike. What is done stands in the folder, so that the
/// same comparison goes on where it was after any end; a system that fails is reported and does not hold up the others.
/// </summary>
internal sealed partial class Comparison(string folder, ComparisonPlan plan, string? device, ProgressView view, CancellationToken stop)
{
    /// <summary>More than any time allows.</summary>
    public const int EpochsWithoutEnd = 100_000;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private int _systemsBegun;

    /// <summary>The systems, in the plan's order.</summary>
    public IReadOnlyList<ComparedSystem> Systems { get; } = [.. plan.Recipes.Select(recipe => new ComparedSystem(folder, recipe))];

    /// <summary>The layouts that are shown: pairs spread over the validation set.</summary>
    public IReadOnlyList<LabelPhotoPair> Layouts { get; } = Spread(LabelPhotoPairs.FromFolders(plan.ValidationLabels, plan.ValidationPhotos), plan.Layouts);

    public string PagePath => Path.Combine(folder, "index.html");

    private string JudgePath => Path.Combine(folder, "judge.safetensors");

    private string TeacherPath => Path.Combine(folder, "teacher.safetensors");

    private string LogPath => Path.Combine(folder, "log.txt");

    public string LabelsImage(LabelPhotoPair layout) => Path.Combine(folder, "layouts", layout.Name + ".labels.png");

    public string PhotoImage(LabelPhotoPair layout) => Path.Combine(folder, "layouts", layout.Name + ".photo.png");

    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    /// <exception cref="InvalidOperationException">The segmenter that is to judge cannot be trained.</exception>
    public void Run()
    {
        ShowLayouts();
        // The judge is another network than the teacher, from another seed: a system that learned to please a segmenter must not be judged by that one.
        TrainSegmenter(JudgePath, plan.Seed + 1, "Judge");
        if (Systems.Any(system => system.Recipe.Objective.Segmentation > 0))
            TrainSegmenter(TeacherPath, plan.Seed, "Teacher");
        foreach (var system in Systems)
        {
            _systemsBegun++;
            Directory.CreateDirectory(system.PhotosFolder);
            if (system.Failure is null)
                Try(system);
            ComparisonPage.Write(this, plan);
        }
    }

    private void Try(ComparedSystem system)
    {
        if (!Step(system.TrainedPath, system, "training", TrainArguments(system), outcome => Text(outcome.PeakBytes)))
            return;
        if (!Step(system.EvaluationPath, system, "evaluation", EvaluateArguments(system), outcome => outcome.Output[^1]))
            return;
        if (!File.Exists(system.CostPath))
            Paint(system);
    }

    /// <summary>Runs a command unless its result is there already, and keeps the result, or the failure.</summary>
    private bool Step(string resultPath, ComparedSystem system, string what, IReadOnlyList<string> arguments, Func<ChildOutcome, string> result)
    {
        if (File.Exists(resultPath))
            return true;
        var outcome = Run(arguments, system.LogPath, $"{_systemsBegun}/{Systems.Count} {system.Recipe.Name}, {what}");
        if (outcome.ExitCode == ExitCode.Success)
        {
            AtomicFile.Write(resultPath, stream => stream.Write(Encoding.UTF8.GetBytes(result(outcome))));
            return true;
        }
        string reason = outcome.Error.Length > 0 ? outcome.Error : $"{what} ended with exit code {outcome.ExitCode} and without a word";
        AtomicFile.Write(system.FailurePath, stream => JsonSerializer.Serialize(stream, new SystemFailure(outcome.ExitCode, reason), ScriptJson.Options));
        view.Say($"{system.Recipe.Name}: {what} failed, the others go on: {reason}");
        return false;
    }

    private void TrainSegmenter(string path, int seed, string what)
    {
        if (File.Exists(path))
            return;
        var outcome = Run(
            [
                "train-segmenter", "--labels", plan.Labels, "--photos", plan.Photos, .. OfPlan(),
                "--epochs", Text(plan.SegmenterEpochs), "--seed", Text(seed), "--output", path, .. OnDevice(),
            ],
            LogPath, what);
        if (outcome.ExitCode != ExitCode.Success)
            throw new InvalidOperationException($"The segmenter cannot be trained: {outcome.Error} ({LogPath} tells more)");
    }

    /// <summary>Runs a command and shows its progress as part of the whole's.</summary>
    /// <exception cref="OperationCanceledException">It was stopped, or this is to stop.</exception>
    private ChildOutcome Run(IReadOnlyList<string> arguments, string logPath, string what)
    {
        var outcome = CrnChild.Run(arguments, logPath, line => Report(what, line), stop);
        return outcome.ExitCode is ExitCode.Interrupted or ExitCode.Terminated ? throw new OperationCanceledException() : outcome;
    }

    private string[] TrainArguments(ComparedSystem system) =>
    [
        "train", "--labels", plan.Labels, "--photos", plan.Photos, .. OfPlan(), "--recipe", system.Recipe.Name, "--width-factor", Text(plan.WidthFactor), "--epochs", Text(plan.Epochs), "--seed", Text(plan.Seed),
        .. plan.Seconds is { } seconds ? ["--time-budget", $"{Text(seconds)}s"] : Array.Empty<string>(),
        .. system.Recipe.Objective.Segmentation > 0 ? ["--segmenter", TeacherPath] : Array.Empty<string>(),
        "--samples", Path.Combine(system.Folder, "samples.png"), "--output", system.ModelPath, .. OnDevice(),
    ];

    private string[] EvaluateArguments(ComparedSystem system) =>
    [
        "evaluate", "--model", system.ModelPath, "--labels", plan.ValidationLabels, "--photos", plan.ValidationPhotos, "--segmenter", JudgePath,
        "--training-photos", plan.Photos, "--json", .. OnDevice(),
    ];

    /// <summary>What the training of a system and that of a segmenter have in common.</summary>
    private string[] OfPlan() =>
    [
        "--palette", plan.Palette, "--unknown-labels", plan.UnknownLabels.ToString().ToLowerInvariant(), "--height", Text(plan.Height), "--width", Text(plan.Width),
    ];

    private string[] OnDevice() => device is null ? [] : ["--device", device];

    private void Paint(ComparedSystem system)
    {
        using var model = ModelFile.Load(new MLContext(), system.ModelPath);
        var seconds = new List<double>();
        foreach (var layout in Layouts)
        {
            stop.ThrowIfCancellationRequested();
            var labels = LabelMap.Load(layout.LabelPath);
            long begun = Stopwatch.GetTimestamp();
            var photos = model.SynthesizeAll(labels);
            seconds.Add(Stopwatch.GetElapsedTime(begun).TotalSeconds);
            PhotoNames.Save(photos, system.PhotosFolder, layout.Name);
        }
        seconds.Sort();
        var (training, network) = (model.Training, model.Architecture);
        var cost = new SystemCost(
            network.ParameterCount(), training.Steps, training.Seconds, long.Parse(File.ReadAllText(system.TrainedPath), CultureInfo.InvariantCulture),
            new FileInfo(system.ModelPath).Length, seconds[seconds.Count / 2], training.LossByEpoch, training.Objective);
        AtomicFile.Write(system.CostPath, stream => JsonSerializer.Serialize(stream, cost, ScriptJson.Options));
    }

    /// <summary>The layouts and their real photos as the systems see them.</summary>
    private void ShowLayouts()
    {
        Directory.CreateDirectory(Path.Combine(folder, "layouts"));
        var missing = Layouts.Where(layout => !File.Exists(PhotoImage(layout))).ToArray();
        if (missing.Length == 0)
            return;
        var palette = LabelPalette.Parse(plan.Palette);
        var mlContext = new MLContext();
        var pairs = RealPairs.Read(mlContext, TrainingData.Load(mlContext, missing, _ => { }), new PairColumns
        {
            Palette = palette,
            Height = plan.Height,
            Width = plan.Width,
            UnknownLabels = plan.UnknownLabels,
        });
        for (int i = 0; i < missing.Length; i++)
        {
            var layout = pairs.Layouts![i];
            Save(LabelsImage(missing[i]), pixel => palette.ColorOf(layout[pixel]));
            var photo = pairs.Photos[i];
            int plane = plan.Height * plan.Width;
            Save(PhotoImage(missing[i]), pixel => new RgbColor(photo.Planes[pixel], photo.Planes[plane + pixel], photo.Planes[(2 * plane) + pixel]));
        }

        void Save(string path, Func<int, RgbColor> colour)
        {
            var pixels = new byte[4 * plan.Height * plan.Width];
            for (int i = 0; i < pixels.Length; i += 4)
            {
                var (red, green, blue) = colour(i / 4);
                (pixels[i], pixels[i + 1], pixels[i + 2], pixels[i + 3]) = (blue, green, red, byte.MaxValue);
            }
            using var image = MLImage.CreateFromPixels(plan.Width, plan.Height, MLPixelFormat.Bgra32, pixels);
            ImageFile.Save(image, path);
        }
    }

    /// <summary>A child's progress as part of the whole's.</summary>
    private void Report(string what, string line)
    {
        if (ProgressLine().Match(line) is { Success: true, Groups: var groups })
            view.Report(new Progress(what, Number("done"), Number("total"), groups["detail"].Value));

        long Number(string name) => long.Parse(groups[name].ValueSpan, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
    }

    private static IReadOnlyList<LabelPhotoPair> Spread(IReadOnlyList<LabelPhotoPair> pairs, int count)
    {
        count = Math.Min(count, pairs.Count);
        return [.. Enumerable.Range(0, count).Select(i => pairs[(int)((long)i * pairs.Count / count)])];
    }

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    /// <summary>What <see cref="ProgressView"/> writes where there is no terminal.</summary>
    [GeneratedRegex("^[^:]+: (?<done>[0-9,]+)/(?<total>[0-9,]+)  (?<detail>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex ProgressLine();
}
