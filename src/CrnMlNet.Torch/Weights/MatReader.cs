using System.Buffers.Binary;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>An array of a MATLAB file; what it holds stands behind its name, up to <see cref="End"/>.</summary>
/// <param name="Class">Its mxCLASS number.</param>
/// <param name="IsComplex">Whether it has imaginary parts.</param>
/// <param name="Dimensions">At least two numbers, each at least 0.</param>
/// <param name="Name">The variable's name; empty within another array.</param>
/// <param name="End">The position one past the array.</param>
internal sealed record MatArray(int Class, bool IsComplex, IReadOnlyList<long> Dimensions, string Name, long End)
{
    public bool IsCell => Class == 1;

    public bool IsStruct => Class == 2;

    public bool IsText => Class == 4;

    public bool IsNumeric => Class is >= 6 and <= 15;

    /// <summary>The type of a numeric array's values, or null where libtorch has none.</summary>
    public ScalarType? DataType => Class switch
    {
        6 => ScalarType.Float64,
        7 => ScalarType.Float32,
        8 => ScalarType.Int8,
        9 => ScalarType.Byte,
        10 => ScalarType.Int16,
        12 => ScalarType.Int32,
        14 => ScalarType.Int64,
        _ => null,
    };

    public bool IsEmpty => Dimensions.Contains(0);

    /// <summary>The number of elements; the largest there is on overflow.</summary>
    public long Count => IsEmpty ? 0 : Dimensions.Aggregate(1L, (count, dimension) => count > long.MaxValue / dimension ? long.MaxValue : count * dimension);
}

/// <summary>Where a numeric array's values stand, in MATLAB's order (the first dimension fastest).</summary>
/// <param name="Array">The array.</param>
/// <param name="StoredAs">The miTYPE number in the file: MATLAB writes integers in fewer bytes, whatever the array's type.</param>
/// <param name="Position">The first value's position.</param>
/// <param name="ByteCount">The bytes that are there.</param>
internal sealed record MatNumbers(MatArray Array, uint StoredAs, long Position, long ByteCount)
{
    /// <summary>Checks that libtorch has the type that the values are stored as, and that they are all there.</summary>
    /// <param name="what">What they are, for an error.</param>
    /// <returns>The type that the values are stored as.</returns>
    /// <exception cref="FormatException">They cannot be read.</exception>
    public ScalarType Check(string what)
    {
        if (Array.DataType is null || Array.IsComplex)
            throw new FormatException($"The .mat file's {what} is {(Array.IsComplex ? "complex" : $"of MATLAB's class {Array.Class}")}, which cannot be read.");

        ScalarType type = StoredAs switch
        {
            1 => ScalarType.Int8,
            2 => ScalarType.Byte,
            3 => ScalarType.Int16,
            5 => ScalarType.Int32,
            7 => ScalarType.Float32,
            9 => ScalarType.Float64,
            12 => ScalarType.Int64,
            _ => throw new FormatException($"The .mat file's {what} has values of type {StoredAs}, which cannot be read."),
        };
        if (ByteCount % type.ElementSize() != 0 || ByteCount / type.ElementSize() != Array.Count)
            throw new FormatException($"The .mat file's {what} is {TensorEntry.Show(Array.Dimensions)}, and {ByteCount} bytes of {type} are there.");
        return type;
    }
}

/// <summary>
/// Reads arrays of a MATLAB 5 file front to back (MATLAB's MAT-File Format document): elements of an eight-byte tag, the
/// data, and padding to a multiple of eight bytes; up to four bytes of data stand in the tag itself.
/// </summary>
/// <param name="stream">A stream that can seek.</param>
internal sealed class MatReader(Stream stream)
{
    private const int MostDimensions = 32;
    private const int MostTextBytes = 256;
    private const int MostFieldNameBytes = 1 << 12;

    private enum ElementType : uint
    {
        Int8 = 1,
        UInt8 = 2,
        UInt16 = 4,
        Int32 = 5,
        UInt32 = 6,
        Matrix = 14,
        Utf8 = 16,
        Utf16 = 17,
    }

    /// <summary>Reads an array's type, dimensions and name; what it holds comes next.</summary>
    /// <param name="end">Where the array must have ended.</param>
    /// <exception cref="FormatException">There is none, or it is damaged.</exception>
    public MatArray ReadArray(long end)
    {
        var element = ReadTag(end);
        if (element.Type != ElementType.Matrix)
            throw new FormatException($"The .mat file has an element of type {(uint)element.Type} at byte {element.Start} of its variable, where an array must be.");
        // An empty [] within a cell or struct has nothing at all.
        if (element.ByteCount == 0)
            return new MatArray(6, false, [0, 0], "", element.End);

        var flags = ReadData(ReadTag(element.End), ElementType.UInt32, 8);
        if (flags.Length < 8)
            throw new FormatException("The .mat file has an array without a type.");
        // Objects that only MATLAB understands (mxOPAQUE) go on differently.
        if (flags[0] == 17)
            return new MatArray(17, false, [1, 1], "", element.End);

        return new MatArray(flags[0], (flags[1] & 8) != 0, ReadDimensions(element.End), Encoding.Latin1.GetString(ReadData(ReadTag(element.End), ElementType.Int8, MostTextBytes)), element.End);
    }

