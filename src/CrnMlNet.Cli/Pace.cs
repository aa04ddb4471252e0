using System.Diagnostics;

namespace CrnMlNet.Cli;

/// <summary>How fast bytes come and when they will all be there, in a few words.</summary>
internal sealed class Pace
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long? _first;

    /// <summary>Describes it: <c>8.1 MB/s  0:01, 1:09 left</c>.</summary>
    /// <param name="done">Bytes done, those before a continuation included.</param>
    /// <param name="total">Bytes in all.</param>
    public string Describe(long done, long total)
    {
        _first ??= done;
        double perSecond = (done - _first.Value) / Math.Max(_clock.Elapsed.TotalSeconds, 1e-3);
        string left = perSecond > 0 ? $", {ProgressView.Clock(TimeSpan.FromSeconds(Math.Min((total - done) / perSecond, TimeSpan.FromDays(99).TotalSeconds)))} left" : "";
        return FormattableString.Invariant($"{perSecond / 1e6:0.0} MB/s  {ProgressView.Clock(_clock.Elapsed)}{left}");
    }
}
