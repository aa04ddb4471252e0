using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

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
    public Task<Answer> Paint(byte[] channels, string kind = "photo", string? painter = null) => Post($"api/{kind}", channels, "application/octet-stream", painter);

    public Task<Answer> Post(string path, byte[] body, string type, string? painter = null) => Ask(Posting(path, body, type, painter), TestContext.Current.CancellationToken);

    public Task<Answer> Get(string path) => Ask(new HttpRequestMessage(HttpMethod.Get, path), TestContext.Current.CancellationToken);

    /// <summary>Asks for a photo, and hangs up when it is not wanted any more.</summary>
    public Task<Answer> PaintUntil(CancellationToken gone, byte[] channels, string painter)
        => Ask(Posting("api/photo", channels, "application/octet-stream", painter), gone);

    public async Task<Answer> Ask(HttpRequestMessage request, CancellationToken gone)
    {
        using (request)
        using (var response = await Client.SendAsync(request, gone))
            return new Answer(response.StatusCode, response.Content.Headers.ContentType?.MediaType, response.Headers.RetryAfter?.Delta, await response.Content.ReadAsByteArrayAsync(gone));
    }

    public void Dispose()
    {
        Client.Dispose();
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static HttpRequestMessage Posting(string path, byte[] body, string type, string? painter)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        if (painter is not null)
            request.Headers.Add("X-Painter", painter);
        return request;
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

/// <summary>What the server answers.</summary>
internal sealed record Answer(HttpStatusCode Status, string? Type, TimeSpan? RetryAfter, byte[] Body)
{
    /// <summary>What it says is wrong, in problem+json.</summary>
    public string Detail
    {
        get
        {
            Assert.Equal("application/problem+json", Type);
            using var problem = JsonDocument.Parse(Body);
            return problem.RootElement.GetProperty("detail").GetString()!;
        }
    }

    public PagePhoto Photo
    {
        get
        {
            Assert.Equal((HttpStatusCode.OK, "image/png"), (Status, Type));
            return PagePhoto.FromPng(Body);
        }
    }
}
