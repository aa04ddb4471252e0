using System.Globalization;
using CrnMlNet.Evaluation;

namespace CrnMlNet.Study;

/// <summary>How a study's numbers are written, on the page and in the terminal alike.</summary>
internal static class StudyNumbers
{
    /// <summary>A share: 62.5%.</summary>
    public static string Percent(double share) => FormattableString.Invariant($"{100 * share:0.0}%");

    /// <summary>An interval of shares: 55.1-69.4%.</summary>
    public static string Percent(Interval? interval) => interval is { Low: var low, High: var high } ? FormattableString.Invariant($"{100 * low:0.0}-{100 * high:0.0}%") : "-";

    /// <summary>A Bradley-Terry score: +0.42.</summary>
    public static string Score(double score) => score.ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture);

    /// <summary>An interval of scores: -0.10 to +0.42.</summary>
    public static string Score(Interval? interval) => interval is { Low: var low, High: var high } ? $"{Score(low)} to {Score(high)}" : "-";

    /// <summary>A p-value: 0.031, or 4.2e-7.</summary>
    public static string P(double p) => p.ToString(p < 0.001 ? "0.0e-0" : "0.000", CultureInfo.InvariantCulture);
}
