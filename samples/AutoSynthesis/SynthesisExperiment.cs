using System.Diagnostics;

namespace AutoSynthesis;

/// <summary>
/// Looks for better settings, in the shape of Microsoft.ML.AutoML's <c>AutoMLExperiment</c>: a tuner proposes, a runner trains, a monitor is
/// told. A trial that fails does not end the others, models are disposed as soon as they are measured, and the best is in a file.
/// </summary>
public sealed class SynthesisExperiment(ITuner tuner, ITrialRunner runner, string folder)
{
    private IMonitor? _monitor;
    private TimeSpan? _budget;

    /// <summary>The best model so far.</summary>
    public string BestModelPath => Path.Combine(folder, "best.zip");

    /// <summary>Sets who is told how it goes.</summary>
    public SynthesisExperiment SetMonitor(IMonitor monitor)
    {
        _monitor = monitor;
        return this;
    }

    /// <summary>Sets how long it may take; trials of an earlier run that is continued do not count.</summary>
    public SynthesisExperiment SetTrainingTime(TimeSpan budget)
    {
        _budget = budget;
        return this;
    }

    /// <summary>Runs all trials, or those for which there is time.</summary>
    /// <returns>Every trial that was done, and the best of those that learned longest.</returns>
    /// <exception cref="TimeoutException">The time was over, or it was cancelled, before one trial was done.</exception>
    /// <exception cref="InvalidOperationException">No trial came to its end; its message is the first one's error.</exception>
    public (IReadOnlyList<TrialResult> All, TrialResult Best) Run(CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(folder);
        var log = new TrialLog(Path.Combine(folder, "trials.jsonl"), runner.Subject);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (_budget is { } budget)
            stop.CancelAfter(budget);
        List<TrialResult> all = [];
        TrialResult? best = null;
        try
        {
            while (tuner.Propose() is { } settings)
            {
                var result = log.Find(settings) is { } known ? Take(known, ref best) : Try(settings, log, ref best, stop.Token);
                all.Add(result);
                tuner.Update(result);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            if (best is null)
                throw new TimeoutException("There was no time for a single trial. Give more of it, or fewer epochs.");
        }
        foreach (int candidate in all.Select(trial => trial.Settings.Candidate).Distinct())
            runner.Drop(candidate);
        return (all, best ?? throw new InvalidOperationException($"Every trial failed; the first one: {all[0].Error}"));
    }

    private static TrialResult Take(TrialResult known, ref TrialResult? best)
    {
        if (IsBetter(known, best))
            best = known;
        return known;
    }

    private TrialResult Try(TrialSettings settings, TrialLog log, ref TrialResult? best, CancellationToken cancellation)
    {
        _monitor?.ReportRunningTrial(settings);
        var clock = Stopwatch.StartNew();
        TrialResult result;
        try
        {
            using var trial = runner.Run(settings, cancellation);
            result = new TrialResult(settings, trial.Loss, clock.Elapsed.TotalSeconds);
            if (IsBetter(result, best))
            {
                trial.Save(BestModelPath);
                best = result;
            }
        }
        // Whatever goes wrong in a trial, memory that does not suffice included, is that trial's alone; it is told and logged.
        catch (Exception e) when (e is not OperationCanceledException)
        {
            result = new TrialResult(settings, double.NaN, clock.Elapsed.TotalSeconds, e.Message);
        }
        log.Add(result);
        if (result.Error is null)
            _monitor?.ReportCompletedTrial(result, ReferenceEquals(best, result));
        else
            _monitor?.ReportFailTrial(result);
        return result;
    }

    /// <summary>Longer trials outrank shorter ones: their losses are not to be compared.</summary>
    private static bool IsBetter(TrialResult result, TrialResult? best)
        => !double.IsNaN(result.Loss) && (best is null || result.Settings.Epochs > best.Settings.Epochs || (result.Settings.Epochs == best.Settings.Epochs && result.Loss < best.Loss));
}
