using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;

namespace CrnMlNet.Tests.Persistence;

/// <summary>Files that somebody made to do harm when they are loaded.</summary>
public sealed class HostileModelTests : IDisposable
{
    private const int Bomb = 64 << 20;

    private readonly TemporaryFolder _folder = new();
    private readonly TrainedModel _model;
    private readonly MLContext _mlContext = new();

    public HostileModelTests(TrainedModel model)
    {
        _model = model;
        _mlContext.TempFilePath = Directory.CreateDirectory(_folder["temp"]).FullName;
    }

    [Theory]
    [InlineData(ModelFile.Description)]
    [InlineData(ModelFile.Weights)]
    [InlineData("SHA256SUMS")]
    public void An_entry_that_unpacks_to_far_more_than_it_may_is_not_unpacked(string name)
    {
        var bomb = WithEntries(entry => entry.Name == name ? new MemoryStream(new byte[Bomb]) : entry.Open());
        Assert.InRange(bomb.Length, 1, 2 << 20);

        var (error, unpacked) = LoadWatched(bomb);

        var refusal = Assert.IsType<FormatException>(error);
        Assert.Contains($"'{name}'", refusal.Message);
        Assert.Contains($"{Bomb:N0} bytes", refusal.Message);
        Assert.InRange(unpacked, 0, 1 << 20);
    }

    [Fact]
    public void An_entry_that_declares_fewer_bytes_than_it_has_is_unpacked_no_further()
    {
        var bomb = WithEntries(entry => entry.Name == ModelFile.Weights ? new MemoryStream(new byte[Bomb]) : entry.Open());
        Declare(bomb, ModelFile.Weights, 50_000);

        var (error, unpacked) = LoadWatched(bomb);

        Assert.IsType<FormatException>(error);
        Assert.InRange(unpacked, 0, 1 << 20);
    }

    [Fact]
    public void Entries_with_names_that_lead_elsewhere_are_never_written()
    {
        string[] names = ["../evil", "../../evil", "TransformerChain/../../evil", "..\\..\\evil", _folder["evil"], "/" + _folder["evil"], "TransformerChain/Model.key/../../evil"];
        var bytes = WithEntries(entry => entry.Open(), names);

        (_mlContext.Model.Load(new MemoryStream(bytes), out _) as IDisposable)?.Dispose();

        Assert.Equal([_mlContext.TempFilePath], Directory.GetFileSystemEntries(_folder.Path));
        Assert.Empty(Directory.GetFileSystemEntries(_mlContext.TempFilePath));
        Assert.False(File.Exists(Path.Combine(Path.GetTempPath(), "evil")));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Loads, and watches how large the largest temporary file gets.</summary>
    private (Exception? Error, long Unpacked) LoadWatched(byte[] bytes)
    {
        long unpacked = 0;
        using var end = new CancellationTokenSource();
        var watch = new Thread(() =>
        {
            do
            {
                foreach (var file in new DirectoryInfo(_mlContext.TempFilePath!).EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }))
                    unpacked = Math.Max(unpacked, LengthOf(file));
            }
            while (!end.Token.WaitHandle.WaitOne(1));
        });
        watch.Start();
        var error = Record.Exception(() => (_mlContext.Model.Load(new MemoryStream(bytes), out _) as IDisposable)?.Dispose());
        end.Cancel();
        watch.Join();
        // ML.NET tells it again with its own words around it.
        while (error is not null and not FormatException)
            error = error.InnerException;
        return (error, unpacked);
    }

    private static long LengthOf(FileInfo file)
    {
        try
        {
            file.Refresh();
            return file.Exists ? file.Length : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private byte[] WithEntries(Func<ZipArchiveEntry, Stream> content, params string[] more)
    {
        using var changed = new MemoryStream();
        using (var source = ZipFile.OpenRead(_model.Path))
        using (var target = new ZipArchive(changed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var entry in source.Entries)
            {
                using var read = content(entry);
                using var written = target.CreateEntry(entry.FullName, CompressionLevel.Fastest).Open();
                read.CopyTo(written);
            }

            foreach (var name in more)
            {
                using var written = target.CreateEntry(name).Open();
                written.Write("evil"u8);
            }
        }

        return changed.ToArray();
    }

    /// <summary>Changes the size that the zip's directory has for an entry (PKWARE APPNOTE 4.3.12: at 24, the name at 46).</summary>
    private static void Declare(byte[] zip, string name, uint length)
    {
        int header = zip.AsSpan(..zip.AsSpan().LastIndexOf(Encoding.ASCII.GetBytes(name))).LastIndexOf("PK\x01\x02"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(header + 24), length);
    }
}
