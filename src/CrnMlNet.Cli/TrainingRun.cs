using CrnMlNet.Data;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace CrnMlNet.Cli;

/// <summary>One training from folders to a model file: checks everything, reads the pairs, trains, saves.</summary>
internal sealed class TrainingRun(
    SynthesizeFromLabelsEstimator.Options options, PairFolders folders, string modelPath, string samplesPath, int sampleCount, bool fresh)
{
    private readonly MLContext _mlContext = new();
    private bool _samplesFailed;
    private double? _validationLoss;

    /// <returns>The exit code.</returns>
    public int Execute()
    {
        if (sampleCount < 0)
            throw new ArgumentException($"--sample-count is {sampleCount}; it must be 0 or more.");
        var (pairs, validation) = folders.Find();
        if (options.EarlyStoppingPatience is not null && validation.Count == 0)
            throw new ArgumentException("--patience needs pairs to measure on: give --validation-labels and --validation-photos, or --validation-share.");
        if (validation.Count > 0)
            options.ValidationSet = TrainingData.Load(_mlContext, validation, _ => { });
        _mlContext.Transforms.SynthesizeFromLabels(options); // checks the options
        AtomicFile.CheckWritable(modelPath, "--output");
        if (sampleCount > 0)
            CheckSamplesPath();
        CheckCheckpointFolder();
        DiskSpace.CheckRoomFor(Architectures(), modelPath, options.CheckpointFolder!, keepsBest: validation.Count > 0, keepsAverage: options.AverageDecay > 0);
        if (fresh)
            CheckpointFolder.Clear(options.CheckpointFolder!);
        return ProgressView.Show(view => Train(view, pairs));
    }

    private int Train(ProgressView view, IReadOnlyList<LabelPhotoPair> pairs)
    {
        using var stop = new StopSignal(() => view.Say("Stopping after this step. Press Ctrl-C again to end at once, without a model; what is in the last checkpoint can be continued."));
        using var sheet = new SampleSheet(samplesPath, pairs, sampleCount);
        options.CancellationToken = stop.Token;
        options.Progress = progress => Report(view, sheet, progress);
        options.SegmenterProgress = progress => view.Report(new Progress("Segmenter", progress.Step, progress.Steps, Pace(progress), progress.IsEpochEnd));
        _mlContext.Log += (_, message) => Say(view, stop, message);
        try
        {
            var data = TrainingData.Load(_mlContext, pairs, read => view.Report(new Progress("Reading", read, pairs.Count, "")));
            using var model = _mlContext.Transforms.SynthesizeFromLabels(options).Fit(data);
            ModelFile.Save(_mlContext, model, modelPath);
            if (!model.Training.Stopped)
                CheckpointFolder.Clear(options.CheckpointFolder!);
            AtomicFile.DeleteLeftovers(modelPath);
            if (sampleCount > 0)
                AtomicFile.DeleteLeftovers(samplesPath);
            Finish(view, sheet, model);
            return model.Training.Stopped ? stop.ExitCode : ExitCode.Success;
        }
        catch (OperationCanceledException)
        {
            view.Conclude("Stopped before anything was learned; no model was written.");
            return stop.ExitCode;
        }
    }

    private void Finish(ProgressView view, SampleSheet sheet, SynthesizeFromLabelsTransformer model)
    {
        var training = model.Training;
        // The last sheet is not of the model: of the step before it stopped, or of weights that are not averaged.
        if (training.Stopped || training.AverageDecay > 0)
            WriteSamples(view, () => sheet.Write(model.Synthesize));
        TrainingRecord[] stages = [.. training.EarlierStages.Select(stage => stage.Training), training];
        int epochs = options.Stages?[stages.Length - 1].Epochs ?? options.Epochs;
        long steps = (long)((training.Pairs + options.BatchSize - 1) / options.BatchSize) * epochs;
        string inStage = options.Stages is { } all ? $" in stage {stages.Length} of {all.Count}" : "";
        view.Conclude(training.Stopped
            ? FormattableString.Invariant($"Stopped after {training.Steps:N0} of {steps:N0} steps{inStage}; saved what was learned to {modelPath}")
            : FormattableString.Invariant($"Trained {stages.Sum(stage => stage.Steps):N0} steps in {ProgressView.Clock(TimeSpan.FromSeconds(stages.Sum(stage => stage.Seconds)))}; saved the model to {modelPath}"));
        if (training.Stopped)
            view.Conclude("The same command again continues the training.");
        if (sampleCount > 0 && !_samplesFailed)
            view.Conclude($"Samples (label | photo | synthesized): {samplesPath}");
    }

    private void Report(ProgressView view, SampleSheet sheet, SynthesisProgress progress)
    {
        var training = progress.Training;
        _validationLoss = training.ValidationLoss ?? _validationLoss;
        string validation = _validationLoss is { } loss ? FormattableString.Invariant($" (validation {loss:0.0})") : "";
        view.Report(new Progress(
            training.Stages == 1 ? "Training" : $"Stage {training.Stage}/{training.Stages}",
            training.Step, training.Steps, Pace(training, validation), training.IsEpochEnd));
        if (training is { IsEpochEnd: true } or { Step: 1 })
            WriteSamples(view, () => sheet.Write(progress));
    }

    private static string Pace(TrainingProgress training, string validation = "") => FormattableString.Invariant(
        $"epoch {training.Epoch}/{training.Epochs}  loss {training.Loss:0.0}{validation}  {training.ImagesPerSecond:0.0} images/s  {ProgressView.Clock(training.Elapsed)}, {ProgressView.Clock(training.Remaining)} left");

    /// <summary>A sheet that cannot be written, on a full disk say, must not cost the training.</summary>
    private void WriteSamples(ProgressView view, Action write)
    {
        if (sampleCount == 0 || _samplesFailed)
            return;
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _samplesFailed = true;
            view.Say($"No more sample sheets: {e.Message}");
        }
    }

    private static void Say(ProgressView view, StopSignal stop, LoggingEventArgs message)
    {
        // The warning that training was stopped says what the last line says again.
        bool isNews = message.Kind == ChannelMessageKind.Info || (message.Kind > ChannelMessageKind.Info && !stop.Token.IsCancellationRequested);
        if (isNews && message.Source.StartsWith(nameof(SynthesizeFromLabelsEstimator), StringComparison.Ordinal))
            view.Say(message.RawMessage);
    }

    private void CheckSamplesPath()
    {
        if (Path.GetExtension(samplesPath).ToLowerInvariant() is not (".png" or ".jpg" or ".jpeg"))
            throw new ArgumentException($"--samples '{samplesPath}': name a .png or .jpg file.");
        AtomicFile.CheckWritable(samplesPath, "--samples");
    }

    private void CheckCheckpointFolder()
    {
        string folder = options.CheckpointFolder!;
        if (File.Exists(folder))
            throw new ArgumentException($"--checkpoints '{folder}' is a file. Name a folder.");
        if (!Directory.Exists(folder))
            AtomicFile.CheckWritable(folder, "--checkpoints");
    }

    private IReadOnlyList<SynthesisArchitecture> Architectures()
        => options.Stages is { } stages ? [.. stages.Select(stage => Architecture(stage.Height, stage.Width))] : [Architecture(options.Height, options.Width)];

    private SynthesisArchitecture Architecture(int height, int width) => options.Architecture() with { Height = height, Width = width };
}
