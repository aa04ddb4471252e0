using System.Buffers.Binary;
using System.IO.Compression;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// A network of MatConvNet in a MATLAB 5 file, such as <c>imagenet-vgg-verydeep-19.mat</c>: a cell <c>layers</c> with a
/// struct for each layer, whose fields come in another order from release to release and are found by their names. A
/// convolution has its kernel and bias in a cell <c>weights</c>, in the oldest releases in the fields <c>filters</c> and
/// <c>biases</c> (vl_simplenn_tidy.m).
/// </summary>
/// <remarks>
/// <para>Convolutions are named after their layers and have PyTorch's shapes: <c>conv1_1.weight</c> [O, I, H, W], which
/// MATLAB keeps as H x W x I x O with H fastest, and <c>conv1_1.bias</c> [O]. <c>meta.normalization.averageImage</c>
/// (in older files <c>normalization.averageImage</c>) has MATLAB's dimensions, [H, W, C].</para>
/// <para>A variable may be compressed as a whole. To find the layers in it, opening inflates it once, which verifies its
/// checksum; tensors that are then read in the file's order cost one more pass. No more than a piece of it is in memory.</para>
/// </remarks>
internal sealed class MatConvNetFile : TensorFile
{
    public const int HeaderByteCount = 128;

    private const uint Compressed = 15;
    private const int MostLayers = 10_000;
    private const int MostVariables = 1000;

    private readonly Stream _stream;
    private readonly List<Stream> _variables = [];
    private readonly HashSet<string> _parts = [];
    private readonly OrderedDictionary<string, TensorEntry> _entries = [];

    /// <summary>Takes a stream that stands at its beginning and can seek; it is disposed with the file.</summary>
    public MatConvNetFile(Stream stream)
    {
        _stream = stream;
        try
        {
            CheckHeader();
            for (var count = 0; stream.Position < stream.Length; count++)
            {
                if (count == MostVariables)
                    throw new FormatException($"The .mat file has more than {MostVariables} variables: it is no network of MatConvNet.");
                ReadVariable();
            }

            if (!_entries.Keys.Any(name => name.EndsWith(".weight", StringComparison.Ordinal)))
                throw new FormatException("The .mat file has no cell 'layers' with convolutions in it: it is no network of MatConvNet (SimpleNN).");
        }
        catch
        {
            DisposeVariables();
            throw;
        }
    }

    public override IReadOnlyDictionary<string, TensorEntry> Entries => _entries;

    public override void Dispose()
    {
        DisposeVariables();
        _stream.Dispose();
    }

    protected override void Fill(TensorEntry entry, Tensor target)
    {
        var place = (Entry)entry;
        if (!TensorData.ReadStrided(place.Variable, place.Position, place.StoredType, place.Strides, target))
            throw new FormatException($"The .mat file ends within {TensorEntry.Quote(place.Name)}.");
    }

    private void DisposeVariables()
    {
        foreach (var variable in _variables)
            variable.Dispose();
    }

    private void CheckHeader()
    {
        var header = TensorData.ReadGrowing(_stream, HeaderByteCount);
        if (header.Length < HeaderByteCount)
            throw new FormatException($"Not a .mat file: {header.Length} bytes, and its header takes {HeaderByteCount}.");
        if (header.AsSpan().StartsWith("MATLAB 7.3"u8))
            throw new FormatException("The .mat file has MATLAB's format 7.3 (HDF5), which cannot be read: load it in MATLAB and save it again with -v7.");
        if (!header.AsSpan(124).SequenceEqual((ReadOnlySpan<byte>)[0, 1, (byte)'I', (byte)'M']))
            throw new FormatException("The .mat file is not of MATLAB's format 5, little-endian.");
    }

