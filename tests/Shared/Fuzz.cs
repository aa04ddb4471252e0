using System.Diagnostics;
using System.Reflection;

namespace CrnMlNet.Tests.Shared;

/// <summary>
/// Runs many damaged inputs through a loader. A case follows from its number alone, so one that fails can be run again by itself.
/// Each must end, within time and memory, in success or in an exception that is allowed.
/// </summary>
internal sealed class Fuzz
{
    private static readonly TimeSpan LongestCase = TimeSpan.FromSeconds(10);

    /// <summary>Garbage is collected after so many bytes: left alone, the collector may let half a gigabyte gather where the processor's cache is large.</summary>
    private const long MostGarbage = 16L << 20;

    /// <summary>The exceptions that a case may end with: a FormatException anywhere in the chain, or else the outermost that is not reflection's.</summary>
    public required Func<Exception, bool> IsAllowed { get; init; }

    /// <summary>The bytes of managed memory that a case may allocate.</summary>
    public required long MostAllocated { get; init; }

    /// <summary>How often each kind of exception came, and how often none.</summary>
    public SortedDictionary<string, int> Outcomes { get; } = [];

    private long _garbage;

    /// <summary>Runs the cases on a thread of their own, so that one that hangs fails, too.</summary>
    public void Run(int first, int count, Action<int, Random> load)
    {
        int current = first, before = Outcomes.Values.Sum();
        var since = Stopwatch.StartNew();
        string? fault = null;
        var thread = new Thread(() =>
        {
            for (; current < first + count && fault is null; current++)
            {
                since.Restart();
                fault = RunCase(current, load);
            }
        })
        { IsBackground = true };
        thread.Start();
        while (!thread.Join(TimeSpan.FromMilliseconds(500)))
            Assert.True(since.Elapsed < LongestCase, $"Case {current} takes more than {LongestCase.TotalSeconds} s.");
        Assert.True(fault is null, fault);
        Assert.Equal(count, Outcomes.Values.Sum() - before);
    }

    private string? RunCase(int number, Action<int, Random> load)
    {
        var outcome = "success";
        string? fault = null;
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            load(number, new Random(number));
        }
        catch (Exception e)
        {
            var cause = Cause(e);
            outcome = cause.GetType().Name;
            if (!IsAllowed(cause))
                fault = $"Case {number} ends with {e}";
        }

        Outcomes[outcome] = Outcomes.GetValueOrDefault(outcome) + 1;
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if ((_garbage += allocated) > MostGarbage)
        {
            GC.Collect();
            _garbage = 0;
        }
        return fault ?? (allocated <= MostAllocated ? null : $"Case {number} ({outcome}) allocates {allocated:N0} bytes, more than {MostAllocated:N0}.");
    }

    /// <summary>The FormatException that ML.NET wrapped, or what reflection did.</summary>
    private static Exception Cause(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is FormatException)
                return e;
        }
        return exception is TargetInvocationException { InnerException: { } inner } ? inner : exception;
    }
}
