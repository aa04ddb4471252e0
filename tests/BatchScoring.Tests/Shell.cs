using System.Diagnostics;

namespace BatchScoring.Tests;

/// <summary>Programs that run in a folder of their own, with <c>crn</c> and the sample in their path.</summary>
internal sealed class Shell : IDisposable
{
    private readonly Process _process;
    private readonly Thread _reader;
    private string _output = "";

    private Shell(string folder, string script, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", $"exec 2>&1\n{script}"]) { WorkingDirectory = folder, RedirectStandardOutput = true };
        start.Environment["PATH"] = $"{AppContext.BaseDirectory}:{start.Environment["PATH"]}:/usr/sbin:/sbin";
        // Networks this small gain nothing from a second thread.
        start.Environment["OMP_NUM_THREADS"] = "1";
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        // A thread of its own: a continuation would wait for the test, which waits for it.
        _reader = new Thread(() => _output = _process.StandardOutput.ReadToEnd()) { IsBackground = true };
        _reader.Start();
    }

    public bool HasEnded => _process.HasExited;

    /// <summary>Starts a script.</summary>
    public static Shell Start(string folder, string script, params (string Name, string Value)[] variables) => new(folder, script, variables);

    /// <summary>Runs a script that must succeed.</summary>
    public static string Run(string folder, string script, params (string Name, string Value)[] variables)
    {
        using var shell = new Shell(folder, script, variables);
        var (exitCode, output) = shell.End();
        Assert.True(exitCode == 0, $"{script} ended with {exitCode}:\n{output}");
        return output;
    }

    /// <summary>Runs a script.</summary>
    public static (int ExitCode, string Output) Try(string folder, string script, params (string Name, string Value)[] variables)
    {
        using var shell = new Shell(folder, script, variables);
        return shell.End();
    }

    public (int ExitCode, string Output) End()
    {
        _reader.Join();
        _process.WaitForExit();
        return (_process.ExitCode, _output);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