    /// <summary>Reads one variable, if it is part of a network; the file then stands behind it.</summary>
    private void ReadVariable()
    {
        var start = _stream.Position;
        Span<byte> tag = stackalloc byte[8];
        if (TensorData.Fill(_stream, tag) < tag.Length)
            throw new FormatException("The .mat file is cut off, or has something behind its last variable.");

        long count = BinaryPrimitives.ReadUInt32LittleEndian(tag[4..]), end = start + tag.Length + count;
        if (end > _stream.Length)
            throw new FormatException($"The .mat file is cut off: a variable at byte {start} has {count} bytes, and {_stream.Length - start - tag.Length} are there.");

        Stream variable = BinaryPrimitives.ReadUInt32LittleEndian(tag) == Compressed
            ? OpenCompressed(start + tag.Length, count)
            : new FileSection(_stream, start, tag.Length + count);
        _variables.Add(variable);
        var reader = new MatReader(variable);
        var array = reader.ReadArray(variable.Length);
        if (ReadPart(reader, array, array.Name))
            CheckEnd(variable);
        else
        {
            _variables.RemoveAt(_variables.Count - 1);
            variable.Dispose();
        }

        _stream.Position = end;
    }

    /// <summary>A compressed variable is, once inflated, an element whose tag says how long it is.</summary>
    private RewindableStream OpenCompressed(long start, long count)
    {
        Span<byte> tag = stackalloc byte[8];
        // With a preset dictionary (RFC 1950, FDICT) .NET would end as if reading the file had failed.
        if (TensorData.Fill(new FileSection(_stream, start, count), tag[..2]) < 2 || (tag[1] & 0x20) != 0)
            throw new FormatException("The .mat file has a compressed variable that is damaged: it does not begin as a zlib stream does.");

        using var beginning = Inflate();
        if (TensorData.Fill(beginning, tag) < tag.Length)
            throw new FormatException("The .mat file has a compressed variable with nothing in it.");
        return new RewindableStream(Inflate, tag.Length + (long)BinaryPrimitives.ReadUInt32LittleEndian(tag[4..]));

        ZLibStream Inflate() => new(new FileSection(_stream, start, count), CompressionMode.Decompress);
    }

    /// <summary>Where a compressed variable's data ends, its checksum is verified.</summary>
    private static void CheckEnd(Stream variable)
    {
        variable.Position = variable.Length - 1;
        Span<byte> last = stackalloc byte[2];
        if (TensorData.Fill(variable, last) != 1)
            throw new FormatException("The .mat file has a compressed variable that is longer or shorter than it says.");
    }

    /// <summary>Reads what a variable or a field of the struct <c>net</c> has of a network; false where it has nothing.</summary>
    private bool ReadPart(MatReader reader, MatArray array, string name)
    {
        if (name is not ("layers" or "meta" or "normalization" or "net"))
            return false;
        if (!_parts.Add(name))
            throw new FormatException($"The .mat file has '{name}' twice.");

        switch (name)
        {
            case "layers":
                ReadLayers(reader, array);
                break;
            case "normalization" when array.IsStruct:
                ReadNormalization(reader, array, name);
                break;
            case "meta" when array.IsStruct:
                ForEachField(reader, array, name, (field, value) =>
                {
                    if (field == "normalization" && value.IsStruct)
                        ReadNormalization(reader, value, $"{name}.{field}");
                });
                break;
            case "net":
                ForEachField(reader, array, name, (field, value) => ReadPart(reader, value, field));
                break;
        }

        return true;
    }

    private void ReadNormalization(MatReader reader, MatArray array, string name) =>
        ForEachField(reader, array, name, (field, value) =>
        {
            if (field == "averageImage" && value.IsNumeric && !value.IsEmpty)
                Add($"{name}.{field}", reader.FindNumbers(value), value.Dimensions, Strides(value.Dimensions));
        });

    private void ReadLayers(MatReader reader, MatArray cell)
    {
        if (!cell.IsCell || cell.Count > MostLayers)
            throw new FormatException($"The .mat file's 'layers' is no cell of up to {MostLayers} layers, as MatConvNet's SimpleNN has it.");

        for (var i = 0; i < cell.Count; i++)
        {
            var layer = reader.ReadArray(cell.End);
            ReadLayer(reader, layer, $"layers{{{i + 1}}}");
            reader.Skip(layer);
        }
    }

