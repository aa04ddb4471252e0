using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Cli;

/// <summary>
/// Fetches a large file over HTTP. What has come stays in <c>FILE.part</c> when the connection drops or crn ends, and the rest is asked
/// for after that; but only from the same file (If-Range), so that two versions are never glued together.
/// </summary>
/// <remarks>As for PyTorch's own downloads, eight or more hexadecimal digits at the end of a file's name are the first of its SHA-256.</remarks>
internal sealed partial class Download
{
    private const int ChunkSize = 1 << 16;
    private const int Tries = 5;
    private const int TooManyRequests = 429;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Uri _url;
    private readonly string _path;
    private readonly string _part;
    private readonly string _validator;
    private readonly ProgressView _view;
    private readonly TimeSpan _pause;
    private readonly Pace _pace = new();

    /// <param name="url">What to fetch.</param>
    /// <param name="path">Where to put it.</param>
    /// <param name="view">Is shown how far it is.</param>
    /// <param name="pause">How long to wait before the second try, and twice as long before each that follows; null: a second.</param>
    /// <exception cref="ArgumentException">The URL is none of HTTP's.</exception>
    public Download(string url, string path, ProgressView view, TimeSpan? pause = null)
    {
        _url = Parse(url);
        (_path, _part, _validator) = (path, path + ".part", path + ".part.version");
        _view = view;
        _pause = pause ?? TimeSpan.FromSeconds(1);
    }

    /// <summary>The file's name in a URL.</summary>
    /// <exception cref="ArgumentException">The URL is none of HTTP's, or names no file.</exception>
    public static string NameIn(string url) => Path.GetFileName(Parse(url).LocalPath) is { Length: > 0 } name
        ? name
        : throw new ArgumentException($"--url '{url}' names no file.");

    /// <summary>Fetches the file, or the rest of it. One that is there already and is the right one by its name's SHA-256 stays.</summary>
    /// <exception cref="IOException">It cannot be fetched or written; what has come stays for the next time.</exception>
    /// <exception cref="InvalidDataException">It is not what its name promises; it has been deleted.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; what has come stays for the next time.</exception>
    public void Fetch(CancellationToken cancellation)
    {
        if (File.Exists(_path))
        {
            if (PromisedHash() is { } promised && Hash(_path).StartsWith(promised, StringComparison.Ordinal))
                return;
            throw new IOException($"'{_path}' is there already, and is not what would be fetched. Delete it, or name another FILE.");
        }
        if (Directory.Exists(_path))
            throw new IOException($"'{_path}' is a folder. Name a file in it.");
        Directory.CreateDirectory(AtomicFile.FolderOf(_path));
        FetchAsync(cancellation).GetAwaiter().GetResult();
        CheckHash();
        File.Move(_part, _path);
        File.Delete(_validator);
    }

    private static Uri Parse(string url) => Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https"
        ? parsed
        : throw new ArgumentException($"--url '{url}' is no URL that begins with http:// or https://.");

