using System.Globalization;
using CrnMlNet.Evaluation;
using Spectre.Console;

namespace AutoSynthesis;

/// <summary>What an experiment found, to read.</summary>
internal static class Tables
{
    /// <summary>Every trial, those that learned longest first, and of them the best.</summary>
    public static Table Trials(SearchSpace space, IEnumerable<TrialResult> all, TrialResult best)
    {
        var table = new Table { Title = new TableTitle("Trials, by the sliced Wasserstein distance x1e3 to photos of other layouts (lower is nearer)") };
        table.AddColumns(["", "Epochs", "Distance", "Seconds", .. space.Names]);
        foreach (var trial in all.OrderByDescending(trial => trial.Settings.Epochs).ThenBy(trial => double.IsNaN(trial.Loss) ? double.MaxValue : trial.Loss))
        {
            string name = trial.Settings.Candidate == 0 ? "defaults" : $"candidate {trial.Settings.Candidate}";
            table.AddRow([
                trial == best ? $"[bold]{name}[/]" : name, $"{trial.Settings.Epochs}", trial.Error is null ? Number(trial.Loss, "0.0") : "failed",
                Number(trial.Seconds, "0"), .. space.Names.Select(trial.Settings.Parameter.Show)]);
        }
        return table;
    }

    /// <summary>The best beside the defaults.</summary>
    public static Table Comparison(int pairs, int epochs, Nearness best, Nearness defaults)
    {
        var table = new Table { Title = new TableTitle($"{pairs} pairs that no trial has seen, {epochs} epochs each") };
        table.AddColumns("", "Best", "Defaults");
        table.AddRow("Sliced Wasserstein x1e3 (lower is nearer)", Number(best.SlicedWasserstein, "0.0"), Number(defaults.SlicedWasserstein, "0.0"));
        table.AddRow("MS-SSIM (higher is nearer)", Number(best.MultiScaleSsim, "0.000"), Number(defaults.MultiScaleSsim, "0.000"));
        table.AddRow("PSNR in dB (higher is nearer)", Number(best.Psnr, "0.00"), Number(defaults.Psnr, "0.00"));
        return table;
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
