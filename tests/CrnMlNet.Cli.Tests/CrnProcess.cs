using System.Diagnostics;
using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Cli.Tests;

/// <summary>The built <c>crn</c> in a process of its own.</summary>
internal sealed class CrnProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly List<string> _output = [];
    private readonly List<string> _errors = [];

    private CrnProcess(string program, string[] arguments, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Networks this small gain nothing from a second thread, and lose much to waiting for it on a busy machine.
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment.Remove(Failure.DebugVariable);
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The executable beside the tests.</summary>
    public static string Executable { get; } = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "crn.exe" : "crn");

    public static CrnProcess Start(params string[] arguments) => new(Executable, arguments);

    public static Outcome Run(params string[] arguments)
    {
        using var process = Start(arguments);
        return process.WaitForEnd();
    }

    /// <summary>Runs with a cache folder of its own, where what was imported is kept.</summary>
    public static Outcome RunWithCache(string cache, params string[] arguments)
    {
        using var process = new CrnProcess(Executable, arguments, (UserCache.Variable, cache));
        return process.WaitForEnd();
    }

    /// <summary>Runs with environment variables.</summary>
    public static Outcome RunWith((string Name, string Value)[] variables, params string[] arguments)
    {
        using var process = new CrnProcess(Executable, arguments, variables);
        return process.WaitForEnd();
    }

    public static Outcome RunOther(string program, params string[] arguments)
    {
        using var process = new CrnProcess(program, arguments);
        return process.WaitForEnd();
    }

    /// <summary>Starts with environment variables.</summary>
    public static CrnProcess StartWith((string Name, string Value)[] variables, params string[] arguments) => new(Executable, arguments, variables);

    /// <summary>What it holds of memory that is not a file's; Linux alone tells.</summary>
    public long ReadMemory()
    {
        string line = File.ReadLines($"/proc/{_process.Id}/status").First(text => text.StartsWith("RssAnon:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1]);
    }

    /// <returns>The whole line.</returns>
    public string WaitForOutput(string beginning)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (Lines(_output).FirstOrDefault(line => line.StartsWith(beginning, StringComparison.Ordinal)) is { } found)
                return found;
            Assert.False(_process.HasExited, $"ended before it wrote '{beginning}': {string.Join('\n', Lines(_output).Concat(Lines(_errors)))}");
            Assert.True(clock.Elapsed < Patience, $"did not write '{beginning}': {string.Join('\n', Lines(_output))}");
            Thread.Sleep(20);
        }
    }

    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{_process.Id}"]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    public Outcome WaitForEnd()
    {
        Assert.True(_process.WaitForExit(Patience), $"still runs: {string.Join('\n', Lines(_output).Concat(Lines(_errors)))}");
        _process.WaitForExit(); // the overload without a limit also waits for the last output
        return new Outcome(_process.ExitCode, Lines(_output), Lines(_errors));
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static void Keep(List<string> lines, string? line)
    {
        if (line is null)
            return;
        lock (lines)
            lines.Add(line);
    }

    private static string[] Lines(List<string> lines)
    {
        lock (lines)
            return [.. lines];
    }
}

/// <summary>What a process left.</summary>
internal sealed record Outcome(int ExitCode, string[] Output, string[] Errors)
{
    public void AssertSucceeded() => Assert.True(ExitCode == Cli.ExitCode.Success && Errors.Length == 0, $"{ExitCode}: {string.Join('\n', Errors)}");

    /// <summary>Exit code 1 and one line on stderr that holds all of <paramref name="parts"/>.</summary>
    public void AssertFailed(params string[] parts) => AssertEnded(Cli.ExitCode.Failure, parts);

    /// <summary>Label images failed and others did not: that has its own exit code, and one line on stderr that holds all of <paramref name="parts"/>.</summary>
    public void AssertPartial(params string[] parts) => AssertEnded(Cli.ExitCode.Partial, parts);

    private void AssertEnded(int exitCode, string[] parts)
    {
        string line = Assert.Single(Errors);
        Assert.StartsWith("crn: ", line);
        Assert.All(parts, part => Assert.Contains(part, line));
        Assert.Equal(exitCode, ExitCode);
    }
}