    private async Task FetchAsync(CancellationToken cancellation)
    {
        using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("crn", typeof(Download).Assembly.GetName().Version!.ToString(2)));
        for (int failures = 0; ;)
        {
            long before = Length();
            try
            {
                if (await FetchRest(client, cancellation))
                    return;
                throw new LostConnection("the connection ended early");
            }
            catch (LostConnection e)
            {
                failures = Length() > before ? 1 : failures + 1;
                if (failures == Tries)
                    throw new IOException($"{_url} cannot be fetched: {e.Message} ({Tries} tries). {WhatStays()}", e.InnerException);
                _view.Say($"Trying again: {e.Message}.");
                await Task.Delay(_pause * (1 << (failures - 1)), cancellation);
            }
        }
    }

    /// <returns>Whether all of it is there.</returns>
    private async Task<bool> FetchRest(HttpClient client, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _url);
        long have = AskForRest(request);
        using var response = await OnLine(patience => client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience), cancellation);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && response.Content.Headers.ContentRange?.Length == have)
            return true;
        Check(response);

        bool isRest = response.StatusCode == HttpStatusCode.PartialContent;
        if (isRest && (response.Content.Headers.ContentRange?.From != have || (response.Headers.ETag is { } tag && request.Headers.IfRange?.EntityTag is { } asked && !tag.Equals(asked))))
        {
            Forget();
            throw new LostConnection("the server sent another part than was asked for");
        }
        if (!isRest)
            have = 0;
        long? total = response.Content.Headers.ContentLength + have;
        CheckRoom(total - have);
        if (!isRest)
            KeepValidator(response);

        await using var file = new FileStream(_part, isRest ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.Read);
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        var chunk = new byte[ChunkSize];
        for (int read; (read = await OnLine(patience => body.ReadAsync(chunk, patience).AsTask(), cancellation)) > 0;)
        {
            file.Write(chunk, 0, read);
            have += read;
            _view.Report(new Progress("Downloading", have, total ?? have + 1, _pace.Describe(have, total ?? have)));
        }
        return total is null || have == total;
    }

    /// <summary>What the network does wrong becomes a <see cref="LostConnection"/>, other than what the disk does.</summary>
    private static async Task<T> OnLine<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            return await work(patience.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new LostConnection($"the server has been silent for {Patience.TotalSeconds:0} seconds", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new LostConnection(e.Message.TrimEnd('.'), e);
        }
    }

    private void Check(HttpResponseMessage response)
    {
        if (response.IsSuccessStatusCode)
            return;
        string answer = $"the server answered {(int)response.StatusCode} {response.ReasonPhrase}";
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            // What is here is longer than the file: it is of another version.
            Forget();
            throw new LostConnection(answer);
        }
        if ((int)response.StatusCode >= 500 || response.StatusCode == HttpStatusCode.RequestTimeout || (int)response.StatusCode == TooManyRequests)
            throw new LostConnection(answer);
        throw new IOException($"{_url} cannot be fetched: {answer}. With --url it can come from elsewhere.");
    }

    /// <returns>Bytes that need not come again.</returns>
    private long AskForRest(HttpRequestMessage request)
    {
        long have = Length();
        if (have == 0 || !File.Exists(_validator))
            return 0;
        string version = File.ReadAllText(_validator);
        if (!RangeConditionHeaderValue.TryParse(version, out var condition))
            return 0;
        request.Headers.Range = new RangeHeaderValue(have, null);
        request.Headers.IfRange = condition;
        return have;
    }

    /// <summary>A weak tag does not promise the same bytes (RFC 9110, 13.1.5); without any version the file is fetched anew the next time.</summary>
    private void KeepValidator(HttpResponseMessage response)
    {
        Forget();
        string? version = response.Headers.ETag is { IsWeak: false } tag ? tag.ToString() : response.Content.Headers.LastModified?.ToString("r");
        if (version is not null)
            File.WriteAllText(_validator, version);
    }

    private void Forget()
    {
        File.Delete(_part);
        File.Delete(_validator);
    }

    private void CheckRoom(long? needed)
    {
        string folder = AtomicFile.FolderOf(_path);
        long free = new DriveInfo(folder).AvailableFreeSpace;
        if (needed > free)
            throw new IOException(FormattableString.Invariant($"The disk of '{folder}' has {free / 1e6:N1} MB free; the download needs {needed / 1e6:N1} MB more."));
    }

    private void CheckHash()
    {
        if (PromisedHash() is not { } promised)
        {
            _view.Say("The file's name promises no SHA-256; only what is in it is checked.");
            return;
        }
        string hash = Hash(_part);
        if (hash.StartsWith(promised, StringComparison.Ordinal))
            return;
        Forget();
        throw new InvalidDataException(
            $"What came from {_url} is not what its name promises: its SHA-256 begins with {hash[..promised.Length]}, not {promised}. It has been deleted; try again, or from elsewhere with --url.");
    }

    private string? PromisedHash() => HashInName().Match(NameIn(_url.AbsoluteUri)) is { Success: true } match ? match.Groups[1].Value : null;

    private static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private long Length() => File.Exists(_part) ? new FileInfo(_part).Length : 0;

    private string WhatStays() => Length() == 0 ? "" : FormattableString.Invariant($"{Length() / 1e6:0.0} MB stay in '{_part}'; the same command goes on from there.");

    [GeneratedRegex("-([0-9a-f]{8,64})\\.[^.]+$")]
    private static partial Regex HashInName();

    private sealed class LostConnection(string message, Exception? cause = null) : Exception(message, cause);
}
