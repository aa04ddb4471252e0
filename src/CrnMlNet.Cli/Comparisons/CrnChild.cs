using System.Diagnostics;

namespace CrnMlNet.Cli.Comparisons;

/// <summary>How a command of <c>crn</c> in a process of its own ended.</summary>
/// <param name="ExitCode">Its exit code; above 128 a signal, for instance 137 when the system ended it for want of memory.</param>
/// <param name="Output">The lines that it wrote to stdout.</param>
/// <param name="Error">The last line that it wrote to stderr, less crn's name before it.</param>
/// <param name="PeakBytes">The most memory that it held.</param>
internal sealed record ChildOutcome(int ExitCode, IReadOnlyList<string> Output, string Error, long PeakBytes);

/// <summary>Runs commands of <c>crn</c> in processes of their own: none takes another down, and its memory is its own.</summary>
internal static class CrnChild
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(200);

    /// <param name="arguments">The command line.</param>
    /// <param name="logPath">Where everything that it writes is added.</param>
    /// <param name="lineWritten">Is told of each line on stdout.</param>
    /// <param name="stop">Ends it at once: what it keeps survives that.</param>
    /// <exception cref="OperationCanceledException">It was ended by <paramref name="stop"/>.</exception>
    public static ChildOutcome Run(IReadOnlyList<string> arguments, string logPath, Action<string> lineWritten, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        using var log = TextWriter.Synchronized(new StreamWriter(logPath, append: true) { AutoFlush = true });
        log.WriteLine($"$ crn {string.Join(' ', arguments)}");
        var output = new List<string>();
        string error = "";
        using var process = new Process { StartInfo = StartInfo(arguments) };
        process.OutputDataReceived += (_, line) => Keep(line.Data, text =>
        {
            output.Add(text);
            lineWritten(text);
        });
        process.ErrorDataReceived += (_, line) => Keep(line.Data, text => error = text.Replace("crn: ", "", StringComparison.Ordinal));
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using (stop.Register(() => process.StandardInput.Close()))
        {
            long peak = 0;
            while (!process.WaitForExit(BetweenLooks))
                peak = Math.Max(peak, PeakOf(process));
            process.WaitForExit(); // this overload also waits for the last lines
            stop.ThrowIfCancellationRequested();
            return new ChildOutcome(process.ExitCode, output, error, peak);
        }

        void Keep(string? line, Action<string> keep)
        {
            if (line is null)
                return;
            log.WriteLine(line);
            if (line.Length > 0)
                keep(line);
        }
    }

    private static ProcessStartInfo StartInfo(IReadOnlyList<string> arguments)
    {
        string program = Environment.ProcessPath ?? throw new InvalidOperationException("The system does not tell where crn's program is.");
        // 'dotnet crn.dll' runs as dotnet; all else as crn itself.
        string[] before = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase) ? [typeof(CrnChild).Assembly.Location] : [];
        var start = new ProcessStartInfo(program, [.. before, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[ParentWatch.Variable] = "1";
        return start;
    }

    private static long PeakOf(Process process)
    {
        try
        {
            process.Refresh();
            return process.PeakWorkingSet64;
        }
        catch (InvalidOperationException)
        {
            return 0; // it has just ended
        }
    }
}
