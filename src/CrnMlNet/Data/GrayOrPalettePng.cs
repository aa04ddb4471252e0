using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace CrnMlNet.Data;

/// <summary>
/// A PNG file of gray values or of palette indices, with 1, 2, 4, 8 or 16 bits, as the numbers that stand in it: image decoders
/// make 8-bit colours of them, which label ids do not survive. After the PNG specification (W3C, second edition), interlaced
/// files included; colour management and transparency of gray values are passed over.
/// </summary>
internal sealed class GrayOrPalettePng
{
    private const byte Gray = 0;
    private const byte Indexed = 3;
    private const int HeadLength = 26;
    private const int LongestPalette = 256;

    // Deflate codes at most 258 bytes in 2 bits.
    private const long LargestRatio = 1032;

    private static readonly Pass[] Whole = [new(0, 0, 1, 1)];
    private static readonly Pass[] Adam7 =
        [new(0, 0, 8, 8), new(4, 0, 8, 8), new(0, 4, 4, 8), new(2, 0, 4, 4), new(0, 2, 2, 4), new(1, 0, 2, 2), new(0, 1, 1, 2)];


    private readonly string _path;
    private byte[] _alphas = [];

    private GrayOrPalettePng(string path, int width, int height, int depth)
    {
        _path = path;
        (Width, Height, Depth) = (width, height, depth);
    }

    public int Width { get; }

    public int Height { get; }

    /// <summary>Bits of a number.</summary>
    public int Depth { get; }

    /// <summary>The gray values, 0 to 2^depth - 1, or the palette indices, row by row.</summary>
    public ushort[] Numbers { get; private set; } = [];

    /// <summary>The colours of a palette image; null: a gray one.</summary>
    public RgbColor[]? Palette { get; private set; }

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Whether this is the beginning of such a file.</summary>
    public static bool IsOne(ReadOnlySpan<byte> file)
        => file.Length >= HeadLength && file.StartsWith(Signature) && file[25] is Gray or Indexed;

    /// <summary>How opaque a palette's colour is: 255 unless the file says otherwise.</summary>
    public byte AlphaOf(int index) => index < _alphas.Length ? _alphas[index] : byte.MaxValue;

    /// <summary>Reads a file for which <see cref="IsOne"/>.</summary>
    /// <exception cref="InvalidDataException">It is damaged or truncated, or too big.</exception>
    public static GrayOrPalettePng Read(ReadOnlySpan<byte> file, string path)
    {
        file = file[Signature.Length..];
        var header = NextChunk(ref file, path, out var type);
        if (!type.SequenceEqual("IHDR"u8) || header.Length != 13)
            throw Damaged(path, "it does not begin with its size");
        var png = FromHeader(header, path, out var passes);
        using var packed = new MemoryStream();
        do
        {
            var data = NextChunk(ref file, path, out type);
            if (type.SequenceEqual("PLTE"u8))
                png.Palette = ReadPalette(data, path);
            else if (type.SequenceEqual("tRNS"u8))
                png._alphas = data.ToArray();
            else if (type.SequenceEqual("IDAT"u8))
                packed.Write(data);
        }
        while (!type.SequenceEqual("IEND"u8));

        png.ReadNumbers(packed, passes, isIndexed: header[9] == Indexed);
        return png;
    }

    private static GrayOrPalettePng FromHeader(ReadOnlySpan<byte> header, string path, out Pass[] passes)
    {
        uint width = BinaryPrimitives.ReadUInt32BigEndian(header), height = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        var (depth, colorType) = (header[8], header[9]);
        if (width is 0 or > int.MaxValue || height is 0 or > int.MaxValue)
            throw Damaged(path, $"its size is {width} x {height} pixels");
        // As for pictures: what has no room as colours is no label image either.
        if (4L * width * height > Array.MaxLength || (long)width * height > Array.MaxLength)
            throw new InvalidDataException($"Image '{path}' is {width} x {height} pixels, too big to decode.");
        if (depth is not (1 or 2 or 4 or 8 or 16) || (depth == 16 && colorType == Indexed))
            throw Damaged(path, $"it has {depth} bits per pixel");
        if (header[10] != 0 || header[11] != 0 || header[12] > 1)
            throw Damaged(path, "it is packed in a way that PNG does not know");
        passes = header[12] == 0 ? Whole : Adam7;
        return new GrayOrPalettePng(path, (int)width, (int)height, depth);
    }

    /// <summary>Takes a chunk off the file.</summary>
    /// <returns>The chunk's data.</returns>
    private static ReadOnlySpan<byte> NextChunk(ref ReadOnlySpan<byte> file, string path, out ReadOnlySpan<byte> type)
    {
        if (file.Length < 12 || BinaryPrimitives.ReadUInt32BigEndian(file) > (uint)file.Length - 12)
            throw Truncated(path);
        var length = (int)BinaryPrimitives.ReadUInt32BigEndian(file);
        type = file.Slice(4, 4);
        var data = file.Slice(8, length);
        if (Crc32.HashToUInt32(file.Slice(4, length + 4)) != BinaryPrimitives.ReadUInt32BigEndian(file[(length + 8)..]))
            throw Damaged(path, "a checksum differs");
        file = file[(length + 12)..];
        return data;
    }

