using CrnMlNet.Data;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace CrnMlNet.Cli;

/// <summary>One training from folders to a model file: checks everything, reads the pairs, trains, saves.</summary>
internal sealed class TrainingRun(
    SynthesizeFromLabelsEstimator.Options options, string labelsFolder, string photosFolder, string modelPath, string samplesPath, int sampleCount)
{
    private readonly MLContext _mlContext = new();
    private TrainingProgress? _last;
    private bool _samplesFailed;

    /// <returns>The exit code.</returns>
    public int Execute()
    {
        _mlContext.Transforms.SynthesizeFromLabels(options); // checks the options
        if (sampleCount < 0)
            throw new ArgumentException($"--sample-count is {sampleCount}; it must be 0 or more.");
        var pairs = LabelPhotoPairs.FromFolders(labelsFolder, photosFolder);
        AtomicFile.CheckWritable(modelPath, "--output");
        if (sampleCount > 0)
            CheckSamplesPath();
        DiskSpace.CheckRoomFor(Architecture(), modelPath);
        return ProgressView.Show(view => Train(view, pairs));
    }

    private int Train(ProgressView view, IReadOnlyList<LabelPhotoPair> pairs)
    {
        using var stop = new StopSignal(() => view.Say("Stopping after this step. Press Ctrl-C again to end at once, without a model."));
        using var sheet = new SampleSheet(samplesPath, pairs, sampleCount);
        options.CancellationToken = stop.Token;
        options.Progress = progress => Report(view, sheet, progress);
        _mlContext.Log += (_, message) => Say(view, stop, message);
        try
        {
            var data = TrainingData.Load(_mlContext, pairs, read => view.Report(new Progress("Reading", read, pairs.Count, "")));
            using var model = _mlContext.Transforms.SynthesizeFromLabels(options).Fit(data);
            ModelFile.Save(_mlContext, model, modelPath);
            return Finish(view, sheet, model) ? ExitCode.Success : stop.ExitCode;
        }
        catch (OperationCanceledException)
        {
            view.Conclude("Stopped before anything was learned; no model was written.");
            return stop.ExitCode;
        }
    }

    /// <returns>Whether training came to its end.</returns>
    private bool Finish(ProgressView view, SampleSheet sheet, SynthesizeFromLabelsTransformer model)
    {
        bool complete = model.Training.Steps == _last!.Steps;
        if (!complete)
            WriteSamples(view, () => sheet.Write(model.Synthesize));
        view.Conclude(complete
            ? FormattableString.Invariant($"Trained {model.Training.Steps:N0} steps in {ProgressView.Clock(_last.Elapsed)}; saved the model to {modelPath}")
            : FormattableString.Invariant($"Stopped after {model.Training.Steps:N0} of {_last.Steps:N0} steps; saved what was learned to {modelPath}"));
        if (sampleCount > 0 && !_samplesFailed)
            view.Conclude($"Samples (label | photo | synthesized): {samplesPath}");
        return complete;
    }

    private void Report(ProgressView view, SampleSheet sheet, SynthesisProgress progress)
    {
        var training = _last = progress.Training;
        view.Report(new Progress(
            "Training",
            training.Step, training.Steps,
            FormattableString.Invariant(
                $"epoch {training.Epoch}/{training.Epochs}  loss {training.Loss:0.0}  {training.ImagesPerSecond:0.0} images/s  {ProgressView.Clock(training.Elapsed)}, {ProgressView.Clock(training.Remaining)} left"),
            training.IsEpochEnd));
        if (training is { IsEpochEnd: true } or { Step: 1 })
            WriteSamples(view, () => sheet.Write(progress));
    }

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

    private CrnArchitecture Architecture() => new()
    {
        Channels = options.Palette.ChannelCount,
        Height = options.Height,
        Width = options.Width,
        WidthFactor = options.WidthFactor,
    };
}
