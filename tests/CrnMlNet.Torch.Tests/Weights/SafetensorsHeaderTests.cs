using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using CrnMlNet.Torch.Weights;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>Headers need no libtorch. Files are laid out here by hand after the format's description.</summary>
public class SafetensorsHeaderTests
{
    private const string Pair =
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}""";

    [Fact]
    public void ReadsTensorsInTheOrderOfTheirBytes()
    {
        var file = File(
            """
            {"z":{"shape":[2,3],"dtype":"F16","data_offsets":[0,12]},
             "x/ü.漢":{"dtype":"I64","shape":[],"data_offsets":[15,23]},
             "y.0":{"dtype":"BOOL","shape":[3],"data_offsets":[12,15],"new_field":{"nested":[1,{}]}},
             "none":{"dtype":"F64","shape":[4,0],"data_offsets":[23,23]},
             "__metadata__":{"format":"pt","key":"\u00e9"}}
            """, 23);

        var header = Read(file);

        Assert.Equal(["z", "y.0", "x/ü.漢", "none"], header.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([ScalarType.Float16, ScalarType.Bool, ScalarType.Int64, ScalarType.Float64], header.Tensors.Select(tensor => tensor.DataType));
        Assert.Equal([2, 3], header.Tensors[0].Shape);
        Assert.Empty(header.Tensors[2].Shape);
        Assert.Equal((15, 23, 8), (header.Tensors[2].Begin, header.Tensors[2].End, header.Tensors[2].ByteCount));
        Assert.Equal(23, header.DataByteCount);
        Assert.Equal("pt", header.Metadata["format"]);
        Assert.Equal("é", header.Metadata["key"]);
    }

    [Fact]
    public void LeavesTheStreamAtTheFirstTensor()
    {
        var file = File(Pair, 11);
        using var stream = new MemoryStream([.. new byte[5], .. file]) { Position = 5 };

        Safetensors.ReadHeader(stream);

        Assert.Equal(5 + file.Length - 11, stream.Position);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void ReadsAStreamThatTricklesAndCannotSeek(int perRead)
    {
        Assert.Equal(2, Safetensors.ReadHeader(new TrickleStream(File(Pair, 11), perRead)).Tensors.Count);
    }

    /// <summary>Files from the tests of the reference implementation (safetensors/src/tensor.rs), accepted there.</summary>
    [Theory]
    [InlineData("8\0\0\0\0\0\0\0{\"test\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[0,4]}}\0\0\0\0", 1)]
    [InlineData("<\0\0\0\0\0\0\0{\"test\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 1)]
    [InlineData("<\0\0\0\0\0\0\0{\"test\":{\"dtype\":\"I32\",\"shape\":[2,0],\"data_offsets\":[0, 0]}}", 1)]
    [InlineData("\x06\0\0\0\0\0\0\0{}\x0D\x20\x09\x0A", 0)]
    public void ReadsTheReferenceImplementationsFiles(string file, int tensors)
    {
        Assert.Equal(tensors, Read(Encoding.Latin1.GetBytes(file)).Tensors.Count);
    }

    /// <summary>Files from the same tests, refused there.</summary>
    [Theory]
    [InlineData("", "0 bytes")]
    [InlineData("<\0\0\0\0\0\0\0", "60 bytes, and 0 follow")]
    [InlineData("<\0\0\0\0\xff\xff\xff{\"test\":{}}", "18446742974197923900 bytes")]
    [InlineData("\x01\0\0\0\0\0\0\0\xff", "does not begin with '{'")]
    [InlineData("\x01\0\0\0\0\0\0\0{", "not JSON")]
    [InlineData("<\0\0\0\0\0\0\0{\"test\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "the file has 15 bytes")]
    [InlineData("<\0\0\0\0\0\0\0{\"test\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0extra", "21 bytes of data, and its tensors end at 16")]
    public void RefusesTheReferenceImplementationsBadFiles(string file, string message)
    {
        AssertRefused(Encoding.Latin1.GetBytes(file), message);
    }

    [Theory]
    [InlineData("""[]""", "does not begin with '{'")]
    [InlineData(""" {}""", "does not begin with '{'")]
    [InlineData("""{} {}""", "not JSON")]
    [InlineData("""{"a":1,}""", "'a'")]
    [InlineData("""{/**/}""", "not JSON")]
    [InlineData("""{"a":[]}""", "'a' of the safetensors header is StartArray")]
    [InlineData("""{"a":null}""", "'a' of the safetensors header is Null")]
    [InlineData("""{"a":{}}""", "'a' of the safetensors header has no dtype")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,4]}}""", "'a' of the safetensors header has no shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", "'a' of the safetensors header has no data_offsets")]
    [InlineData("""{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""", "dtype that is Number")]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}""", "dtype 'F8_E4M3'")]
    [InlineData("""{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}""", "dtype 'f32'")]
    [InlineData("""{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", "shape that is Number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", "shape whose element 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1.0],"data_offsets":[0,4]}}""", "shape whose element 1")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}""", "shape whose element 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", "shape whose element 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", "shape whose element 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}""", "shape whose element 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", "overflows")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}""", "overflows")]
    [InlineData("""{"a":{"dtype":"F32","shape":[0,9223372036854775807,2],"data_offsets":[0,0]}}""", "overflows")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}""", "1 data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", "data_offsets of more than 2 numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", "data_offsets whose element 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", "begins at byte 4, behind its end 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,5]}}""", "has 5 bytes (0 to 5), and F32 of shape [1] takes 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "has 4 bytes (0 to 4), and F32 of shape [2] takes 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "leaves a hole: the data's start is at 0")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}}""", "'b' of the safetensors header begins at byte 3, which overlaps the tensor before: the end of 'a' is at 4")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}}""", "'b' of the safetensors header begins at byte 5, which leaves a hole: the end of 'a' is at 4")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "overlaps")]
    [InlineData("""{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}""", "ends at byte 9, and the file has 8 bytes")]
    [InlineData("""{"a":{"dtype":"U8","shape":[7],"data_offsets":[0,7]}}""", "8 bytes of data, and its tensors end at 7")]
    [InlineData("""{}""", "8 bytes of data, and its tensors end at 0")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "names 'a' twice")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[8,8]}}""", "names 'a' twice")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"shape":[8],"data_offsets":[0,8]}}""", "has shape twice")]
    [InlineData("""{"__metadata__":[]}""", "__metadata__ is StartArray")]
    [InlineData("""{"__metadata__":{"n":1}}""", "__metadata__ entry 'n' is Number")]
    [InlineData("""{"__metadata__":{"n":{}}}""", "__metadata__ entry 'n' is StartObject")]
    [InlineData("""{"__metadata__":{"n":"1","n":"2"}}""", "__metadata__ names 'n' twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", "names '__metadata__' twice")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "not Unicode")]
    [InlineData("""{"\u001b[2J":{}}""", "'\\u001b[2J'")]
    public void RefusesAHostileHeader(string json, string message)
    {
        AssertRefused(File(json, 8), message);
    }

    [Fact]
    public void RefusesDeepNesting()
    {
        AssertRefused(File("""{"a":{"extra":""" + new string('[', 1_000_000), 0), "not JSON");
    }

    [Fact]
    public void RefusesMoreDimensionsThanLibtorchIterates()
    {
        var ones = string.Join(",", Enumerable.Repeat(1, 65));
        AssertRefused(File($$$"""{"a":{"dtype":"U8","shape":[{{{ones}}}],"data_offsets":[0,1]}}""", 1), "shape of more than 64 numbers");
    }

    [Fact]
    public void RefusesBytesThatAreNotUtf8()
    {
        AssertRefused([2, 0, 0, 0, 0, 0, 0, 0, (byte)'{', 0xff], "not UTF-8");
    }

    [Fact]
    public void ShowsTheBeginningOfALongName()
    {
        var fault = Assert.Throws<FormatException>(() => Read(File($$$"""{"{{{new string('x', 1_000_000)}}}":{}}""", 0)));
        Assert.InRange(fault.Message.Length, 100, 300);
    }

    [Fact]
    public void AsksForNoMoreMemoryThanAStreamOfUnknownLengthHas()
    {
        var file = new byte[1000];
        BinaryPrimitives.WriteInt64LittleEndian(file, 100_000_000);
        file[8] = (byte)'{';
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<FormatException>(() => Safetensors.ReadHeader(new TrickleStream(file, 100)));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public void AGivenLengthBoundsTheData()
    {
        var file = File(Pair, 11);
        using var longer = new MemoryStream([.. file, .. new byte[100]]);
        Assert.Equal(2, Safetensors.ReadHeader(longer, file.Length).Tensors.Count);

        var fault = Assert.Throws<FormatException>(() => Safetensors.ReadHeader(new TrickleStream(file, 100), file.Length - 1));
        Assert.Contains("'b'", fault.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Safetensors.ReadHeader(new MemoryStream(file), -1));
    }

    [Fact]
    public void EveryCutIsRefused()
    {
        var file = File(Pair, 11);
        for (var length = 0; length < file.Length; length++)
            Assert.Throws<FormatException>(() => Read(file[..length]));
    }

    /// <summary>Whatever the bytes, the answer is a header or a FormatException, and it comes at once.</summary>
    [Fact]
    public void MutatedHeadersAreReadOrRefused()
    {
        const string Alphabet = "{}[]\",:\\0123456789-.eE \n\0u_adtFINU\u007f";
        var random = new Random(1);
        var original = File("""{"__metadata__":{"k":"v"},"a.w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}""", 11);
        var read = 0;
        var clock = Stopwatch.StartNew();
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = original.ToList();
            for (var edits = random.Next(1, 4); edits > 0; edits--)
                Mutate(bytes, random, Alphabet);

            try
            {
                var header = random.Next(2) == 0 ? Read([.. bytes]) : Safetensors.ReadHeader(new TrickleStream([.. bytes], 50));
                Assert.All(header.Tensors, tensor => Assert.InRange(tensor.End, tensor.Begin, header.DataByteCount));
                read++;
            }
            catch (FormatException)
            {
            }
        }

        Assert.InRange(read, 100, 19_000);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 20);
    }

    /// <summary>Most edits keep the header's length field right, so that they reach the parser.</summary>
    private static void Mutate(List<byte> bytes, Random random, string alphabet)
    {
        var at = random.Next(8, bytes.Count);
        var value = random.Next(4) == 0 ? (byte)random.Next(256) : (byte)alphabet[random.Next(alphabet.Length)];
        switch (random.Next(8))
        {
            case 0:
                bytes[random.Next(8)] = value;
                break;
            case 1:
                bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at));
                break;
            case 2:
                var run = bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at));
                bytes.InsertRange(random.Next(8, bytes.Count), run);
                bytes[0] = (byte)Math.Min(255, bytes[0] + run.Count);
                break;
            case 3:
                bytes.Insert(at, value);
                bytes[0]++;
                break;
            default:
                bytes[at] = value;
                break;
        }

        if (bytes.Count < 9)
            bytes.AddRange(new byte[9]);
    }

    internal static byte[] File(string json, params byte[] data)
    {
        var header = Encoding.UTF8.GetBytes(json);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        return [.. length, .. header, .. data];
    }

    private static byte[] File(string json, int dataByteCount) => File(json, new byte[dataByteCount]);

    private static SafetensorsHeader Read(byte[] file) => Safetensors.ReadHeader(new MemoryStream(file));

    private static void AssertRefused(byte[] file, string message)
    {
        var fault = Assert.Throws<FormatException>(() => Read(file));
        Assert.Contains(message, fault.Message);
    }
}
