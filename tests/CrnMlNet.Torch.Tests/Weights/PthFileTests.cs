using System.IO.Compression;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>State dictionaries that PyTorch wrote, and hostile ones written by hand.</summary>
public class PthFileTests
{
    private static readonly string[] Names =
    [
        "plain", "transposed", "sliced", "expanded", "windows", "tied", "tail", "empty", "scalar", "parameter", "half", "bfloat16", "double", "bool",
        "uint8", "int8", "int16", "int32", "int64",
    ];

    public PthFileTests() => TorchBackend.Start();

    [Theory]
    [InlineData("zip.pth", "")]
    [InlineData("legacy.pth", "")]
    [InlineData("training.pth", "state_dict.")]
    public void ReadsEveryTypeAndEveryKindOfViewInAnyOrder(string name, string prefix)
    {
        using var file = TensorFile.Open(Assets.Path(name));
        Assert.Equal(Names.Select(tensor => prefix + tensor), file.Entries.Keys.Take(Names.Length));

        Check("int64", ScalarType.Int64, [3], [1, -1, 1099511627776]);
        Check("int32", ScalarType.Int32, [3], [1, -2, 65536]);
        Check("int16", ScalarType.Int16, [3], [1, -1, -32768]);
        Check("int8", ScalarType.Int8, [3], [0, 127, -128]);
        Check("uint8", ScalarType.Byte, [3], [0, 127, 255]);
        Check("bool", ScalarType.Bool, [3], [1, 0, 1]);
        Check("double", ScalarType.Float64, [3], [0.1, 1e300, -0.5]);
        Check("bfloat16", ScalarType.BFloat16, [3], [1, -2, 3.140625]);
        Check("half", ScalarType.Float16, [3], [1, -2, 65504]);
        Check("parameter", ScalarType.Float32, [2], [1.5, -2.5]);
        Check("scalar", ScalarType.Float32, [], [0.15625]);
        Check("empty", ScalarType.Float32, [2, 0, 3], []);
        Check("tied", ScalarType.Float32, [6], [0, 1, 2, 3, 4, 5]);
        Check("tail", ScalarType.Float32, [2], [4, 5]);
        Check("windows", ScalarType.Float32, [3, 4], [0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5]);
        Check("expanded", ScalarType.Float32, [3, 2, 4], [.. Enumerable.Range(0, 24).Select(i => i / 4 % 2 == 0 ? 7.0 : 8)]);
        Check("plain", ScalarType.Float32, [3, 4, 5], [.. Enumerable.Range(0, 60).Select(i => (double)i)]);
        // At [i, j, k] the base has 20 i + 5 j + k.
        Check("transposed", ScalarType.Float32, [5, 3, 4],
            [.. from k in Enumerable.Range(0, 5) from i in Enumerable.Range(0, 3) from j in Enumerable.Range(0, 4) select 20.0 * i + 5 * j + k]);
        Check("sliced", ScalarType.Float32, [2, 2, 3], [21, 22, 23, 31, 32, 33, 41, 42, 43, 51, 52, 53]);

        void Check(string tensor, ScalarType type, long[] shape, double[] values)
        {
            var entry = file.Entries[prefix + tensor];
            Assert.Equal(type, entry.DataType);
            Assert.Equal(shape, entry.Shape);
            Assert.Equal(values, Assets.Values(file, prefix + tensor));
        }
    }

    [Fact]
    public void TensorsInNestedDictionariesAndListsAreNamedByTheWayToThem()
    {
        using var file = TensorFile.Open(Assets.Path("training.pth"));
        Assert.Equal("optimizer.state.0.exp_avg", file.Entries.Keys.Last());
        Assert.Equal([9], Assets.Values(file, "optimizer.state.0.exp_avg"));
        Assert.Equal(Names.Length + 1, file.Entries.Count);
    }