    /// <summary>Goes to where an array ends.</summary>
    public void Skip(MatArray array) => stream.Position = array.End;

    /// <summary>Reads the names of a struct's fields; for each one array comes next, where the struct is a single one.</summary>
    public string[] ReadFieldNames(MatArray array)
    {
        var width = ReadData(ReadTag(array.End), ElementType.Int32, 4);
        var bytesPerName = width.Length == 4 ? BinaryPrimitives.ReadInt32LittleEndian(width) : 0;
        var names = ReadData(ReadTag(array.End), ElementType.Int8, MostFieldNameBytes);
        if (bytesPerName < 1 || names.Length % bytesPerName != 0)
            throw new FormatException($"The .mat file has a struct with {names.Length} bytes of field names of {bytesPerName} bytes each.");

        return [.. names.Chunk(bytesPerName).Select(name => Encoding.Latin1.GetString(name).Split('\0')[0])];
    }

    /// <summary>Reads a text array.</summary>
    public string ReadText(MatArray array)
    {
        var element = ReadTag(array.End);
        var bytes = ReadData(element, element.Type, MostTextBytes);
        return element.Type switch
        {
            ElementType.Int8 or ElementType.UInt8 => Encoding.Latin1.GetString(bytes),
            ElementType.Utf8 => Encoding.UTF8.GetString(bytes),
            ElementType.UInt16 or ElementType.Utf16 => Encoding.Unicode.GetString(bytes),
            _ => throw new FormatException($"The .mat file has text of type {(uint)element.Type}."),
        };
    }

    /// <summary>Finds an array's values, and reads none; an array that is not numeric has none.</summary>
    public MatNumbers FindNumbers(MatArray array)
    {
        if (!array.IsNumeric)
            return new MatNumbers(array, 0, 0, 0);

        var element = ReadTag(array.End);
        return new MatNumbers(array, (uint)element.Type, element.Start, element.ByteCount);
    }

    private long[] ReadDimensions(long end)
    {
        var bytes = ReadData(ReadTag(end), ElementType.Int32, MostDimensions * sizeof(int));
        var dimensions = bytes.Chunk(sizeof(int)).Select(chunk => chunk.Length == sizeof(int) ? (long)BinaryPrimitives.ReadInt32LittleEndian(chunk) : -1).ToArray();
        return dimensions.Length >= 2 && dimensions.All(dimension => dimension >= 0)
            ? dimensions
            : throw new FormatException($"The .mat file has an array of dimensions {TensorEntry.Show(dimensions)}.");
    }

    /// <summary>Reads a tag; the stream then stands behind it.</summary>
    private Element ReadTag(long end)
    {
        Span<byte> tag = stackalloc byte[8];
        var start = stream.Position;
        if (start > end - tag.Length)
            throw new FormatException($"The .mat file is damaged: at byte {start} of its variable an element is missing.");
        if (TensorData.Fill(stream, tag) < tag.Length)
            throw new FormatException("The .mat file is cut off.");

        var type = BinaryPrimitives.ReadUInt32LittleEndian(tag);
        var small = type >> 16;
        if (small > 4)
            throw new FormatException($"The .mat file has {small} bytes in a tag at byte {start} of its variable, and 4 have room.");
        if (small > 0)
            return new Element((ElementType)(type & 0xffff), start + 4, small, start + 8, tag[4..(4 + (int)small)].ToArray());

        long count = BinaryPrimitives.ReadUInt32LittleEndian(tag[4..]);
        if (count > end - stream.Position)
            throw new FormatException($"The .mat file is cut off or damaged: an element at byte {start} of its variable has {count} bytes, and {end - stream.Position} are there.");
        return new Element((ElementType)type, start + 8, count, Math.Min(end, start + 8 + (count + 7) / 8 * 8), null);
    }

    /// <summary>Reads an element's data and what pads it.</summary>
    private byte[] ReadData(Element element, ElementType type, int most)
    {
        if (element.Type != type || element.ByteCount > most)
            throw new FormatException($"The .mat file has {element.ByteCount} bytes of type {(uint)element.Type} at byte {element.Start} of its variable, where up to {most} of type {(uint)type} must be.");

        // A compressed stream would have to begin again for what is in the tag.
        var bytes = element.InTag ?? TensorData.ReadGrowing(stream, (int)element.ByteCount);
        if (bytes.Length < element.ByteCount)
            throw new FormatException("The .mat file is cut off.");
        stream.Position = element.End;
        return bytes;
    }

    private readonly record struct Element(ElementType Type, long Start, long ByteCount, long End, byte[]? InTag);
}