    private void ReadLayer(MatReader reader, MatArray layer, string path)
    {
        string name = path, type = "";
        MatNumbers? kernel = null, bias = null;
        ForEachField(reader, layer, path, (field, value) =>
        {
            switch (field)
            {
                case "name" when value.IsText && !value.IsEmpty:
                    name = reader.ReadText(value);
                    break;
                case "type" when value.IsText && !value.IsEmpty:
                    type = reader.ReadText(value);
                    break;
                case "weights" when value.IsCell:
                    kernel = value.Count > 0 ? FindWeights(reader, reader.ReadArray(value.End)) : null;
                    bias = value.Count > 1 ? FindWeights(reader, reader.ReadArray(value.End)) : null;
                    break;
                case "filters":
                    kernel = FindWeights(reader, value);
                    break;
                case "biases":
                    bias = FindWeights(reader, value);
                    break;
            }
        });
        if (type == "conv" && kernel is not null)
            AddConvolution(name, kernel, bias);
    }

    /// <summary>Null for an empty [], which stands for a bias that there is not.</summary>
    private static MatNumbers? FindWeights(MatReader reader, MatArray array)
    {
        var numbers = array.IsEmpty ? null : reader.FindNumbers(array);
        reader.Skip(array);
        return numbers;
    }

    private void AddConvolution(string name, MatNumbers kernel, MatNumbers? bias)
    {
        // MATLAB drops dimensions of 1 at the end.
        var dimensions = kernel.Array.Dimensions;
        if (dimensions.Count > 4)
            throw new FormatException($"The .mat file's kernel of {TensorEntry.Quote(name)} is {TensorEntry.Show(dimensions)}, and height x width x inputs x outputs is expected.");
        dimensions = [.. dimensions, .. Enumerable.Repeat(1L, 4 - dimensions.Count)];
        var strides = Strides(dimensions);
        Add($"{name}.weight", kernel, [dimensions[3], dimensions[2], dimensions[0], dimensions[1]], [strides[3], strides[2], strides[0], strides[1]]);

        if (bias is null)
            return;
        if (bias.Array.Count != dimensions[3])
            throw new FormatException($"The .mat file's bias of {TensorEntry.Quote(name)} has {bias.Array.Count} values, and its kernel has {dimensions[3]} outputs.");
        Add($"{name}.bias", bias, [dimensions[3]], [1]);
    }

    private void Add(string name, MatNumbers numbers, IReadOnlyList<long> shape, IReadOnlyList<long> strides)
    {
        var storedType = numbers.Check(TensorEntry.Quote(name));
        if (!_entries.TryAdd(name, new Entry(name, numbers.Array.DataType!.Value, shape, strides, storedType, _variables[^1], numbers.Position)))
            throw new FormatException($"The .mat file has {TensorEntry.Quote(name)} twice.");
    }

    /// <summary>Hands out the fields of a single struct; what is not read of a field is passed over.</summary>
    private static void ForEachField(MatReader reader, MatArray array, string path, Action<string, MatArray> read)
    {
        if (!array.IsStruct || array.Count != 1)
            throw new FormatException($"The .mat file's {TensorEntry.Quote(path)} is no single struct.");

        foreach (var field in reader.ReadFieldNames(array))
        {
            var value = reader.ReadArray(array.End);
            read(field, value);
            reader.Skip(value);
        }
    }

    private static long[] Strides(IReadOnlyList<long> dimensions)
    {
        var strides = new long[dimensions.Count];
        long stride = 1;
        for (var i = 0; i < strides.Length; i++)
        {
            strides[i] = stride;
            stride *= dimensions[i];
        }

        return strides;
    }

    private sealed record Entry(
        string Name, ScalarType DataType, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides, ScalarType StoredType, Stream Variable, long Position)
        : TensorEntry(Name, DataType, Shape);
}
