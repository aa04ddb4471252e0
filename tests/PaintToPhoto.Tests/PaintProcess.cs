using System.Diagnostics;
using System.Net.Http.Headers;

namespace PaintToPhoto.Tests;

/// <summary>The built program in a process of its own, and a client of it.</summary>
internal sealed class PaintProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly List<string> _output = [];
    private readonly List<string> _errors = [];

    private PaintProcess(string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "PaintToPhoto.exe" : "PaintToPhoto");
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Networks this small gain nothing from a second thread.
        start.Environment["OMP_NUM_THREADS"] = "1";
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string[] Output => Lines(_output);

    public string[] Errors => Lines(_errors);

    public Uri Url { get; private set; } = new("http://127.0.0.1");

    public HttpClient Client { get; } = new();

    /// <summary>Starts the program on a free port, and waits until it listens.</summary>
    public static PaintProcess Serve(params string[] arguments)
    {
        var process = new PaintProcess([.. arguments, "--urls", "http://127.0.0.1:0"]);
        string line = process.WaitForOutput(line => line.Contains("Open http"));
        process.Url = new Uri(line[line.IndexOf("http", StringComparison.Ordinal)..].Split(' ')[0]);
        process.Client.BaseAddress = process.Url;
        return process;
    }

    /// <summary>Starts the program and waits until it ends.</summary>
    public static (int ExitCode, string[] Errors) Run(params string[] arguments)
    {
        using var process = new PaintProcess(arguments);
        return (process.WaitForEnd(), process.Errors);
    }

    public string WaitForOutput(Func<string, bool> isIt)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (Output.FirstOrDefault(isIt) is { } line)
                return line;
            Assert.False(_process.HasExited, $"ended: {string.Join('\n', Output.Concat(Errors))}");
            Assert.True(clock.Elapsed < Patience, $"did not write it: {string.Join('\n', Output)}");
            Thread.Sleep(20);
        }
    }

    public int WaitForEnd()
    {
        Assert.True(_process.WaitForExit(Patience), $"still runs: {string.Join('\n', Output.Concat(Errors))}");
        _process.WaitForExit(); // the overload without a limit also waits for the last output
        return _process.ExitCode;
    }

    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{_process.Id}"]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Asks for a photo or a preview of a layout.</summary>
    public Task<HttpResponseMessage> Paint(byte[] channels, string kind = "photo", string? painter = null, CancellationToken gone = default)
        => Post($"api/{kind}", channels, "application/octet-stream", painter, gone);

    public async Task<HttpResponseMessage> Post(string path, byte[] body, string type, string? painter = null, CancellationToken gone = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        if (painter is not null)
            request.Headers.Add("X-Painter", painter);
        return await Client.SendAsync(request, gone);
    }

    public void Dispose()
    {
        Client.Dispose();
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