    /// <summary>Sums and single values as PyTorch 1.13 reads them.</summary>
    [Theory]
    [InlineData("alex.pth", 5, "lin1.model.1.weight", 192, 16.1430274810632, 0.0)]
    [InlineData("squeeze.pth", 7, "lin6.model.1.weight", 512, 17.590552752050012, 0.00014596433902624995)]
    [InlineData("vgg.pth", 5, "lin3.model.1.weight", 512, 51.521323032677174, 0.06547132879495621)]
    public void ReadsFilesOfThePublishedLpips(string name, int count, string tensor, int channels, double sum, double second)
    {
        using var file = TensorFile.Open(SharedData.Find("lpips", name));
        Assert.Equal(count, file.Entries.Count);
        Assert.Equal([1, channels, 1, 1], file.Entries[tensor].Shape);
        Assert.Equal(sum, Assets.Values(file, tensor).Sum(), 1e-12);
        Assert.Equal(second, Assets.Values(file, tensor)[1]);
    }

    [Fact]
    public void ACompleteModuleIsRefusedByTheNameOfItsClass()
    {
        var message = Assets.Refusal(Assets.Bytes("module.pth"));
        Assert.Contains("'torch.nn.modules.linear.Linear'", message);
        Assert.Contains("torch.save(model.state_dict(), path)", message);
    }

    [Fact]
    public void ADamagedStorageOfAZipIsFoundByItsChecksumAndTheTargetStays()
    {
        using var scope = NewDisposeScope();
        var bytes = Assets.Bytes("zip.pth");
        // 59, the last of the plain tensor's floats, little-endian.
        var at = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0, 0, 0x68, 0x42, 0, 0, 0x6c, 0x42]) + 6;
        bytes[at] ^= 1;

        using var file = TensorFile.Open(new MemoryStream(bytes));
        var target = zeros(3, 4, 5);
        Assert.Contains("'zip/data/0' has the checksum", Assert.Throws<FormatException>(() => file.ReadInto("plain", target)).Message);
        Assert.Contains("'zip/data/0' has the checksum", Assert.Throws<FormatException>(() => file.ReadInto("plain", target)).Message);
        Assert.Equal(0, target.sum().item<float>());
        Assert.Equal([4, 5], Assets.Values(file, "tail"));
    }

    [Theory]
    [InlineData("data/0", "compressed", "'zip/data/0' is compressed")]
    [InlineData("data/0", "short", "'zip/data/0' has 236 bytes, and the tensors are views of 240")]
    [InlineData("data/0", "gone", "no 'zip/data/0'")]
    [InlineData("data.pkl", "gone", "0 entries NAME/data.pkl")]
    [InlineData("byteorder", "big", "not little-endian")]
    public void AZipWithOtherEntriesIsRefused(string entry, string change, string message)
    {
        using var written = new MemoryStream();
        using (var source = new ZipArchive(new MemoryStream(Assets.Bytes("zip.pth"))))
        using (var target = new ZipArchive(written, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var from in source.Entries.Where(from => change != "gone" || from.FullName != $"zip/{entry}"))
            {
                using var content = from.Open();
                var bytes = new byte[from.Length];
                content.ReadExactly(bytes);
                var isChanged = from.FullName == $"zip/{entry}";
                using var to = target.CreateEntry(from.FullName, isChanged && change == "compressed" ? CompressionLevel.Optimal : CompressionLevel.NoCompression).Open();
                to.Write(isChanged && change == "short" ? bytes[..^4] : bytes);
            }

            if (change == "big")
                target.CreateEntry($"zip/{entry}", CompressionLevel.NoCompression).Open().Write("big"u8);
        }

        Assert.Contains(message, Assets.Refusal(written.ToArray()));
    }

    [Fact]
    public void ALegacyFileThatIsCutOffOrGoesOnIsRefused()
    {
        var bytes = Assets.Bytes("legacy.pth");
        for (var length = 1; length < bytes.Length; length += 7)
            Assets.Refusal(bytes[..length]);
        Assert.Contains("1 bytes behind its last storage", Assets.Refusal([.. bytes, 0]));
    }

    [Fact]
    public void NoTensorIsLeftBehind()
    {
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        foreach (var name in new[] { "zip.pth", "legacy.pth" })
        {
            using var file = TensorFile.Open(Assets.Path(name));
            Assets.ReadAll(file, 100);
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
