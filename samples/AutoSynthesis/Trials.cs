namespace AutoSynthesis;

/// <summary>What a trial is to do.</summary>
/// <param name="TrialId">Its number, from 0.</param>
/// <param name="Parameter">The settings.</param>
/// <param name="Epochs">How long it may learn, from the beginning on.</param>
/// <param name="Candidate">The number of the settings: a trial of the same candidate with fewer epochs can be gone on with.</param>
public sealed record TrialSettings(int TrialId, Parameter Parameter, int Epochs, int Candidate);

/// <summary>What came of a trial.</summary>
/// <param name="Settings">The trial.</param>
/// <param name="Loss">What the experiment minimises; not a number: the trial failed.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Error">Why it failed, or null.</param>
public sealed record TrialResult(TrialSettings Settings, double Loss, double Seconds, string? Error = null);

/// <summary>Says which settings to try. It must propose the same again when it is told the same results.</summary>
public interface ITuner
{
    /// <summary>The next trial; null: that was all.</summary>
    TrialSettings? Propose();

    /// <summary>Is told what came of the trial that it proposed last.</summary>
    void Update(TrialResult result);
}

/// <summary>Does trials.</summary>
public interface ITrialRunner
{
    /// <summary>All that its trials have in common, in a line that tells one experiment from another.</summary>
    string Subject { get; }

    /// <summary>Trains and measures.</summary>
    /// <exception cref="OperationCanceledException">It was told to end.</exception>
    ITrial Run(TrialSettings settings, CancellationToken cancellation);

    /// <summary>Forgets what it keeps of a candidate so as to go on with it.</summary>
    void Drop(int candidate);
}

/// <summary>A trial that was done. Disposing it frees the model.</summary>
public interface ITrial : IDisposable
{
    /// <summary>What the experiment minimises.</summary>
    double Loss { get; }

    /// <summary>Saves the model.</summary>
    void Save(string path);
}

/// <summary>Is told how an experiment goes.</summary>
public interface IMonitor
{
    void ReportRunningTrial(TrialSettings settings);

    void ReportCompletedTrial(TrialResult result, bool isBest);

    void ReportFailTrial(TrialResult result);
}