    private static RgbColor[] ReadPalette(ReadOnlySpan<byte> chunk, string path)
    {
        if (chunk.Length % 3 != 0 || chunk.Length is 0 or > 3 * LongestPalette)
            throw Damaged(path, $"its palette has {chunk.Length} bytes");
        var palette = new RgbColor[chunk.Length / 3];
        for (var i = 0; i < palette.Length; i++)
            palette[i] = new RgbColor(chunk[3 * i], chunk[3 * i + 1], chunk[3 * i + 2]);
        return palette;
    }

    private void ReadNumbers(MemoryStream packed, Pass[] passes, bool isIndexed)
    {
        if (isIndexed && Palette is null)
            throw Damaged(_path, "it has no palette");
        if (!isIndexed)
            Palette = null; // a suggestion, for displays of few colours

        var needed = passes.Sum(pass => pass.WidthOf(Width) == 0 ? 0 : pass.HeightOf(Height) * (1L + RowBytes(pass)));
        if (needed > LargestRatio * (packed.Length + 1))
            throw Damaged(_path, $"{packed.Length} bytes cannot hold {Width} x {Height} pixels");
        Numbers = new ushort[Width * Height];
        packed.Position = 0;
        using var unpacked = new ZLibStream(packed, CompressionMode.Decompress);
        foreach (var pass in passes)
            ReadPass(unpacked, pass);
        if (isIndexed)
            CheckIndices();
    }

    private int RowBytes(Pass pass) => (int)(((long)pass.WidthOf(Width) * Depth + 7) / 8);

    private void ReadPass(ZLibStream unpacked, Pass pass)
    {
        int width = pass.WidthOf(Width), height = pass.HeightOf(Height);
        if (width == 0)
            return;
        // The filters look at the pixel before, at least a byte away, and at the row above; before the first there are zeros.
        int distance = Math.Max(1, Depth / 8), bytes = RowBytes(pass);
        var (row, above) = (new byte[distance + bytes], new byte[distance + bytes]);
        for (var y = 0; y < height; y++)
        {
            ReadRow(unpacked, row.AsSpan(distance - 1));
            (byte filter, row[distance - 1]) = (row[distance - 1], 0);
            Unfilter(filter, row, above, distance);
            Unpack(row.AsSpan(distance), Numbers.AsSpan((pass.Y + y * pass.StepY) * Width, Width), width, pass);
            (row, above) = (above, row);
        }
    }

    /// <param name="unpacked">The rows.</param>
    /// <param name="row">Receives the row's filter and its bytes.</param>
    private void ReadRow(ZLibStream unpacked, Span<byte> row)
    {
        try
        {
            unpacked.ReadExactly(row);
        }
        catch (EndOfStreamException)
        {
            throw Truncated(_path);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw Damaged(_path, "its pixels cannot be unpacked");
        }
    }

    /// <param name="filter">The row's filter.</param>
    /// <param name="row">The row, behind a pixel of zeros.</param>
    /// <param name="above">The row above it, likewise.</param>
    /// <param name="distance">Bytes of that pixel.</param>
    private void Unfilter(byte filter, byte[] row, byte[] above, int distance)
    {
        switch (filter)
        {
            case 0:
                break;
            case 1:
                for (var i = distance; i < row.Length; i++)
                    row[i] += row[i - distance];
                break;
            case 2:
                for (var i = distance; i < row.Length; i++)
                    row[i] += above[i];
                break;
            case 3:
                for (var i = distance; i < row.Length; i++)
                    row[i] += (byte)((row[i - distance] + above[i]) / 2);
                break;
            case 4:
                for (var i = distance; i < row.Length; i++)
                    row[i] += (byte)Paeth(row[i - distance], above[i], above[i - distance]);
                break;
            default:
                throw Damaged(_path, $"a row has the filter {filter}");
        }
    }

    private static int Paeth(int left, int above, int corner)
    {
        int toLeft = Math.Abs(above - corner), toAbove = Math.Abs(left - corner), toCorner = Math.Abs(left + above - 2 * corner);
        if (toLeft <= toAbove && toLeft <= toCorner)
            return left;
        return toAbove <= toCorner ? above : corner;
    }

    private void Unpack(ReadOnlySpan<byte> row, Span<ushort> numbers, int width, Pass pass)
    {
        for (var x = 0; x < width; x++)
        {
            numbers[pass.X + x * pass.StepX] = Depth switch
            {
                16 => BinaryPrimitives.ReadUInt16BigEndian(row[(2 * x)..]),
                8 => row[x],
                _ => (ushort)(row[x * Depth / 8] >> (8 - Depth - x * Depth % 8) & ((1 << Depth) - 1)),
            };
        }
    }

    private void CheckIndices()
    {
        var beyond = Numbers.AsSpan().IndexOfAnyInRange((ushort)Palette!.Length, ushort.MaxValue);
        if (beyond >= 0)
            throw Damaged(_path, $"pixel ({beyond % Width}, {beyond / Width}) has the colour {Numbers[beyond]} of a palette of {Palette.Length}");
    }

    private static InvalidDataException Truncated(string path) => new($"Image '{path}' is truncated: the file ends before the picture does.");

    private static InvalidDataException Damaged(string path, string what) => new($"Image '{path}' is damaged: {what}.");

    /// <summary>Of an interlaced file a part of the pixels: from a first one on, every so many.</summary>
    private readonly record struct Pass(int X, int Y, int StepX, int StepY)
    {
        public int WidthOf(int width) => Math.Max(0, width - X + StepX - 1) / StepX;

        public int HeightOf(int height) => Math.Max(0, height - Y + StepY - 1) / StepY;
    }
}
