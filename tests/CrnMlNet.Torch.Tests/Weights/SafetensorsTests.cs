using System.IO.Compression;
using System.Text;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>Tensors in and out. Expected bytes are laid out by hand or come from the reference implementation's tests.</summary>
public class SafetensorsTests
{
    public SafetensorsTests() => TorchBackend.Start();

    /// <summary>safetensors/src/tensor.rs, test_serialization: 0 to 5 as floats, [1, 2, 3], named "attn.0".</summary>
    private static readonly byte[] Attention =
    [
        64, 0, 0, 0, 0, 0, 0, 0, 123, 34, 97, 116, 116, 110, 46, 48, 34, 58, 123, 34, 100,
        116, 121, 112, 101, 34, 58, 34, 70, 51, 50, 34, 44, 34, 115, 104, 97, 112, 101, 34,
        58, 91, 49, 44, 50, 44, 51, 93, 44, 34, 100, 97, 116, 97, 95, 111, 102, 102, 115,
        101, 116, 115, 34, 58, 91, 48, 44, 50, 52, 93, 125, 125, 0, 0, 0, 0, 0, 0, 128, 63,
        0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64, 0, 0, 160, 64,
    ];

    /// <summary>A type's name in the file, its bytes for the values, and the values.</summary>
    public static TheoryData<ScalarType, string, byte[], double[]> Types => new()
    {
        { ScalarType.Bool, "BOOL", [1, 0, 1], [1, 0, 1] },
        { ScalarType.Byte, "U8", [0, 127, 255], [0, 127, 255] },
        { ScalarType.Int8, "I8", [0, 127, 0x80], [0, 127, -128] },
        { ScalarType.Int16, "I16", [1, 0, 0xff, 0xff, 0x00, 0x80], [1, -1, -32768] },
        { ScalarType.Int32, "I32", [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0, 0, 1, 0], [1, -2, 65536] },
        { ScalarType.Int64, "I64", [1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 0, 0, 0], [1, -1, 4294967296] },
        { ScalarType.Float16, "F16", [0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b], [1, -2, 65504] },
        { ScalarType.BFloat16, "BF16", [0x80, 0x3f, 0x00, 0xc0, 0x49, 0x40], [1, -2, 3.140625] },
        { ScalarType.Float32, "F32", [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0x20, 0x3e], [1, -2, 0.15625] },
        { ScalarType.Float64, "F64", [0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0xc4, 0x3f], [1, -2, 0.15625] },
    };

    [Theory]
    [MemberData(nameof(Types))]
    public void EachTypeIsWrittenAndReadAsItsBytes(ScalarType type, string name, byte[] bytes, double[] values)
    {
        using var scope = NewDisposeScope();
        var expected = tensor(values, dtype: ScalarType.Float64).to(type).reshape(3, 1);

        var file = Write(("t", expected));

        Assert.Equal(bytes, file[^bytes.Length..]);
        Assert.Contains($"\"dtype\":\"{name}\",\"shape\":[3,1]", Encoding.UTF8.GetString(file));
        var read = Safetensors.ReadAll(new MemoryStream(SafetensorsHeaderTests.File(
            $$$"""{"t":{"dtype":"{{{name}}}","shape":[3,1],"data_offsets":[0,{{{bytes.Length}}}]}} """, bytes)))["t"];
        Assert.Equal(type, read.dtype);
        Assert.Equal([3, 1], read.shape);
        Assert.Equal(values, Doubles(read));
    }

    [Fact]
    public void WritesTheReferenceImplementationsBytes()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(Attention, Write(("attn.0", arange(6, ScalarType.Float32).reshape(1, 2, 3))));
        Assert.Equal([8, 0, 0, 0, 0, 0, 0, 0, 123, 125, 32, 32, 32, 32, 32, 32], Write());

        using var stream = new MemoryStream();
        Safetensors.Write(stream, [], new Dictionary<string, string> { ["framework"] = "pt" });
        Assert.Equal("(\0\0\0\0\0\0\0{\"__metadata__\":{\"framework\":\"pt\"}}     ", Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Fact]
    public void ReadsTheReferenceImplementationsBytes()
    {
        using var scope = NewDisposeScope();
        var read = Safetensors.ReadAll(new MemoryStream(Attention));
        Assert.Equal([1, 2, 3], read["attn.0"].shape);
        Assert.Equal([0, 1, 2, 3, 4, 5], Doubles(Assert.Single(read).Value));
    }

