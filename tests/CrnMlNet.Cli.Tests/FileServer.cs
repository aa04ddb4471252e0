using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CrnMlNet.Cli.Tests;

/// <summary>
/// A web server on this machine that serves one file, with ranges, and what goes wrong on the way: connections that drop,
/// servers that are busy, files that change in between.
/// </summary>
internal sealed class FileServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private volatile bool _isDisposed;

    public FileServer(byte[] content)
    {
        Content = content;
        _listener.Start();
        new Thread(Serve) { IsBackground = true }.Start();
    }

    /// <summary>What is served; may be exchanged.</summary>
    public byte[] Content { get; set; }

    /// <summary>The header that tells the version, a whole line; null: none.</summary>
    public string? Version { get; set; } = "ETag: \"one\"";

    /// <summary>After how many bytes of an answer's body the connection drops, for each request that comes; when they are used up it stays.</summary>
    public ConcurrentQueue<int> Drops { get; } = [];

    /// <summary>Status lines to answer the next requests with, without a body.</summary>
    public ConcurrentQueue<string> Refusals { get; } = [];

    /// <summary>The Range header of each request; an empty one where there was none.</summary>
    public ConcurrentQueue<string> Ranges { get; } = [];

    public string Url(string name) => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/models/{name}";

    public void Dispose()
    {
        _isDisposed = true;
        _listener.Dispose();
    }

    private void Serve()
    {
        try
        {
            while (true)
            {
                using var client = _listener.AcceptTcpClient();
                Answer(client);
            }
        }
        catch (Exception) when (_isDisposed)
        {
            // A listener that stops while somebody waits for a client says so in one way, and before that in another.
        }
    }

    private void Answer(TcpClient client)
    {
        using var stream = client.GetStream();
        var headers = ReadHeaders(stream);
        string range = headers.GetValueOrDefault("range", "");
        Ranges.Enqueue(range);
        if (Refusals.TryDequeue(out var refusal))
        {
            Write(stream, $"HTTP/1.1 {refusal}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return;
        }

        var (content, version) = (Content, Version);
        bool isSame = version is not null && headers.TryGetValue("if-range", out var condition) && version.EndsWith(condition, StringComparison.Ordinal);
        int from = range.Length > 0 && isSame ? int.Parse(range["bytes=".Length..].TrimEnd('-')) : 0;
        if (from >= content.Length)
        {
            Write(stream, $"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{content.Length}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return;
        }
        string status = from > 0 ? $"206 Partial Content\r\nContent-Range: bytes {from}-{content.Length - 1}/{content.Length}" : "200 OK";
        Write(stream, $"HTTP/1.1 {status}\r\nContent-Length: {content.Length - from}\r\n{(version is null ? "" : version + "\r\n")}Connection: close\r\n\r\n");
        int count = content.Length - from;
        if (Drops.TryDequeue(out int drop))
            count = Math.Min(count, drop);
        stream.Write(content, from, count);
    }

    private static Dictionary<string, string> ReadHeaders(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        var headers = new Dictionary<string, string>();
        reader.ReadLine();
        while (reader.ReadLine() is { Length: > 0 } line)
            headers[line[..line.IndexOf(':')].ToLowerInvariant()] = line[(line.IndexOf(':') + 1)..].Trim();
        return headers;
    }

    private static void Write(NetworkStream stream, string text) => stream.Write(Encoding.ASCII.GetBytes(text));
}
