using System.IO.Compression;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>Whatever is in a file, reading it ends in success or in a FormatException, soon and without much memory.</summary>
[Collection(RunAlone.Name)]
public class FuzzedTensorFileTests
{
    private const int Count = 10_000;

    public FuzzedTensorFileTests() => TorchBackend.Start();

    [Theory]
    [InlineData("zip.pth")]
    [InlineData("legacy.pth")]
    [InlineData("weights-first.mat")]
    [InlineData("weights-third.mat")]
    [InlineData("filters.mat")]
    public void WholeFiles(string name)
    {
        var bytes = Assets.Bytes(name);
        Run(random => Damage.Any(bytes, random));
    }

    [Fact]
    public void Safetensors()
    {
        using var scope = NewDisposeScope();
        using var stream = new MemoryStream();
        Torch.Weights.Safetensors.Write(stream, [("a", ones(2, 3)), ("b", ones(4, dtype: ScalarType.Int64)), ("c", tensor(true)), ("d", ones(1, 2, dtype: ScalarType.Float16))],
            new Dictionary<string, string> { ["format"] = "pt" });
        var bytes = stream.ToArray();
        Run(random => Damage.Any(bytes, random));
    }

    /// <summary>Behind the zip's checksums: a pickle and storages that somebody has made to look whole.</summary>
    [Fact]
    public void PicklesInWholeZips()
    {
        using var archive = new ZipArchive(new MemoryStream(Assets.Bytes("zip.pth")));
        var entries = archive.Entries.Select(entry =>
        {
            using var content = entry.Open();
            var bytes = new byte[entry.Length];
            content.ReadExactly(bytes);
            return (entry.FullName, Bytes: bytes);
        }).ToList();
        Run(random =>
        {
            using var file = new MemoryStream();
            using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
            {
                foreach (var (name, bytes) in entries)
                {
                    using var content = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                    content.Write(name.EndsWith(".pkl", StringComparison.Ordinal) || random.Next(20) == 0 ? Damage.Any(bytes, random) : bytes);
                }
            }

            return file.ToArray();
        });
    }

    /// <summary>Behind zlib's checksum: elements that somebody has made to look whole.</summary>
    [Fact]
    public void CompressedVariables()
    {
        var bytes = Assets.Bytes("net.mat");
        using var zlib = new ZLibStream(new MemoryStream(bytes[136..]), CompressionMode.Decompress);
        using var inflated = new MemoryStream();
        zlib.CopyTo(inflated);
        var variable = inflated.ToArray();
        Run(random =>
        {
            using var packed = new MemoryStream();
            using (var pack = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
                pack.Write(Damage.Any(variable, random));
            return [.. bytes[..128], .. BitConverter.GetBytes(15), .. BitConverter.GetBytes((int)packed.Length), .. packed.ToArray()];
        });
    }

    private static void Run(Func<Random, byte[]> make)
    {
        var fuzz = new Fuzz { IsAllowed = fault => fault is FormatException, MostAllocated = 4L << 20 };
        var memory = new PeakMemory();
        fuzz.Run(0, Count, (_, random) =>
        {
            using var file = TensorFile.Open(new MemoryStream(make(random)));
            Assets.ReadAll(file, 100_000);
        });

        memory.AssertBelow(100L << 20);
        Assert.InRange(fuzz.Outcomes["success"], 1, Count / 2);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Join(", ", fuzz.Outcomes));
    }
}
