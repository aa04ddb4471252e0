using System.Security.Cryptography;

namespace CrnMlNet.Cli.Tests;

public sealed class DownloadTests : IDisposable
{
    private static readonly byte[] File1 = Bytes(1, 300_000), File2 = Bytes(2, 300_000);

    private readonly string _folder = Directory.CreateTempSubdirectory("crn-download-").FullName;
    private readonly FileServer _server = new(File1);

    private string Target => Path.Combine(_folder, "file.bin");

    public void Dispose()
    {
        _server.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Goes_on_where_the_connection_dropped()
    {
        _server.Drops.Enqueue(100_000);
        _server.Drops.Enqueue(50_000);

        Fetch();

        AssertHas(File1);
        Assert.Equal(["", "bytes=100000-", "bytes=150000-"], _server.Ranges);
    }

    [Fact]
    public void Goes_on_in_the_next_run_with_what_came_before()
    {
        for (int i = 0; i < 5; i++)
            _server.Drops.Enqueue(i == 0 ? 200_000 : 0);
        var failure = Assert.Throws<IOException>(() => Fetch());
        Assert.Contains("5 tries", failure.Message);
        Assert.Contains($"0.2 MB stay in '{Target}.part'", failure.Message);
        Assert.False(File.Exists(Target));

        Fetch();

        AssertHas(File1);
        Assert.Equal("bytes=200000-", _server.Ranges.Last());
    }

    [Theory]
    [InlineData("ETag: \"two\"")]
    [InlineData(null)]
    public void Begins_anew_when_the_file_has_changed_or_tells_no_version(string? version)
    {
        _server.Version = version is null ? null : _server.Version;
        for (int i = 0; i < 5; i++)
            _server.Drops.Enqueue(i == 0 ? 200_000 : 0);
        Assert.Throws<IOException>(() => Fetch());
        (_server.Content, _server.Version) = (File2, version);

        Fetch();

        AssertHas(File2);
    }

    [Fact]
    public void A_weak_tag_is_no_promise_of_the_same_bytes()
    {
        _server.Version = "ETag: W/\"one\"";
        _server.Drops.Enqueue(100_000);

        Fetch();

        AssertHas(File1);
        Assert.All(_server.Ranges, range => Assert.Equal("", range));
    }

    [Fact]
    public void The_date_of_change_will_do_for_a_version()
    {
        _server.Version = "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT";
        _server.Drops.Enqueue(100_000);

        Fetch();

        AssertHas(File1);
        Assert.Equal(["", "bytes=100000-"], _server.Ranges);
    }

    [Fact]
    public void A_part_that_is_all_of_it_is_not_fetched_again()
    {
        File.WriteAllBytes($"{Target}.part", File1);
        File.WriteAllText($"{Target}.part.version", "\"one\"");

        Fetch();

        AssertHas(File1);
        Assert.Equal(["bytes=300000-"], _server.Ranges);
    }

    [Fact]
    public void A_part_that_is_longer_than_the_file_is_given_up()
    {
        File.WriteAllBytes($"{Target}.part", Bytes(3, 400_000));
        File.WriteAllText($"{Target}.part.version", "\"one\"");

        Fetch();

        AssertHas(File1);
    }

    [Fact]
    public void A_busy_server_is_asked_again()
    {
        _server.Refusals.Enqueue("503 Service Unavailable");
        _server.Refusals.Enqueue("429 Too Many Requests");

        Fetch();

        AssertHas(File1);
    }

    [Fact]
    public void What_is_not_there_is_not_asked_for_again()
    {
        _server.Refusals.Enqueue("404 Not Found");

        var failure = Assert.Throws<IOException>(() => Fetch());

        Assert.Contains("404 Not Found", failure.Message);
        Assert.Contains(_server.Url("file.bin"), failure.Message);
        Assert.Single(_server.Ranges);
    }

    [Fact]
    public void A_server_that_is_not_there_is_named()
    {
        string url = _server.Url("file.bin");
        _server.Dispose();

        var failure = Assert.Throws<IOException>(() => Fetch(url));

        Assert.Contains(url, failure.Message);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_name_that_bears_its_hash_is_held_to_it()
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(File1));
        Fetch(_server.Url($"file-{hash[..8]}.bin"));
        AssertHas(File1);
        // There already, and right: nothing is asked for.
        Fetch(_server.Url($"file-{hash[..8]}.bin"));
        Assert.Single(_server.Ranges);

        File.Delete(Target);
        _server.Content = File2;
        var failure = Assert.Throws<InvalidDataException>(() => Fetch(_server.Url($"file-{hash[..8]}.bin")));
        Assert.Contains(hash[..8], failure.Message);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Another_file_in_its_place_stays()
    {
        File.WriteAllText(Target, "mine");
        Assert.Contains("there already", Assert.Throws<IOException>(() => Fetch()).Message);
        Assert.Equal("mine", File.ReadAllText(Target));
    }

    [Fact]
    public void What_came_stays_when_it_is_cancelled()
    {
        File.WriteAllBytes($"{Target}.part", File1[..100_000]);
        File.WriteAllText($"{Target}.part.version", "\"one\"");
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(() => FetchUntil(cancellation.Token));

        Assert.False(File.Exists(Target));
        Fetch();
        AssertHas(File1);
        Assert.Equal("bytes=100000-", _server.Ranges.Last());
    }

    private static byte[] Bytes(int seed, int count)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private void Fetch(string? url = null) => FetchUntil(TestContext.Current.CancellationToken, url);

    private void FetchUntil(CancellationToken cancellation, string? url = null) => ProgressView.Show(view =>
    {
        new Download(url ?? _server.Url("file.bin"), Target, view, TimeSpan.FromMilliseconds(1)).Fetch(cancellation);
        return 0;
    });

    private void AssertHas(byte[] content)
    {
        Assert.True(File.ReadAllBytes(Target).AsSpan().SequenceEqual(content));
        Assert.Equal([Target], Directory.GetFiles(_folder));
    }
}
