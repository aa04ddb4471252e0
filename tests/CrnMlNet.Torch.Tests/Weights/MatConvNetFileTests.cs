using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>Networks that SciPy wrote, and elements laid out by hand after MATLAB's description of the format.</summary>
public class MatConvNetFileTests
{
    private const int Double = 6, Single = 7, Cell = 1, Struct = 2, Text = 4;

    public MatConvNetFileTests() => TorchBackend.Start();

    [Theory]
    [InlineData("weights-first.mat", "meta.normalization.averageImage")]
    [InlineData("weights-third.mat", "meta.normalization.averageImage")]
    [InlineData("filters.mat", "normalization.averageImage")]
    [InlineData("net.mat", "meta.normalization.averageImage")]
    public void FieldsAreFoundByTheirNamesAndKernelsHaveTheShapesOfPyTorch(string name, string mean)
    {
        using var file = TensorFile.Open(Assets.Path(name));
        Assert.Equal(new[] { "conv1_1.weight", "conv1_1.bias", "conv1_2.weight", "conv1_2.bias", mean }.Order(), file.Entries.Keys.Order());
        Assert.All(file.Entries.Values, entry => Assert.Equal(ScalarType.Float32, entry.DataType));

        // Written at [h, w, i, o] as 1000 o + 100 i + 10 h + w.
        Assert.Equal([4, 3, 3, 2], file.Entries["conv1_1.weight"].Shape);
        var expected = from o in Enumerable.Range(0, 4) from i in Enumerable.Range(0, 3) from h in Enumerable.Range(0, 3) from w in Enumerable.Range(0, 2) select 1000.0 * o + 100 * i + 10 * h + w;
        Assert.Equal(expected, Assets.Values(file, "conv1_1.weight"));
        Assert.Equal([0.5, 1.5, 2.5, 3.5], Assets.Values(file, "conv1_1.bias"));
        Assert.Equal([1, 4, 1, 1], file.Entries["conv1_2.weight"].Shape);
        Assert.Equal([0, 100, 200, 300], Assets.Values(file, "conv1_2.weight"));
        Assert.Equal([-1], Assets.Values(file, "conv1_2.bias"));
        Assert.Equal([2, 3, 3], file.Entries[mean].Shape);
        Assert.Equal(Enumerable.Range(0, 18).Select(i => (double)i), Assets.Values(file, mean));
        // Once more from the start, behind which a compressed variable's stream is now.
        Assert.Equal(expected, Assets.Values(file, "conv1_1.weight"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void IntegersThatMatlabKeepsInFewerBytesAreRead(bool isCompressed)
    {
        // A double kernel whose values are all from 0 to 255, a single bias kept as 16-bit integers, in four bytes of a tag.
        byte[] kernel = Array(Double, [2, 1, 1, 2], "", Element(2, [1, 2, 3, 255])), bias = Array(Single, [2, 1], "", Small(3, [0xff, 0xff, 2, 0]));
        using var file = TensorFile.Open(new MemoryStream(File(Variable(Network(Layer("conv", "c", kernel, bias)), isCompressed))));

        Assert.Equal(ScalarType.Float64, file.Entries["c.weight"].DataType);
        Assert.Equal([2, 1, 2, 1], file.Entries["c.weight"].Shape);
        Assert.Equal([1, 2, 3, 255], Assets.Values(file, "c.weight"));
        Assert.Equal([-1, 2], Assets.Values(file, "c.bias"));
    }

    [Fact]
    public void WhatIsNoConvolutionIsPassedOver()
    {
        byte[] kernel = Floats([1, 1, 1, 1], 5), object_ = Array(17, [1, 1], "", [1, 2, 3, 4, 5, 6, 7, 8]);
        using var file = TensorFile.Open(new MemoryStream(File(
            Array(9, [1, 3], "something", Small(2, [1, 2, 3])),
            Network(Layer("bnorm", "b", kernel, kernel), Layer("relu", "r"), Layer("custom", "o", object_, Matrix([])), Layer("conv", "without-bias", kernel, Matrix([])), Layer("conv", "", kernel)))));
        Assert.Equal(["without-bias.weight", "layers{5}.weight"], file.Entries.Keys);
        Assert.Equal([5], Assets.Values(file, "without-bias.weight"));
    }

    [Fact]
    public void OtherFilesAreRefusedWithWhatTheyAre()
    {
        byte[] kernel = Floats([1, 1, 1, 1], 5), bias = Floats([1, 1], 5);
        AssertRefused("format 7.3 (HDF5)", Header("MATLAB 7.3 MAT-file", 2, "IM"));
        AssertRefused("format 5, little-endian", Header("MATLAB 5.0 MAT-file", 1, "MI"));
        AssertRefused("neither safetensors nor", new byte[200]);
        AssertRefused("no network of MatConvNet", File());
        AssertRefused("no network of MatConvNet", File(Floats([1, 1], 5)));
        AssertRefused("no cell", File(Array(Double, [1, 1], "layers", Element(9, new byte[8]))));
        AssertRefused("no cell", File(Array(Cell, [100_000, 100_000, 100_000, 100_000, 100_000], "layers", [])));
        AssertRefused("'layers{1}' is no single struct", File(Array(Cell, [1, 1], "layers", kernel)));
        AssertRefused("'layers' twice", File(Network(Layer("conv", "c", kernel, bias)), Network(Layer("conv", "d", kernel, bias))));
        AssertRefused("'c.weight' twice", File(Network(Layer("conv", "c", kernel, bias), Layer("conv", "c", kernel, bias))));
        AssertRefused("bias of 'c' has 2 values, and its kernel has 1 outputs", File(Network(Layer("conv", "c", kernel, Floats([1, 2], 5, 6)))));
        AssertRefused("kernel of 'c' is [1, 1, 1, 1, 1]", File(Network(Layer("conv", "c", Floats([1, 1, 1, 1, 1], 5), bias))));
        AssertRefused("'c.weight' is of MATLAB's class 11", File(Network(Layer("conv", "c", Array(11, [1, 1], "", Small(4, [1, 0])), bias))));
        AssertRefused("values of type 6", File(Network(Layer("conv", "c", Array(Single, [1, 1], "", Small(6, [1, 0, 0, 0])), bias))));
        AssertRefused("is [2, 3], and 4 bytes of Float32", File(Network(Layer("conv", "c", Array(Single, [2, 3], "", Element(7, [1, 2, 3, 4])), bias))));
        AssertRefused("dimensions [-1, 1]", File(Network(Layer("conv", "c", Array(Single, [-1, 1], "", Element(7, [1, 2, 3, 4])), bias))));
        AssertRefused("is complex", File(Network(Layer("conv", "c", Matrix([.. Element(6, [Single, 8, 0, 0, 0, 0, 0, 0]), .. Dimensions([1, 1]), .. Element(1, []), .. Element(7, [1, 2, 3, 4])]), bias))));
    }

    [Theory]
    [InlineData("weights-first.mat")]
    [InlineData("weights-third.mat")]
    public void AFileThatIsCutOffIsRefused(string name)
    {
        var bytes = Assets.Bytes(name);
        // Without its last variables a file is whole again.
        var fewest = name == "weights-first.mat" ? 1 : 0;
        var whole = Enumerable.Range(1, bytes.Length - 1).Where(length => !IsRefused(bytes[..length])).ToList();
        Assert.Equal(fewest, whole.Count);

        static bool IsRefused(byte[] bytes)
        {
            try
            {
                TensorFile.Open(new MemoryStream(bytes)).Dispose();
                return false;
            }
            catch (FormatException)
            {
                return true;
            }
        }
    }

    [Fact]
    public void ACompressedVariableIsVerifiedByItsChecksum()
    {
        var bytes = Assets.Bytes("weights-first.mat");
        var end = 136 + BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(132));
        bytes[end - 1] ^= 1;
        Assert.Contains("damaged", Assets.Refusal(bytes));

        // A zlib stream that asks for a dictionary (RFC 1950, FDICT), which nobody has.
        (bytes[136], bytes[137]) = (0x78, 0xbb);
        Assert.Contains("damaged", Assets.Refusal(bytes));
    }

    [Fact]
    public void ABombIsNotInflatedIntoMemory()
    {
        // Four gigabytes of zeros, as the tag says, of which 64 MiB are there; a cell of as many empty layers as would fit.
        var claim = Array(Cell, [1, 1_000_000_000], "layers", []);
        BinaryPrimitives.WriteUInt32LittleEndian(claim.AsSpan(4), uint.MaxValue);
        var bomb = File(Compress([.. claim, .. new byte[64 << 20]]));
        Assert.InRange(bomb.Length, 0, 200_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("'layers' is no cell of up to 10000 layers", Assets.Refusal(bomb));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void ACompressedVariableIsInflatedOnceToOpenAndOnceToReadInOrder()
    {
        var random = new Random(1);
        var layers = Enumerable.Range(0, 30).Select(i => Layer("conv", $"c{i}", Floats([3, 3, 8, 16], [.. Enumerable.Range(0, 1152).Select(_ => random.NextSingle())]), Floats([1, 16], new float[16])));
        var bytes = File(Compress(Network([.. layers])));
        Assert.InRange(bytes.Length, 100_000, 140_000);
        using var counted = new CountedStream(bytes);

        using var file = TensorFile.Open(counted);
        Assert.InRange(counted.BytesRead, bytes.Length, bytes.Length + 20_000);
        foreach (var name in file.Entries.Keys)
            Assets.Values(file, name);
        Assert.InRange(counted.BytesRead, bytes.Length, 2 * bytes.Length + 20_000);
    }

    private static void AssertRefused(string message, byte[] file) => Assert.Contains(message, Assets.Refusal(file));

    private static byte[] Network(params byte[][] layers) => Array(Cell, [1, layers.Length], "layers", [.. layers.SelectMany(layer => layer)]);

    private static byte[] Layer(string type, string name, params byte[][] weights)
    {
        string[] names = ["weights", "name", "type"];
        return Array(Struct, [1, 1], "",
        [
            .. Small(5, [8, 0, 0, 0]), .. Element(1, [.. names.SelectMany(field => Encoding.ASCII.GetBytes(field.PadRight(8, '\0')))]),
            .. Array(Cell, [1, weights.Length], "", [.. weights.SelectMany(array => array)]),
            .. Array(Text, [Math.Min(1, name.Length), name.Length], "", Element(4, Encoding.Unicode.GetBytes(name))),
            .. Array(Text, [1, type.Length], "", Element(16, Encoding.ASCII.GetBytes(type))),
        ]);
    }

    private static byte[] Floats(int[] dimensions, params float[] values) =>
        Array(Single, dimensions, "", Element(7, [.. values.SelectMany(BitConverter.GetBytes)]));

    private static byte[] Array(int type, int[] dimensions, string name, byte[] content) =>
        Matrix([.. Element(6, [(byte)type, 0, 0, 0, 0, 0, 0, 0]), .. Dimensions(dimensions), .. Element(1, Encoding.ASCII.GetBytes(name)), .. content]);

    private static byte[] Dimensions(int[] dimensions) => Element(5, [.. dimensions.SelectMany(BitConverter.GetBytes)]);

    private static byte[] Matrix(byte[] content) => Element(14, content);

    private static byte[] Element(uint type, byte[] data) =>
        [.. BitConverter.GetBytes(type), .. BitConverter.GetBytes(data.Length), .. data, .. new byte[(8 - data.Length % 8) % 8]];

    private static byte[] Small(ushort type, byte[] data) =>
        [.. BitConverter.GetBytes(type), .. BitConverter.GetBytes((ushort)data.Length), .. data, .. new byte[4 - data.Length]];

    private static byte[] Variable(byte[] array, bool isCompressed) => isCompressed ? Compress(array) : array;

    private static byte[] Compress(byte[] array)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            zlib.Write(array);
        return [.. BitConverter.GetBytes(15), .. BitConverter.GetBytes((int)packed.Length), .. packed.ToArray()];
    }

    private static byte[] File(params byte[][] variables) => [.. Header("MATLAB 5.0 MAT-file", 1, "IM"), .. variables.SelectMany(variable => variable)];

    private static byte[] Header(string text, byte version, string order) =>
        [.. Encoding.ASCII.GetBytes(text.PadRight(116)), .. new byte[8], 0, version, .. Encoding.ASCII.GetBytes(order)];

    private sealed class CountedStream(byte[] bytes) : MemoryStream(bytes)
    {
        public long BytesRead { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            var read = base.Read(buffer);
            BytesRead += read;
            return read;
        }
    }
}
