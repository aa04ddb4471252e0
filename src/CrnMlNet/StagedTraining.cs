using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using Options = CrnMlNet.SynthesizeFromLabelsEstimator.Options;

namespace CrnMlNet;

/// <summary>
/// A training in stages: each is a training by itself, at its own size, that begins with what the one before has learned. So
/// all that holds of a training holds of each stage: its data is read at its size, it has checkpoints of its own, and one that
/// is done is only loaded when the training is continued.
/// </summary>
/// <param name="environment">What the stages' estimators are made with.</param>
/// <param name="options">The options, which have stages.</param>
internal sealed class StagedTraining(IHostEnvironment environment, Options options)
{
    private readonly IReadOnlyList<TrainingStage> _stages = [.. options.Stages!];
    private readonly List<StageRecord> _done = [];

    /// <summary>Trains all stages, or as far as time budget and cancellation allow.</summary>
    /// <returns>The model of the last stage that was begun.</returns>
    public SynthesizeFromLabelsTransformer Fit(IDataView input, Action<string> log)
    {
        Options[] stages = [.. _stages.Select((_, i) => OptionsOf(i))];
        foreach (var stage in stages)
            new SynthesizeFromLabelsEstimator(environment, stage).CheckMemory();
        SynthesizeFromLabelsTransformer? model = null;
        using (TakeFolder())
        {
            for (int i = 0; i < stages.Length && Rest() is not { Ticks: <= 0 }; i++)
            {
                log($"Stage {i + 1} of {stages.Length}: {_stages[i]}, {_stages[i].Epochs} epochs.");
                var next = FitStage(i, stages[i], model, input);
                if (next is null)
                    break;
                model?.Dispose();
                model = next;
                if (model.Training.Stopped || model.Training.End == TrainingEnd.OutOfTime)
                    break;
                _done.Add(new StageRecord(_stages[i].Height, _stages[i].Width, model.Training with { EarlierStages = [] }));
            }
        }
        if (model!.Architecture.Height != options.Height || model.Architecture.Width != options.Width)
            log($"The model is of {model.Architecture.Height}x{model.Architecture.Width}, the stage in which training ended, not of {options.Height}x{options.Width}.");
        if (options.CheckpointFolder is { } folder && !options.KeepCheckpoint && !model.Training.Stopped)
            CheckpointFolder.Clear(folder);
        return model;
    }

    /// <returns>Null when the training was cancelled before the stage's first step: the stage before is the best so far.</returns>
    private SynthesizeFromLabelsTransformer? FitStage(int stage, Options stageOptions, SynthesizeFromLabelsTransformer? before, IDataView input)
    {
        stageOptions.TimeBudget = Rest();
        stageOptions.EarlierStages = [.. _done];
        if (before is not null)
            stageOptions.WarmStartModel = before;
        try
        {
            return new SynthesizeFromLabelsEstimator(environment, stageOptions).Fit(input);
        }
        catch (OperationCanceledException) when (
            before is not null && options.OnCancellation == CancellationPolicy.BestSoFar && options.CancellationToken.IsCancellationRequested)
        {
            before.MarkStopped();
            return null;
        }
        catch
        {
            before?.Dispose();
            throw;
        }
    }

    private Options OptionsOf(int stage)
    {
        var its = options.Copy();
        its.Stages = null;
        (its.Height, its.Width, its.Epochs) = (_stages[stage].Height, _stages[stage].Width, _stages[stage].Epochs);
        its.LearningRate = _stages[stage].LearningRate ?? options.LearningRate;
        its.TrainOnlyNewestModules = _stages[stage].TrainOnlyNewestModules;
        its.Progress = options.Progress is { } told ? progress => told(progress.With(OfAll(stage, progress.Training))) : null;
        if (options.CheckpointFolder is { } folder)
            (its.CheckpointFolder, its.WholeCheckpointFolder, its.KeepCheckpoint) = (CheckpointFolder.OfStage(folder, stage + 1), folder, true);
        if (stage > 0)
        {
            its.WarmStartModelPath = null;
            its.WarmStartName = $"stage {stage} ({_stages[stage - 1]})";
        }
        return its;
    }

    private TrainingProgress OfAll(int stage, TrainingProgress progress)
    {
        var before = TimeSpan.FromSeconds(_done.Sum(done => done.Training.Seconds));
        double stepsPerEpoch = (double)progress.Steps / progress.Epochs;
        return progress with
        {
            Stage = stage + 1,
            Stages = _stages.Count,
            SpentBefore = before,
            Elapsed = before + progress.Elapsed,
            StepsAhead = Enumerable.Range(stage + 1, _stages.Count - stage - 1).Sum(later => stepsPerEpoch * _stages[later].Epochs * Work(later) / Work(stage)),
        };
    }

    private double Work(int stage) => ((CrnArchitecture)OptionsOf(stage).Architecture()).TrainingWork(_stages[stage].TrainOnlyNewestModules);

    private TimeSpan? Rest() => options.TimeBudget - TimeSpan.FromSeconds(_done.Sum(done => done.Training.Seconds));

    private CheckpointFolder? TakeFolder() => options.CheckpointFolder is { } folder ? CheckpointFolder.TakeForStages(folder) : null;

    /// <summary>Checks that each stage goes on where the one before ended: its cascade begins with all modules of that one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no stage, one is out of its range, or does not go on.</exception>
    public static void Validate(Options options)
    {
        var stages = options.Stages!;
        if (stages.Count == 0 || stages.Contains(null!))
            throw new ArgumentOutOfRangeException(nameof(Options.Stages), "Stages must have at least one stage, and none that is null; Stages = null trains at one size.");
        IReadOnlyList<ModuleShape> before = [];
        for (int i = 0; i < stages.Count; i++)
        {
            var stage = new StagedTraining(null!, options).OptionsOf(i);
            if (stage.Architecture() is not CrnArchitecture architecture)
                throw new ArgumentOutOfRangeException(
                    nameof(Options.Stages), stages[i], $"Stages are for cascaded refinement, which grows by modules; the recipe {options.Recipe} has a {stage.Architecture().Name}. Train it at one size.");
            IReadOnlyList<ModuleShape> modules;
            try
            {
                stage.Training(0).Validate();
                modules = architecture.Modules();
            }
            catch (ArgumentOutOfRangeException e)
            {
                throw new ArgumentOutOfRangeException(nameof(Options.Stages), stages[i], $"Stage {i + 1} ({stages[i]}): {e.Message.Split('\n', 2)[0]}");
            }
            if (!before.SequenceEqual(modules.Take(before.Count)))
                throw new ArgumentOutOfRangeException(
                    nameof(Options.Stages), stages[i],
                    $"Stage {i + 1} ({stages[i]}) does not go on where stage {i} ({stages[i - 1]}) ended: its modules work at {Show(modules)}, and those of stage {i} at {Show(before)}. "
                    + $"Sizes that go on are the same again and its doublings, such as {2 * stages[i - 1].Height}x{2 * stages[i - 1].Width}.");
            before = modules;
        }
    }

    private static string Show(IReadOnlyList<ModuleShape> modules) => string.Join(", ", modules.Select(module => $"{module.Rows}x{module.Columns}"));
}
