using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace CrnMlNet.Tests.Shared;

/// <summary>Writes PNG files byte by byte, as the PNG specification (W3C, second edition) has it, so that tests know what is in them.</summary>
internal static class PngWriter
{
    public const byte Gray = 0;
    public const byte Rgb = 2;
    public const byte Palette = 3;
    public const byte GrayAlpha = 4;
    public const byte Rgba = 6;

    /// <param name="path">Where to.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="colorType">One of the constants above.</param>
    /// <param name="samples">The rows' bytes, without the filter bytes.</param>
    /// <param name="depth">Bits per sample.</param>
    /// <param name="chunks">Chunks between IHDR and IDAT.</param>
    public static void Write(string path, int width, int height, byte colorType, byte[] samples, byte depth = 8, params (string Type, byte[] Data)[] chunks)
    {
        using var file = File.Create(path);
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);

        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = depth;
        header[9] = colorType;
        WriteChunk(file, "IHDR", header);
        foreach (var (type, data) in chunks)
            WriteChunk(file, type, data);

        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            var rowBytes = samples.Length / height;
            for (var y = 0; y < height; y++)
            {
                zlib.WriteByte(0);
                zlib.Write(samples, y * rowBytes, rowBytes);
            }
        }

        WriteChunk(file, "IDAT", packed.ToArray());
        WriteChunk(file, "IEND", []);
    }

    /// <summary>Writes gray values or palette indices, row by row; every row has another filter, in turn.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="depth">Bits per number.</param>
    /// <param name="numbers">The numbers.</param>
    /// <param name="interlaced">Whether to write Adam7's seven passes.</param>
    /// <param name="palette">A palette's colours, red, green, blue; null: numbers are gray values.</param>
    /// <param name="chunks">More chunks between IHDR and IDAT.</param>
    public static void WriteNumbers(
        string path, int width, int height, byte depth, ushort[] numbers, bool interlaced = false, byte[]? palette = null, params (string Type, byte[] Data)[] chunks)
    {
        // Where in 8 x 8 pixels each pass has its pixels (PNG specification, 8.2).
        string[] adam7 = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"];
        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (var pass = interlaced ? 1 : 0; pass <= (interlaced ? 7 : 0); pass++)
            {
                var above = Array.Empty<byte>();
                for (var y = 0; y < height; y++)
                {
                    ushort[] row = [.. Enumerable.Range(0, width).Where(x => pass == 0 || adam7[y % 8][x % 8] == '0' + pass).Select(x => numbers[y * width + x])];
                    if (row.Length == 0)
                        continue;
                    var bytes = Pack(row, depth);
                    zlib.Write(Filter(bytes, above.Length == 0 ? new byte[bytes.Length] : above, y % 5, Math.Max(1, depth / 8)));
                    above = bytes;
                }
            }
        }

        using var file = File.Create(path);
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        WriteChunk(file, "IHDR", [.. BigEndian((uint)width), .. BigEndian((uint)height), depth, palette is null ? Gray : Palette, 0, 0, (byte)(interlaced ? 1 : 0)]);
        if (palette is not null)
            WriteChunk(file, "PLTE", palette);
        foreach (var (type, chunk) in chunks)
            WriteChunk(file, type, chunk);
        // In two chunks, as writers with a small buffer do.
        var packed = data.ToArray();
        WriteChunk(file, "IDAT", packed[..(packed.Length / 2)]);
        WriteChunk(file, "IDAT", packed[(packed.Length / 2)..]);
        WriteChunk(file, "IEND", []);
    }

    private static byte[] Pack(ushort[] row, byte depth)
    {
        if (depth == 16)
            return [.. row.SelectMany(value => new[] { (byte)(value >> 8), (byte)value })];
        var bytes = new byte[(row.Length * depth + 7) / 8];
        for (var i = 0; i < row.Length; i++)
            bytes[i * depth / 8] |= (byte)(row[i] << (8 - depth - i * depth % 8));
        return bytes;
    }

    /// <summary>A row with its filter byte (PNG specification, 9.2).</summary>
    private static byte[] Filter(byte[] row, byte[] above, int filter, int distance)
    {
        var filtered = new byte[row.Length + 1];
        filtered[0] = (byte)filter;
        for (var i = 0; i < row.Length; i++)
        {
            int a = i >= distance ? row[i - distance] : 0, b = above[i], c = i >= distance ? above[i - distance] : 0;
            var p = a + b - c;
            var nearest = new[] { a, b, c }.MinBy(value => Math.Abs(p - value));
            filtered[i + 1] = (byte)(row[i] - (filter switch { 0 => 0, 1 => a, 2 => b, 3 => (a + b) / 2, _ => nearest }));
        }

        return filtered;
    }

    public static byte[] BigEndian(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static void WriteChunk(Stream file, string type, byte[] data)
    {
        file.Write(BigEndian((uint)data.Length));
        byte[] typeAndData = [.. Encoding.ASCII.GetBytes(type), .. data];
        file.Write(typeAndData);
        file.Write(BigEndian(Crc(typeAndData)));
    }

    public static uint Crc(byte[] bytes)
    {
        var crc = 0xFFFFFFFFu;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? 0xEDB88320u ^ (crc >> 1) : crc >> 1;
        }

        return ~crc;
    }
}
