namespace CrnMlNet.Tests.Shared;

/// <summary>How much the process' memory has grown at most since this was made, managed and native; only Linux tells.</summary>
internal sealed class PeakMemory
{
    private const string Reset = "/proc/self/clear_refs";
    private readonly long _before;

    public PeakMemory()
    {
        if (!IsKnown)
            return;
        // 5: the peak becomes what is used now (proc(5)).
        File.WriteAllText(Reset, "5");
        _before = Read();
    }

    public static bool IsKnown { get; } = File.Exists(Reset);

    public long Growth => Read() - _before;

    public void AssertBelow(long growth)
    {
        if (IsKnown)
            Assert.InRange(Growth, long.MinValue, growth);
    }

    private static long Read()
        => 1024 * long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1]);
}
