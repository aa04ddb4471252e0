using System.Buffers.Binary;
using CrnMlNet;

namespace PaintToPhoto;

/// <summary>A label PNG that someone sends: whatever it is, reading it takes bounded memory.</summary>
internal static class LabelUpload
{
    /// <summary>The most bytes of a file.</summary>
    public const int LargestFile = 8 << 20;

    /// <summary>The most pixels of an image.</summary>
    public const int MostPixels = 16 << 20;

    private static ReadOnlySpan<byte> Beginning => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, (byte)'I', (byte)'H', (byte)'D', (byte)'R'];

    /// <summary>Receives a file.</summary>
    /// <param name="body">The request's.</param>
    /// <param name="length">How long the request says it is; null: it does not say.</param>
    /// <param name="gone">Cancelled when the sender has gone.</param>
    /// <returns>All of it; null: it is larger than <see cref="LargestFile"/>.</returns>
    public static async Task<byte[]?> Receive(Stream body, long? length, CancellationToken gone)
    {
        if (length > LargestFile)
            return null;
        using var file = new MemoryStream((int)(length ?? 0));
        var buffer = new byte[64 << 10];
        while (await body.ReadAsync(buffer, gone) is > 0 and var count)
        {
            if (file.Length + count > LargestFile)
                return null;
            file.Write(buffer, 0, count);
        }
        return file.Length == file.Capacity ? file.GetBuffer() : file.ToArray();
    }

    /// <summary>Reads it.</summary>
    /// <returns>The palette's channel of every pixel at the painter's size.</returns>
    /// <exception cref="InvalidDataException">It is no PNG, is damaged, has too many pixels, or ids or colours that the palette lacks.</exception>
    public static byte[] Read(byte[] file, Painter painter)
    {
        if (file.Length < Beginning.Length + 8 || !file.AsSpan().StartsWith(Beginning))
            throw new InvalidDataException("This is not a PNG file. Label maps are PNG images whose gray values, palette indices or colours are the palette's.");
        uint width = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(Beginning.Length)), height = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(Beginning.Length + 4));
        if ((ulong)width * height > MostPixels)
            throw new InvalidDataException($"The image says that it is {width} x {height} pixels; {MostPixels:N0} at most are read.");
        var labels = LabelMap.Read(file, "upload");
        try
        {
            return painter.Read(labels);
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }
}
