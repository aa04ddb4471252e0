using System.Diagnostics;

namespace CrnMlNet.Benchmarks;

/// <summary>Seconds, and the middle of several.</summary>
internal static class Timing
{
    public static double Seconds(Action work)
    {
        var clock = Stopwatch.StartNew();
        work();
        return clock.Elapsed.TotalSeconds;
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
