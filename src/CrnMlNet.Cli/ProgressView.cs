using System.Diagnostics;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace CrnMlNet.Cli;

/// <summary>Where some long work stands.</summary>
/// <param name="Stage">What is being done, in a word.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all.</param>
/// <param name="Detail">Pace and time, in a few words.</param>
/// <param name="IsMilestone">Whether it is worth a line of its own in a log.</param>
internal sealed record Progress(string Stage, long Done, long Total, string Detail, bool IsMilestone = false);

/// <summary>Shows long work on stdout: a bar for each stage in a terminal, a line now and then in a file or pipe.</summary>
internal sealed class ProgressView
{
    private const int WidthOfText = 73;
    private const int SmallestBar = 8;
    private const int LargestBar = 40;

    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(10);

    private readonly ProgressContext? _bars;
    private readonly Dictionary<string, ProgressTask> _tasks = [];
    private readonly Stopwatch _sinceLine = Stopwatch.StartNew();

    private readonly List<string>? _conclusions;

    private ProgressView(ProgressContext? bars, List<string>? conclusions = null) => (_bars, _conclusions) = (bars, conclusions);

    private static bool IsTerminal => AnsiConsole.Profile.Capabilities is { Ansi: true, Interactive: true } && !Console.IsOutputRedirected;

    /// <summary>Does the work, and shows what it reports.</summary>
    public static T Show<T>(Func<ProgressView, T> work)
    {
        if (!IsTerminal)
            return work(new ProgressView(null));
        int barWidth = Math.Clamp(AnsiConsole.Profile.Width - WidthOfText, SmallestBar, LargestBar);
        var conclusions = new List<string>();
        try
        {
            return AnsiConsole.Progress()
                .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = barWidth }, new DetailColumn())
                .Start(bars => work(new ProgressView(bars, conclusions)));
        }
        finally
        {
            conclusions.ForEach(Console.WriteLine);
        }
    }

    /// <summary>A time as people write it: 4:05 or 1:04:05.</summary>
    public static string Clock(TimeSpan time) => time.TotalHours < 1 ? $"{time:m\\:ss}" : $"{(int)time.TotalHours}:{time:mm\\:ss}";

    /// <summary>The time spent and the time left at this pace: <c>0:40, 1:20 left</c>; of what has not begun only the former.</summary>
    public static string Clock(TimeSpan elapsed, long done, long total) =>
        done == 0 ? Clock(elapsed) : $"{Clock(elapsed)}, {Clock(elapsed * ((double)(total - done) / done))} left";

    /// <summary>The bars hide the cursor; this brings it back where they cannot.</summary>
    public static void RestoreCursor()
    {
        if (IsTerminal)
            Console.Write("\e[?25h");
    }

    public void Report(Progress progress)
    {
        if (_bars is null)
            WriteLine(progress);
        else
            MoveBar(_bars, progress);
    }

    /// <summary>A line that stays.</summary>
    public void Say(string line)
    {
        if (_bars is null)
            Console.WriteLine(line);
        else
            // Padded, because it is written over bars, of which the rest would stay.
            AnsiConsole.Write(new Padder(new Text(line), new Padding(0)).Expand());
    }

    /// <summary>A line for the end: in a terminal it comes below the bars, when the work is over.</summary>
    public void Conclude(string line)
    {
        if (_conclusions is null)
            Console.WriteLine(line);
        else
            _conclusions.Add(line);
    }

    private void MoveBar(ProgressContext bars, Progress progress)
    {
        if (!_tasks.TryGetValue(progress.Stage, out var task))
            _tasks[progress.Stage] = task = bars.AddTask(progress.Stage);
        task.MaxValue = progress.Total;
        task.Tag = progress.Detail;
        task.Value = progress.Done;
    }

    private void WriteLine(Progress progress)
    {
        if (!progress.IsMilestone && progress.Done < progress.Total && _sinceLine.Elapsed < BetweenLines)
            return;
        Console.WriteLine(FormattableString.Invariant($"{progress.Stage}: {progress.Done:N0}/{progress.Total:N0}  {progress.Detail}").TrimEnd());
        _sinceLine.Restart();
    }

    private sealed class DetailColumn : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
            => new Text(FormattableString.Invariant($"{task.Percentage,3:0}%  {task.Tag}")).Overflow(Overflow.Ellipsis);
    }
}
