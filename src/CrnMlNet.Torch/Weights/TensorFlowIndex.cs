using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>What a checkpoint's index says of a variable (TensorFlow's <c>BundleEntryProto</c>).</summary>
/// <param name="Name">The variable's name.</param>
/// <param name="DataType">The element type in the data file.</param>
/// <param name="Shape">The dimensions, each at least 0; empty for a scalar.</param>
/// <param name="Shard">The data file, from 0.</param>
/// <param name="Begin">The first byte in the data file.</param>
/// <param name="End">One past the last byte.</param>
/// <param name="MaskedCrc">The CRC-32C of these bytes, masked.</param>
internal sealed record TensorFlowEntry(string Name, ScalarType DataType, IReadOnlyList<long> Shape, int Shard, long Begin, long End, uint MaskedCrc)
    : TensorEntry(Name, DataType, Shape);

/// <summary>
/// The index of a TensorFlow V2 checkpoint: a LevelDB table of <c>BundleEntryProto</c>s by their variables' names, behind a
/// <c>BundleHeaderProto</c> (<c>tensorflow/core/protobuf/tensor_bundle.proto</c>).
/// </summary>
/// <param name="Shards">The number of data files.</param>
/// <param name="Entries">The variables in the order of their names' bytes, with places that are known not to overlap.</param>
internal sealed record TensorFlowIndex(int Shards, IReadOnlyList<TensorFlowEntry> Entries)
{
    private const int MostShards = 99_999;

    /// <summary>The version of the format that is read; <c>kTensorBundleVersion</c>.</summary>
    private const int Version = 1;

    /// <summary>libtorch's own iterators stop at 64 dimensions.</summary>
    private const int MaximumRank = 64;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // tensorflow/core/framework/types.proto.
    private static readonly Dictionary<long, ScalarType> DataTypes = new()
    {
        [1] = ScalarType.Float32,
        [2] = ScalarType.Float64,
        [3] = ScalarType.Int32,
        [4] = ScalarType.Byte,
        [5] = ScalarType.Int16,
        [6] = ScalarType.Int8,
        [9] = ScalarType.Int64,
        [10] = ScalarType.Bool,
        [14] = ScalarType.BFloat16,
        [19] = ScalarType.Float16,
    };

    /// <summary>Reads an index and checks that it fits itself.</summary>
    /// <param name="table">Its bytes.</param>
    /// <exception cref="FormatException">It is damaged, or of a kind that is not supported; the message is half a sentence about it.</exception>
    public static TensorFlowIndex Read(ReadOnlySpan<byte> table)
    {
        var pairs = LevelDbTable.Read(table);
        if (pairs.Count == 0 || pairs[0].Key.Length > 0)
            throw new FormatException("it lacks the checkpoint's header");
        int shards = ReadHeader(pairs[0].Value);
        var entries = pairs.Skip(1).Select(pair => ReadEntry(NameOf(pair.Key), pair.Value, shards)).ToList();
        CheckOverlaps(entries);
        return new TensorFlowIndex(shards, entries);
    }

    private static int ReadHeader(byte[] value)
    {
        long shards = 0, endianness = 0, minimumConsumer = 0;
        try
        {
            var header = new ProtobufReader(value);
            for (int field; (field = header.NextField()) != 0;)
            {
                if (field == 1)
                    shards = header.ReadInteger();
                else if (field == 2)
                    endianness = header.ReadInteger();
                else if (field == 3)
                    minimumConsumer = ReadMinimumConsumer(header.ReadMessage());
                else
                    header.Skip();
            }
        }
        catch (FormatException fault)
        {
            throw new FormatException($"its header is damaged: {fault.Message}", fault);
        }

        if (endianness != 0)
            throw new FormatException("it was written on a big-endian machine, which is not supported");
        if (minimumConsumer > Version)
            throw new FormatException($"it asks for a reader of version {minimumConsumer}, and this one reads version {Version}");
        return shards is >= 1 and <= MostShards ? (int)shards : throw new FormatException($"its header says that there are {shards} data files");
    }

    private static long ReadMinimumConsumer(ProtobufReader version)
    {
        long minimum = 0;
        for (int field; (field = version.NextField()) != 0;)
        {
            if (field == 2)
                minimum = version.ReadInteger();
            else
                version.Skip();
        }

        return minimum;
    }