    [Fact]
    public void NamesMetadataScalarsAndEmptyTensorsSurvive()
    {
        using var scope = NewDisposeScope();
        string[] names = ["g_512_conv1/weights:0", "layers.0.bias", "größe", "漢字", "😀", "quote\"back\\slash\n\0", "", "<&>'+"];
        using var stream = new MemoryStream();
        var metadata = new Dictionary<string, string> { ["κλάσεις"] = "{\"road\":[128,64,128]}\n", [""] = "" };
        Safetensors.Write(stream, names.Select((name, index) => (name, tensor(index))).Append(("empty", zeros(2, 0, 3))), metadata);

        stream.Position = 0;
        Assert.Equal(metadata, Safetensors.ReadHeader(stream).Metadata);
        stream.Position = 0;
        var read = Safetensors.ReadAll(stream);
        Assert.Equal([.. names, "empty"], read.Keys);
        Assert.All(names.Index(), pair => Assert.Equal(pair.Index, read[pair.Item].item<int>()));
        Assert.Empty(read[""].shape);
        Assert.Equal([2, 0, 3], read["empty"].shape);
    }

    [Fact]
    public void HeaderLengthIsAMultipleOfEight()
    {
        using var scope = NewDisposeScope();
        for (var length = 1; length <= 9; length++)
            Assert.Equal(0, Write((new string('n', length), tensor(1f)))[0] % 8);
    }

    [Fact]
    public void StridedTensorsAreWrittenRowMajorAndStayAsTheyAre()
    {
        using var scope = NewDisposeScope();
        var source = arange(24, ScalarType.Float32).reshape(2, 3, 4);
        var strided = source.permute(2, 0, 1);
        var sliced = source[TensorIndex.Ellipsis, TensorIndex.Slice(1, 3)];
        var expanded = tensor(new[] { 7f }).expand(3);

        var read = Safetensors.ReadAll(new MemoryStream(Write(("permuted", strided), ("sliced", sliced), ("expanded", expanded))));

        Assert.Equal([0, 4, 8, 12, 16, 20, 1, 5, 9, 13, 17, 21, 2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23], Doubles(read["permuted"]));
        Assert.Equal([4, 2, 3], read["permuted"].shape);
        Assert.Equal([1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21, 22], Doubles(read["sliced"]));
        Assert.Equal([7, 7, 7], Doubles(read["expanded"]));
        Assert.False(strided.is_contiguous());
    }

    [Fact]
    public void TargetsAreFilledInPlaceWhateverTheirStridesAndFloatingType()
    {
        using var scope = NewDisposeScope();
        var file = Write(
            ("half", tensor(new[] { 1f, -2f, 65504f }).to(ScalarType.Float16)),
            ("brain", tensor(new[] { 1f, -2f, 3.140625f }).to(ScalarType.BFloat16)),
            ("double", tensor(new[] { 0.1, 1e300, -0.5 })),
            ("strided", arange(6, ScalarType.Float32).reshape(2, 3)),
            ("flags", tensor(new[] { true, false, true })),
            ("plain", tensor(new[] { 1f, 2f, 3f })));
        var targets = new Dictionary<string, Tensor>
        {
            ["plain"] = nn.Parameter(zeros(3)),
            ["half"] = zeros(3),
            ["brain"] = nn.Parameter(zeros(3)),
            ["double"] = zeros(3),
            ["strided"] = zeros(3, 2).t(),
            ["flags"] = zeros(3, dtype: ScalarType.Bool),
        };

        using var stream = new MemoryStream(file);
        Safetensors.ReadInto(stream, Safetensors.ReadHeader(stream), targets);

        Assert.Equal([1, -2, 65504], Doubles(targets["half"]));
        Assert.Equal([1, -2, 3.140625], Doubles(targets["brain"]));
        Assert.Equal([0.1f, double.PositiveInfinity, -0.5], Doubles(targets["double"]));
        Assert.Equal([0, 1, 2, 3, 4, 5], Doubles(targets["strided"]));
        Assert.Equal([1, 0, 1], Doubles(targets["flags"]));
        Assert.Equal([1, 2, 3], Doubles(targets["plain"]));
        Assert.True(targets["plain"].requires_grad);
        Assert.True(targets["plain"].is_leaf);
        Assert.False(targets["strided"].is_contiguous());
        Assert.Equal(stream.Length, stream.Position);
    }

