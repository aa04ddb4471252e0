using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>One tensor's place in a safetensors file.</summary>
/// <param name="Name">The tensor's name, unique in the file.</param>
/// <param name="DataType">The element type in the file.</param>
/// <param name="Shape">The dimensions, each at least 0; empty for a scalar.</param>
/// <param name="Begin">The first byte, counted from the end of the header.</param>
/// <param name="End">One past the last byte, counted from the end of the header.</param>
public sealed record SafetensorsEntry(string Name, ScalarType DataType, IReadOnlyList<long> Shape, long Begin, long End)
    : TensorEntry(Name, DataType, Shape)
{
    /// <summary>The tensor's size in bytes.</summary>
    public long ByteCount => End - Begin;
}

/// <summary>
/// The checked header of a safetensors file (https://github.com/huggingface/safetensors#format): what a file holds,
/// with sizes that are known to fit each other.
/// </summary>
public sealed class SafetensorsHeader
{
    /// <summary>The most bytes that a header may have, as in the reference implementation.</summary>
    public const int MaximumByteCount = 100_000_000;

    internal const string MetadataName = "__metadata__";

    /// <summary>libtorch's own iterators stop at 64 dimensions.</summary>
    private const int MaximumRank = 64;

    private static readonly (string Name, ScalarType Type, int ByteCount)[] DataTypes =
    [
        ("BOOL", ScalarType.Bool, 1),
        ("U8", ScalarType.Byte, 1),
        ("I8", ScalarType.Int8, 1),
        ("I16", ScalarType.Int16, 2),
        ("I32", ScalarType.Int32, 4),
        ("I64", ScalarType.Int64, 8),
        ("F16", ScalarType.Float16, 2),
        ("BF16", ScalarType.BFloat16, 2),
        ("F32", ScalarType.Float32, 4),
        ("F64", ScalarType.Float64, 8),
    ];

    internal SafetensorsHeader(IReadOnlyList<SafetensorsEntry> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        Tensors = tensors;
        Metadata = metadata;
    }

    /// <summary>The tensors in the order of their bytes, one right after the other, the first at 0.</summary>
    public IReadOnlyList<SafetensorsEntry> Tensors { get; }

    /// <summary>The file's <c>__metadata__</c>; empty where it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The bytes that follow the header.</summary>
    public long DataByteCount => Tensors.Count == 0 ? 0 : Tensors[^1].End;

    internal static SafetensorsHeader Read(Stream stream, long? length)
    {
        if (length < sizeof(ulong))
            throw new FormatException($"Not a safetensors file: {length} bytes, and the header's length alone takes 8.");

        var json = ReadJson(stream, length);
        var (entries, metadata) = Parse(json);
        entries.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        CheckLayout(entries, length - sizeof(ulong) - json.Length);
        return new SafetensorsHeader(entries, metadata);
    }

    internal byte[] ToBytes()
    {
        using var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[sizeof(ulong)]);
        using (var writer = new Utf8JsonWriter(buffer))
            WriteJson(writer);

        // Spaces up to a multiple of 8, so that the first tensor is aligned.
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');

