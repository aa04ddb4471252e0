using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace CrnMlNet.Data;

/// <summary>A text that a PNG file carries before its picture: chunk tEXt of the PNG specification (W3C, second edition, 11.3.4.3).</summary>
internal static class PngText
{
    /// <summary>The signature and IHDR, which comes first.</summary>
    private const int Head = 8 + ChunkFrame + 13;

    /// <summary>A chunk's length, type and checksum.</summary>
    private const int ChunkFrame = 12;

    private const int LongestRead = 1024;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    private static ReadOnlySpan<byte> End => [0, 0, 0, 0, (byte)'I', (byte)'E', (byte)'N', (byte)'D', 0xAE, 0x42, 0x60, 0x82];

    /// <summary>The file with a text right behind its head.</summary>
    /// <param name="png">A PNG file.</param>
    /// <param name="keyword">What the text is called: 1 to 79 letters of Latin-1.</param>
    /// <param name="text">The text, of Latin-1.</param>
    public static byte[] Insert(ReadOnlySpan<byte> png, string keyword, string text)
    {
        byte[] data = Encoding.Latin1.GetBytes($"{keyword}\0{text}");
        var file = new byte[png.Length + ChunkFrame + data.Length];
        png[..Head].CopyTo(file);
        var chunk = file.AsSpan(Head, ChunkFrame + data.Length);
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        "tEXt"u8.CopyTo(chunk[4..]);
        data.CopyTo(chunk[8..]);
        BinaryPrimitives.WriteUInt32BigEndian(chunk[(8 + data.Length)..], Crc32.HashToUInt32(chunk.Slice(4, 4 + data.Length)));
        png[Head..].CopyTo(file.AsSpan(Head + chunk.Length));
        return file;
    }

    /// <summary>The text right behind a file's head, of a file that has its end, too.</summary>
    /// <param name="path">The file. No more than its beginning and its end are read.</param>
    /// <param name="keyword">What the text is called.</param>
    /// <returns>Null: there is no such file or text, or the file is damaged there.</returns>
    public static string? Read(string path, string keyword)
    {
        Span<byte> head = stackalloc byte[LongestRead], end = stackalloc byte[ChunkFrame];
        // Most are not there yet, and exceptions take longer than asking.
        if (!File.Exists(path))
            return null;
        try
        {
            using var file = File.OpenHandle(path);
            head = head[..RandomAccess.Read(file, head, 0)];
            end = end[..RandomAccess.Read(file, end, Math.Max(0, RandomAccess.GetLength(file) - ChunkFrame))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        if (head.Length < Head + ChunkFrame || !head.StartsWith(Signature) || !end.SequenceEqual(End))
            return null;
        var chunk = head[Head..];
        uint length = BinaryPrimitives.ReadUInt32BigEndian(chunk);
        if (length > chunk.Length - ChunkFrame || !chunk.Slice(4, 4).SequenceEqual("tEXt"u8))
            return null;
        if (Crc32.HashToUInt32(chunk.Slice(4, 4 + (int)length)) != BinaryPrimitives.ReadUInt32BigEndian(chunk[(8 + (int)length)..]))
            return null;
        string text = Encoding.Latin1.GetString(chunk.Slice(8, (int)length));
        return text.StartsWith($"{keyword}\0", StringComparison.Ordinal) ? text[(keyword.Length + 1)..] : null;
    }
}