    [Fact]
    public void BytesThatAreNoBoolBecomeTrue()
    {
        using var scope = NewDisposeScope();
        var file = SafetensorsHeaderTests.File("""{"t":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]}}""", 0, 1, 2, 255);
        var read = Safetensors.ReadAll(new MemoryStream(file))["t"];
        Assert.Equal([0, 1, 1, 1], read.bytes.ToArray());
    }

    [Fact]
    public void ReadsAZipEntryAndAStreamThatTrickles()
    {
        using var scope = NewDisposeScope();
        using var buffer = new MemoryStream();
        var values = arange(700_000, ScalarType.Float32);
        using (var zip = new ZipArchive(buffer, ZipArchiveMode.Create, leaveOpen: true))
        using (var entry = zip.CreateEntry("weights.safetensors").Open())
            Safetensors.Write(entry, [("small", tensor(3L)), ("large", values)]);

        using var archive = new ZipArchive(buffer);
        var stored = archive.Entries.Single();
        using (var stream = stored.Open())
        {
            Assert.Throws<ArgumentException>(() => Safetensors.ReadAll(stream));
            Assert.True(Safetensors.ReadAll(stream, stored.Length)["large"].Equals(values));
        }

        var file = Write(("small", tensor(3L)), ("large", values));
        var targets = new Dictionary<string, Tensor> { ["small"] = tensor(0L), ["large"] = zeros(700_000) };
        var trickle = new TrickleStream(file, 4099);
        Safetensors.ReadInto(trickle, Safetensors.ReadHeader(trickle), targets);
        Assert.True(targets["large"].Equals(values));
        Assert.Equal(3, targets["small"].item<long>());
    }

    [Fact]
    public void ADamagedZipEntryIsAFormatException()
    {
        using var scope = NewDisposeScope();
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            Safetensors.Write(deflate, [("t", rand(1000))]);
        var bytes = packed.ToArray();
        bytes.AsSpan(60, 40).Fill(0xff);

        using var stream = new DeflateStream(new MemoryStream(bytes), CompressionMode.Decompress);
        Assert.Throws<FormatException>(() => Safetensors.ReadAll(stream, 4000 + 72));
    }

    [Fact]
    public void DataThatEndsEarlyIsRefused()
    {
        using var scope = NewDisposeScope();
        var file = Write(("first", zeros(4)), ("second", zeros(1000)));
        var targets = new Dictionary<string, Tensor> { ["first"] = ones(4), ["second"] = ones(1000) };
        var cut = new TrickleStream(file[..^1], 100);
        var header = Safetensors.ReadHeader(cut);

        var fault = Assert.Throws<FormatException>(() => Safetensors.ReadInto(cut, header, targets));

        Assert.Contains("'second' has 4000 bytes, and 3999 are there", fault.Message);
    }

    [Fact]
    public void AllFaultsOfTargetsAreReportedAndNothingIsChanged()
    {
        using var scope = NewDisposeScope();
        using var stream = new MemoryStream(Write(
            ("same", zeros(2)), ("shape", zeros(2, 3)), ("type", zeros(2)), ("extra", zeros(1))));
        var targets = Enumerable.Range(0, 7).ToDictionary(i => $"lost{i}", _ => zeros(1));
        targets["same"] = ones(2);
        targets["shape"] = ones(3, 2);
        targets["type"] = ones(2, dtype: ScalarType.Int64);
        var header = Safetensors.ReadHeader(stream);
        var position = stream.Position;

        var fault = Assert.Throws<FormatException>(() => Safetensors.ReadInto(stream, header, targets));

        Assert.Equal(
            "The safetensors file does not fit: 7 missing in the file ('lost0', 'lost1', 'lost2', 'lost3', 'lost4', ...); " +
            "1 not expected ('extra'); 1 of another shape ('shape': [2, 3] in the file, [3, 2] expected); " +
            "1 of another type ('type': Float32 in the file, Int64 expected).", fault.Message);
        Assert.Equal(position, stream.Position);
        Assert.Equal([1, 1], Doubles(targets["same"]));
    }

