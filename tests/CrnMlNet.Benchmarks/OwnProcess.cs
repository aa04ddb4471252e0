using System.Diagnostics;
using System.Globalization;

namespace CrnMlNet.Benchmarks;

/// <summary>Measures what something takes, in a process of its own: Linux alone tells a process' peak, and it never falls.</summary>
internal static class OwnProcess
{
    /// <summary>Runs this program again.</summary>
    /// <param name="arguments">What it is called with; it must call <see cref="Print"/>.</param>
    /// <returns>The bytes by which its memory grew at its peak, and the seconds; null: it failed.</returns>
    public static (long Bytes, double Seconds)? Run(params IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardOutput = true })!;
        string[] output = process.StandardOutput.ReadToEnd().Split(' ');
        process.WaitForExit();
        return process.ExitCode == 0
            ? (long.Parse(output[0], CultureInfo.InvariantCulture), double.Parse(output[1], CultureInfo.InvariantCulture))
            : null;
    }

    /// <summary>Prints what work takes.</summary>
    public static void Print(Action work)
    {
        // 5: the peak becomes what is used now (proc(5)).
        File.WriteAllText("/proc/self/clear_refs", "5");
        long before = Peak();
        var clock = Stopwatch.StartNew();
        work();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Peak() - before} {clock.Elapsed.TotalSeconds}"));
    }

    private static long Peak() => 1024 * long.Parse(
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);
}
