using System.Diagnostics;

namespace CrnMlNet.Torch.Training;

/// <summary>Why a training ended.</summary>
public enum TrainingEnd
{
    /// <summary>All epochs are done.</summary>
    Completed,

    /// <summary>It was cancelled.</summary>
    Cancelled,

    /// <summary>The validation loss has not fallen for as many epochs as the patience allows.</summary>
    OutOfPatience,

    /// <summary>The time budget is spent.</summary>
    OutOfTime,
}

/// <summary>
/// Goes over a number of pairs epoch by epoch, in a new order each time, in batches, some of them mirrored; measures the
/// pace and tells of the progress. Order and mirroring follow from the seed and the epoch alone, so that a training can be
/// continued after any step.
/// </summary>
/// <param name="pairs">How many there are.</param>
/// <param name="options">How to go over them.</param>
/// <param name="from">Where to begin; null for the beginning.</param>
internal sealed class EpochLoop(int pairs, TrainingOptions options, TrainingState? from = null)
{
    /// <summary>One step: gets indices and whether each is mirrored, gives the loss.</summary>
    public delegate double Step(ReadOnlySpan<int> indices, ReadOnlySpan<bool> mirrored);

    private readonly int _batches = (pairs + options.BatchSize - 1) / options.BatchSize;
    private readonly int[] _order = new int[pairs];
    private readonly bool[] _mirrored = new bool[pairs];
    private readonly List<double> _lossByEpoch = [.. from?.LossByEpoch ?? []];
    private readonly List<double> _validationLossByEpoch = [.. from?.ValidationLossByEpoch ?? []];
    private readonly TimeSpan _spentBefore = TimeSpan.FromSeconds(from?.Seconds ?? 0);
    private readonly Stopwatch _clock = new();
    private double _lossSum = from?.LossSum ?? 0;
    private int _ordered;

    /// <summary>Is called before the first step of every epoch, with the epoch, from 1.</summary>
    public Action<int>? Begin { get; init; }

    /// <summary>Gives the loss on the validation set, and is asked after every epoch; null: there is no such set.</summary>
    public Func<double>? Validate { get; init; }

    /// <summary>Is called after every step, before the step is reported, with whether it was its epoch's last.</summary>
    public Action<bool>? Keep { get; init; }

    /// <summary>The mean loss of every epoch begun.</summary>
    public IReadOnlyList<double> LossByEpoch => _lossByEpoch;

    /// <summary>The validation loss of every epoch done.</summary>
    public IReadOnlyList<double> ValidationLossByEpoch => _validationLossByEpoch;

    /// <summary>Steps in all.</summary>
    public long Steps => (long)_batches * options.Epochs;

    /// <summary>Steps done.</summary>
    public long StepsDone { get; private set; } = from?.Steps ?? 0;

    /// <summary>The time spent, that before a continuation included.</summary>
    public TimeSpan Elapsed => _spentBefore + _clock.Elapsed;

    /// <summary>How much of the training is done, 0 to 1: of its steps, or of its time budget where that is more.</summary>
    public double ShareDone => Math.Min(1, Math.Max((double)StepsDone / Steps, options.TimeBudget is { } budget ? Elapsed / budget : 0));

    /// <summary>Where the training stands.</summary>
    public TrainingState State => new()
    {
        Steps = StepsDone,
        LossSum = _lossSum,
        LossByEpoch = [.. _lossByEpoch],
        ValidationLossByEpoch = [.. _validationLossByEpoch],
        Seconds = Elapsed.TotalSeconds,
    };

    /// <summary>Runs until something ends it; cancellation is not an error.</summary>
    /// <exception cref="TrainingDivergedException">The loss is no longer a number.</exception>
    public TrainingEnd Run(Step step, Action<TrainingProgress> report, CancellationToken cancellation)
    {
        _clock.Start();
        try
        {
            return RunSteps(step, report, cancellation);
        }
        finally
        {
            _clock.Stop();
        }
    }

    private TrainingEnd RunSteps(Step step, Action<TrainingProgress> report, CancellationToken cancellation)
    {
        long images = 0;
        while (StepsDone < Steps)
        {
            int epoch = (int)(StepsDone / _batches) + 1, batch = (int)(StepsDone % _batches);
            if (EndBefore(batch, cancellation) is { } end)
                return end;
            Order(epoch);
            if (batch == 0)
                Begin?.Invoke(epoch);
            int first = batch * options.BatchSize, count = Math.Min(options.BatchSize, pairs - first);
            AddLoss(batch, step(_order.AsSpan(first, count), _mirrored.AsSpan(first, count)));
            images += count;

            bool isEpochEnd = batch == _batches - 1;
            if (isEpochEnd && Validate is not null)
                _validationLossByEpoch.Add(Finite(Validate(), "validation loss"));
            Keep?.Invoke(isEpochEnd);
            var elapsed = Elapsed;
            report(new TrainingProgress
            {
                Step = StepsDone,
                Steps = Steps,
                Epoch = epoch,
                Epochs = options.Epochs,
                IsEpochEnd = isEpochEnd,
                Loss = _lossByEpoch[^1],
                ValidationLoss = isEpochEnd && Validate is not null ? _validationLossByEpoch[^1] : null,
                ImagesPerSecond = images / Math.Max(_clock.Elapsed.TotalSeconds, 1e-9),
                Elapsed = elapsed,
                BudgetLeft = options.TimeBudget is { } budget ? TimeSpan.FromTicks(Math.Max(0, (budget - elapsed).Ticks)) : null,
            });
        }
        return TrainingEnd.Completed;
    }

    private TrainingEnd? EndBefore(int batch, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
            return TrainingEnd.Cancelled;
        if (batch == 0 && IsOutOfPatience())
            return TrainingEnd.OutOfPatience;
        return Elapsed >= options.TimeBudget ? TrainingEnd.OutOfTime : null;
    }

    private bool IsOutOfPatience()
    {
        int done = _validationLossByEpoch.Count;
        int? rescaledAfter = options.LayerWeights.RescaleAfter;
        // Before the layers' weights are rescaled nothing is minimized yet that the model is to be judged by.
        if (rescaledAfter < options.Epochs && done <= rescaledAfter)
            return false;
        return done - TrainingState.BestEpoch(_validationLossByEpoch, rescaledAfter) >= options.EarlyStoppingPatience;
    }

    private void Order(int epoch)
    {
        if (_ordered == epoch)
            return;
        _ordered = epoch;
        // Odd multipliers, so that no two epochs of a seed have the same number.
        var random = new Random(unchecked(options.Seed * (int)0x9E3779B1 + epoch * (int)0x85EBCA6B));
        for (int i = 0; i < pairs; i++)
            _order[i] = i;
        random.Shuffle(_order);
        for (int i = 0; i < pairs; i++)
            _mirrored[i] = options.Mirror && random.Next(2) == 1;
    }

    private void AddLoss(int batch, double loss)
    {
        StepsDone++;
        Finite(loss, "loss");
        if (batch == 0)
        {
            _lossSum = 0;
            _lossByEpoch.Add(0);
        }
        _lossSum += loss;
        _lossByEpoch[^1] = _lossSum / (batch + 1);
    }

    private double Finite(double loss, string what) => double.IsFinite(loss)
        ? loss
        : throw new TrainingDivergedException($"The {what} became {loss} at step {StepsDone}. Lower the learning rate ({options.LearningRate}).");
}