    [Fact]
    public void BadNamesAndTypesAreRefusedBeforeAByteIsWritten()
    {
        using var scope = NewDisposeScope();
        var one = tensor(1f);
        AssertRefused("'a' is used twice", null, ("a", one), ("a", one));
        AssertRefused("__metadata__", null, ("__metadata__", one));
        AssertRefused("surrogate", null, ("\ud83d", one));
        AssertRefused("ComplexFloat32", null, ("c", zeros(1, dtype: ScalarType.ComplexFloat32)));
        AssertRefused("metadata value of 'k'", new() { ["k"] = "\udc00" }, ("a", one));

        static void AssertRefused(string message, Dictionary<string, string>? metadata, params (string, Tensor)[] tensors)
        {
            using var stream = new MemoryStream();
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => Safetensors.Write(stream, tensors, metadata)).Message);
            Assert.Equal(0, stream.Length);
        }
    }

    [Fact]
    public void NoTensorIsLeftBehind()
    {
        using var weights = zeros(3, 5).t();
        using var target = zeros(5, 3, dtype: ScalarType.Float16);
        var file = Write(("t", weights));
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (var round = 0; round < 20; round++)
        {
            Write(("t", weights));
            using var stream = new MemoryStream(file);
            Safetensors.ReadInto(stream, Safetensors.ReadHeader(stream), new Dictionary<string, Tensor> { ["t"] = target });
            Assert.Throws<FormatException>(() => Safetensors.ReadAll(new TrickleStream(file[..^1], 10), file.Length));
            Safetensors.ReadAll(new MemoryStream(file))["t"].Dispose();
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void ATensorMayBeLargerThanTwoGibibytes()
    {
        const long Count = (1L << 31) + 5;
        if (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes < 4L << 30)
            Assert.Skip("Needs 4 GiB of memory.");

        using var scope = NewDisposeScope();
        var large = zeros(Count, dtype: ScalarType.Byte);
        large[Count - 1] = (byte)77;
        large[1L << 31] = (byte)33;
        using var stream = new MostlyZeroStream();
        Safetensors.Write(stream, [("large", large), ("after", tensor((byte)5))]);
        Assert.Equal([33, 77, 5], stream.NonZero.Values.TakeLast(3));
        Assert.Equal([stream.Length - 6, stream.Length - 2, stream.Length - 1], stream.NonZero.Keys.TakeLast(3));

        large.zero_();
        var after = tensor((byte)0);
        Safetensors.ReadInto(stream, Safetensors.ReadHeader(stream), new Dictionary<string, Tensor> { ["large"] = large, ["after"] = after });

        Assert.Equal(77, large[Count - 1].item<byte>());
        Assert.Equal(33, large[1L << 31].item<byte>());
        Assert.Equal(2, large.count_nonzero().item<long>());
        Assert.Equal(5, after.item<byte>());
    }

    private static byte[] Write(params (string Name, Tensor Value)[] tensors)
    {
        using var stream = new MemoryStream();
        Safetensors.Write(stream, tensors);
        return stream.ToArray();
    }

    private static double[] Doubles(Tensor values)
    {
        using var scope = NewDisposeScope();
        return values.detach().to(ScalarType.Float64).contiguous().data<double>().ToArray();
    }

    /// <summary>Gives back what was written, and keeps no zeros: gigabytes without a disk.</summary>
    private sealed class MostlyZeroStream : Stream
    {
        private long _written;
        private long _read;

        public SortedList<long, byte> NonZero { get; } = [];
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => _written;

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            for (var at = 0; buffer[at..].IndexOfAnyExcept((byte)0) is var next and >= 0; at += next + 1)
                NonZero.Add(_written + at + next, buffer[at + next]);
            _written += buffer.Length;
        }

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Min(buffer.Length, _written - _read);
            buffer[..count].Clear();
            foreach (var (position, value) in NonZero)
            {
                if (position >= _read && position < _read + count)
                    buffer[(int)(position - _read)] = value;
            }

            _read += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