    private static string NameOf(byte[] key)
    {
        try
        {
            return StrictUtf8.GetString(key);
        }
        catch (DecoderFallbackException fault)
        {
            throw new FormatException($"it has a variable whose name is not UTF-8 ({Convert.ToHexStringLower(key.AsSpan(0, Math.Min(key.Length, 32)))})", fault);
        }
    }

    private static TensorFlowEntry ReadEntry(string name, byte[] value, int shards)
    {
        try
        {
            return ReadEntryOf(name, value, shards);
        }
        catch (FormatException fault)
        {
            throw new FormatException($"its entry of the variable {TensorEntry.Quote(name)} cannot be used: {fault.Message}", fault);
        }
    }

    private static TensorFlowEntry ReadEntryOf(string name, byte[] value, int shards)
    {
        long type = 0, shard = 0, begin = 0, size = 0;
        uint crc = 0;
        var shape = new List<long>();
        var entry = new ProtobufReader(value);
        for (int field; (field = entry.NextField()) != 0;)
        {
            switch (field)
            {
                case 1:
                    type = entry.ReadInteger();
                    break;
                case 2:
                    ReadShape(entry.ReadMessage(), shape);
                    break;
                case 3:
                    shard = entry.ReadInteger();
                    break;
                case 4:
                    begin = entry.ReadInteger();
                    break;
                case 5:
                    size = entry.ReadInteger();
                    break;
                case 6:
                    crc = entry.ReadFixed32();
                    break;
                case 7:
                    throw new FormatException("it is stored in slices, which is not supported. Save the checkpoint without partitioned variables");
                default:
                    entry.Skip();
                    break;
            }
        }

        if (!DataTypes.TryGetValue(type, out var dataType))
            throw new FormatException($"it is of TensorFlow's data type {type}; readable are {string.Join(", ", DataTypes.Values)}");
        if (shard < 0 || shard >= shards)
            throw new FormatException($"it would be in data file {shard} of {shards}, counted from 0");
        if (begin < 0 || size < 0 || begin > long.MaxValue - size)
            throw new FormatException($"it would have {size} bytes from byte {begin}");
        long? expected = CountBytes(shape, dataType.ElementSize());
        if (size != expected)
            throw new FormatException($"it has {size} bytes, and {dataType} of shape {TensorEntry.Show(shape)} takes {expected?.ToString() ?? "more than 64 bits can count"}");
        return new TensorFlowEntry(name, dataType, shape.AsReadOnly(), (int)shard, begin, begin + size, crc);
    }

    /// <summary>Reads a <c>TensorShapeProto</c>.</summary>
    private static void ReadShape(ProtobufReader reader, List<long> shape)
    {
        for (int field; (field = reader.NextField()) != 0;)
        {
            if (field == 2)
                shape.Add(ReadDimension(reader.ReadMessage()));
            else if (field == 3 && reader.ReadInteger() != 0)
                throw new FormatException("its number of dimensions is not known");
            else if (field != 3)
                reader.Skip();
            if (shape.Count > MaximumRank)
                throw new FormatException($"it has more than {MaximumRank} dimensions");
        }
    }

    private static long ReadDimension(ProtobufReader reader)
    {
        long size = 0;
        for (int field; (field = reader.NextField()) != 0;)
        {
            if (field == 1)
                size = reader.ReadInteger();
            else
                reader.Skip();
        }

        return size >= 0 ? size : throw new FormatException($"it has a dimension of size {size}");
    }

    /// <summary>
    /// The bytes of a tensor, or null on overflow. Zeros count as ones for the overflow, because libtorch multiplies
    /// the other dimensions into strides even where a tensor is empty.
    /// </summary>
    private static long? CountBytes(List<long> shape, int elementByteCount)
    {
        long count = elementByteCount;
        foreach (long dimension in shape)
        {
            if (count > long.MaxValue / Math.Max(dimension, 1))
                return null;
            count *= Math.Max(dimension, 1);
        }

        return shape.Contains(0) ? 0 : count;
    }

    private static void CheckOverlaps(List<TensorFlowEntry> entries)
    {
        TensorFlowEntry? before = null;
        foreach (var entry in entries.Where(entry => entry.End > entry.Begin).OrderBy(entry => entry.Shard).ThenBy(entry => entry.Begin))
        {
            if (before is not null && before.Shard == entry.Shard && entry.Begin < before.End)
                throw new FormatException(
                    $"its variables {TensorEntry.Quote(before.Name)} (bytes {before.Begin} to {before.End}) and {TensorEntry.Quote(entry.Name)} (from byte {entry.Begin}) overlap in the data");
            before = entry;
        }
    }
}
