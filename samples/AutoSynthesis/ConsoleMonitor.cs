using Spectre.Console;

namespace AutoSynthesis;

/// <summary>A line for each trial.</summary>
internal sealed class ConsoleMonitor : IMonitor
{
    public void ReportRunningTrial(TrialSettings settings)
        => AnsiConsole.MarkupLineInterpolated($"Trial {settings.TrialId}: {settings.Epochs} epochs with {settings.Parameter.ToString()} ...");

    public void ReportCompletedTrial(TrialResult result, bool isBest)
        => AnsiConsole.MarkupLineInterpolated($"  distance {result.Loss:0.0} after {result.Seconds:0} s{(isBest ? ", the best so far" : "")}");

    public void ReportFailTrial(TrialResult result)
        => AnsiConsole.MarkupLineInterpolated($"  [red]failed:[/] {result.Error ?? ""}");
}