        var bytes = buffer.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(bytes, bytes.Length - sizeof(ulong));
        return bytes;
    }

    /// <summary>The bytes per element, or null where safetensors has no such type.</summary>
    internal static int? ElementByteCount(ScalarType type)
    {
        var index = Array.FindIndex(DataTypes, known => known.Type == type);
        return index < 0 ? null : DataTypes[index].ByteCount;
    }

    private static byte[] ReadJson(Stream stream, long? length)
    {
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        var read = TensorData.Fill(stream, prefix);
        if (read < prefix.Length)
            throw new FormatException($"Not a safetensors file: it ends after {read} bytes, and the header's length alone takes 8.");

        var count = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (count > MaximumByteCount)
            throw new FormatException($"Not a safetensors file: its header would have {count} bytes, and {MaximumByteCount} are allowed.");
        if (length is { } known && count > (ulong)(known - sizeof(ulong)))
            throw new FormatException($"The safetensors file is cut off or damaged: its header has {count} bytes, and {known - sizeof(ulong)} follow.");

        var json = TensorData.ReadGrowing(stream, (int)count);
        if (json.Length < (int)count)
            throw new FormatException($"The safetensors file is cut off: its header has {count} bytes, and {json.Length} follow.");
        if (json.Length == 0 || json[0] != '{')
            throw new FormatException("Not a safetensors file: its header does not begin with '{'.");
        return json;
    }

    private static (List<SafetensorsEntry> Entries, Dictionary<string, string> Metadata) Parse(byte[] json)
    {
        if (!Utf8.IsValid(json))
            throw new FormatException("The safetensors header is not UTF-8.");

        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            return ParseFile(ref reader);
        }
        catch (JsonException fault)
        {
            throw new FormatException($"The safetensors header is not JSON: {fault.Message}", fault);
        }
    }

    private static (List<SafetensorsEntry> Entries, Dictionary<string, string> Metadata) ParseFile(ref Utf8JsonReader reader)
    {
        var entries = new List<SafetensorsEntry>();
        var names = new HashSet<string>();
        var metadata = new Dictionary<string, string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = Text(ref reader);
            if (!names.Add(name))
                throw new FormatException($"The safetensors header names {TensorEntry.Quote(name)} twice.");

            reader.Read();
            if (name == MetadataName)
                ParseMetadata(ref reader, metadata);
            else
                entries.Add(ParseEntry(ref reader, name));
        }

        // Refuses whatever stands behind the closing brace, white space apart.
        reader.Read();
        return (entries, metadata);
    }

    private static void ParseMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new FormatException($"The safetensors header's {MetadataName} is {reader.TokenType}, not an object.");

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = Text(ref reader);
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                throw new FormatException($"The safetensors header's {MetadataName} entry {TensorEntry.Quote(key)} is {reader.TokenType}, not a string.");
            if (!metadata.TryAdd(key, Text(ref reader)))
                throw new FormatException($"The safetensors header's {MetadataName} names {TensorEntry.Quote(key)} twice.");
        }
    }

    private static SafetensorsEntry ParseEntry(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Fault(name, $"is {reader.TokenType}, not an object");

        string? type = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = Text(ref reader);
            reader.Read();
            switch (field)
            {
                case "dtype" when type is null:
                    type = reader.TokenType == JsonTokenType.String
                        ? Text(ref reader)
                        : throw Fault(name, $"has a dtype that is {reader.TokenType}, not a string");
                    break;
                case "shape" when shape is null:
                    shape = ParseIntegers(ref reader, name, field, MaximumRank);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ParseIntegers(ref reader, name, field, 2);
                    break;
                case "dtype" or "shape" or "data_offsets":
                    throw Fault(name, $"has {field} twice");
                default:
                    reader.Skip();
                    break;
            }
        }

        return CheckEntry(name, type, shape, offsets);
    }

    private static List<long> ParseIntegers(ref Utf8JsonReader reader, string name, string field, int maximumCount)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw Fault(name, $"has a {field} that is {reader.TokenType}, not an array");

        var values = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var value) || value < 0)
                throw Fault(name, $"has a {field} whose element {values.Count} is not an integer from 0 to {long.MaxValue}");
            if (values.Count == maximumCount)
                throw Fault(name, $"has a {field} of more than {maximumCount} numbers");
            values.Add(value);
        }

        return values;
    }

    private static SafetensorsEntry CheckEntry(string name, string? type, List<long>? shape, List<long>? offsets)
    {
        if (type is null || shape is null || offsets is null)
            throw Fault(name, $"has no {(type is null ? "dtype" : shape is null ? "shape" : "data_offsets")}");

        var index = Array.FindIndex(DataTypes, known => known.Name == type);
        if (index < 0)
            throw Fault(name, $"has the dtype {TensorEntry.Quote(type)}; readable are {string.Join(", ", DataTypes.Select(known => known.Name))}");
        if (offsets.Count != 2)
            throw Fault(name, $"has {offsets.Count} data_offsets, not 2");
        if (offsets[0] > offsets[1])
            throw Fault(name, $"begins at byte {offsets[0]}, behind its end {offsets[1]}");

        var bytes = CountBytes(shape, DataTypes[index].ByteCount)
            ?? throw Fault(name, $"has the shape {TensorEntry.Show(shape)}, which overflows 64 bits");
        if (offsets[1] - offsets[0] != bytes)
            throw Fault(name, $"has {offsets[1] - offsets[0]} bytes ({offsets[0]} to {offsets[1]}), and {type} of shape {TensorEntry.Show(shape)} takes {bytes}");

        return new SafetensorsEntry(name, DataTypes[index].Type, shape.AsReadOnly(), offsets[0], offsets[1]);
    }

    /// <summary>
    /// The bytes of a tensor, or null on overflow. Zeros count as ones for the overflow, because libtorch multiplies
    /// the other dimensions into strides even where a tensor is empty.
    /// </summary>
    private static long? CountBytes(List<long> shape, int elementByteCount)
    {
        long count = elementByteCount;
        foreach (var dimension in shape)
        {
            if (count > long.MaxValue / Math.Max(dimension, 1))
                return null;
            count *= Math.Max(dimension, 1);
        }

        return shape.Contains(0) ? 0 : count;
    }

    /// <summary>The tensors must cover the data exactly, so that a file has one reading only.</summary>
    private static void CheckLayout(List<SafetensorsEntry> entries, long? dataByteCount)
    {
        long end = 0;
        string? previous = null;
        foreach (var entry in entries)
        {
            var neighbour = previous is null ? "the data's start" : $"the end of {TensorEntry.Quote(previous)}";
            if (entry.Begin < end)
                throw Fault(entry.Name, $"begins at byte {entry.Begin}, which overlaps the tensor before: {neighbour} is at {end}");
            if (entry.Begin > end)
                throw Fault(entry.Name, $"begins at byte {entry.Begin}, which leaves a hole: {neighbour} is at {end}");
            if (entry.End > dataByteCount)
                throw Fault(entry.Name, $"ends at byte {entry.End}, and the file has {dataByteCount} bytes of data: it is cut off or damaged");
            (end, previous) = (entry.End, entry.Name);
        }

        if (end < dataByteCount)
            throw new FormatException($"The safetensors file has {dataByteCount} bytes of data, and its tensors end at {end}.");
    }

    private static string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException fault)
        {
            // An escaped half of a surrogate pair, such as \ud800.
            throw new FormatException($"The safetensors header has a string that is not Unicode, before byte {reader.BytesConsumed}.", fault);
        }
    }

    private static FormatException Fault(string name, string what) => new($"Tensor {TensorEntry.Quote(name)} of the safetensors header {what}.");

    private void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        if (Metadata.Count > 0)
        {
            writer.WriteStartObject(MetadataName);
            foreach (var (key, value) in Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                writer.WriteString(key, value);
            writer.WriteEndObject();
        }

        foreach (var entry in Tensors)
        {
            writer.WriteStartObject(entry.Name);
            writer.WriteString("dtype", DataTypes.First(known => known.Type == entry.DataType).Name);
            WriteIntegers(writer, "shape", entry.Shape);
            WriteIntegers(writer, "data_offsets", [entry.Begin, entry.End]);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteIntegers(Utf8JsonWriter writer, string name, IReadOnlyList<long> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
            writer.WriteNumberValue(value);
        writer.WriteEndArray();
    }
}
