using CrnMlNet.Torch.Backend;
using Microsoft.ML.Data;
using SkiaSharp;

namespace CrnMlNet;

/// <summary>Reads and writes image files strictly: a picture is whole, or there is an error.</summary>
public static class ImageFile
{
    private const int JpegQuality = 95;
    private const int LongestEnd = 4096;
    private const string ForLabels = " Gray label images of any depth can be read from a text column of their paths.";

    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>
    /// Reads an image file. Unlike ML.NET's own loading, a truncated file is an error rather than a picture with a gray rest,
    /// and the pixels of gray and palette images come as they are written, without colour management.
    /// </summary>
    /// <param name="path">A PNG, JPEG, BMP, GIF or WebP file.</param>
    /// <returns>The image, 8 bits per component, to be disposed by the caller; its <see cref="MLImage.Tag"/> is the path.</returns>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is not an image, is damaged or truncated, or is a PNG whose gray values
    /// or colours 8 bits would change.</exception>
    public static MLImage Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var pixels = Decode(ReadBytes(path), path, out var width, out var height);
        var image = MLImage.CreateFromPixels(width, height, MLPixelFormat.Bgra32, pixels);
        image.Tag = path;
        return image;
    }

    /// <summary>Writes an image as PNG or JPEG, by the path's extension. The file appears whole or not at all: it is written
    /// beside its place and then renamed.</summary>
    /// <param name="image">The image.</param>
    /// <param name="path">A path that ends in .png, .jpg or .jpeg; an existing file is replaced.</param>
    /// <exception cref="ArgumentException">The extension is another one.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(MLImage image, string path)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentException.ThrowIfNullOrEmpty(path);
        var format = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".png" => SKEncodedImageFormat.Png,
            ".jpg" or ".jpeg" => SKEncodedImageFormat.Jpeg,
            var other => throw new ArgumentException($"Image '{path}': '{other}' is not an extension that can be written; use .png, .jpg or .jpeg.", nameof(path)),
        };

        using var encoded = Encode(image, format, path);
        try
        {
            AtomicFile.Write(path, stream => stream.Write(encoded.AsSpan()), durable: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"Image '{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <summary>
    /// Looks at a file's head and end for what ML.NET's own loading lets pass in silence: a truncated PNG or JPEG, and a PNG
    /// whose values 8 bits would change. Decodes nothing.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is such a one.</exception>
    internal static void CheckWhole(string path)
    {
        using var file = File.OpenHandle(path);
        long length = RandomAccess.GetLength(file);
        Span<byte> head = stackalloc byte[26], end = stackalloc byte[LongestEnd];
        head = head[..RandomAccess.Read(file, head, 0)];
        end = end[..RandomAccess.Read(file, end, Math.Max(0, length - LongestEnd))];
        RejectPngDepth(head, path);
        RejectTruncated(head, end, path);
    }

    /// <summary>The size that the file's head tells, in pixels; null: it is no picture.</summary>
    internal static (int Width, int Height)? SizeOf(string path)
    {
        using var codec = SKCodec.Create(path);
        return codec is null ? null : (codec.Info.Width, codec.Info.Height);
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    internal static byte[] ReadBytes(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FileNotFoundException($"Image '{path}' does not exist.", path, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"Image '{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Decodes an image file's bytes as <see cref="Load"/> does: to pixels of 4 bytes each, blue first.</summary>
    /// <exception cref="InvalidDataException">They are not an image, are damaged or truncated, or have a depth that 8 bits would change.</exception>
    internal static byte[] Decode(byte[] bytes, string path, out int width, out int height)
    {
        RejectPngDepth(bytes, path);
        RejectTruncated(bytes, bytes, path);

        using var data = SKData.CreateCopy(bytes);
        using var codec = SKCodec.Create(data);
        if (codec is null)
            throw new InvalidDataException($"Image '{path}' is not a picture that can be read (PNG, JPEG, BMP, GIF or WebP), or its head is damaged.");

        (width, height) = (codec.Info.Width, codec.Info.Height);
        var size = 4L * width * height;
        if (size > Array.MaxLength)
            throw new InvalidDataException($"Image '{path}' is {width} x {height} pixels, too big to decode.");
        return Decode(codec, new byte[size], path);
    }

    // Decoding makes 8 bits of every depth, which would change label values without a word: 16 bits lose the lower half,
    // and 1, 2 and 4 bits of gray are stretched to 0-255. The head of a PNG: signature (8 bytes), length and "IHDR" (8),
    // width (4), height (4), depth (1), colour type (1, 0 = gray).
    private static void RejectPngDepth(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length < 26 || !bytes.StartsWith(PngSignature))
            return;
        if (bytes[24] == 16)
            throw new InvalidDataException($"Image '{path}' is a PNG with 16 bits per component, which images in ML.NET cannot hold. Save it with 8 bits.{ForLabels}");
        if (bytes[24] < 8 && bytes[25] == 0)
            throw new InvalidDataException($"Image '{path}' is a gray PNG with {bytes[24]} bits per pixel; decoding would stretch its values to 0-255 and so change label ids. Save it with 8 bits.{ForLabels}");
    }

    // A PNG ends with its IEND chunk and a JPEG with the marker FF D9, which its compressed data cannot have; a few bytes of
    // a camera's or a tool's may follow.
    private static void RejectTruncated(ReadOnlySpan<byte> head, ReadOnlySpan<byte> end, string path)
    {
        end = end[^Math.Min(end.Length, LongestEnd)..];
        bool whole = head.StartsWith(PngSignature) ? end.IndexOf((ReadOnlySpan<byte>)[(byte)'I', (byte)'E', (byte)'N', (byte)'D', 0xAE, 0x42, 0x60, 0x82]) >= 0
            : !head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8]) || end.IndexOf((ReadOnlySpan<byte>)[0xFF, 0xD9]) >= 0;
        if (!whole)
            throw new InvalidDataException($"Image '{path}' is truncated: the file ends before the picture does.");
    }

    private static unsafe byte[] Decode(SKCodec codec, byte[] pixels, string path)
    {
        // No colour space in the target: no conversion. Premultiplied, because that is what ML.NET's images are; where alpha
        // is 255 this changes nothing.
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Bgra8888, codec.Info.IsOpaque ? SKAlphaType.Opaque : SKAlphaType.Premul);
        SKCodecResult result;
        fixed (byte* pointer = pixels)
            result = codec.GetPixels(info, (nint)pointer);
        return result switch
        {
            SKCodecResult.Success => pixels,
            SKCodecResult.IncompleteInput => throw new InvalidDataException($"Image '{path}' is truncated: the file ends before the picture does."),
            _ => throw new InvalidDataException($"Image '{path}' is damaged and cannot be decoded ({result})."),
        };
    }

    private static unsafe SKData Encode(MLImage image, SKEncodedImageFormat format, string path)
    {
        var pixels = image.Pixels;
        var info = new SKImageInfo(
            image.Width,
            image.Height,
            image.PixelFormat == MLPixelFormat.Rgba32 ? SKColorType.Rgba8888 : SKColorType.Bgra8888,
            IsOpaque(pixels) ? SKAlphaType.Opaque : SKAlphaType.Premul);
        fixed (byte* pointer = pixels)
        {
            using var pixmap = new SKPixmap(info, (nint)pointer);
            return pixmap.Encode(format, JpegQuality)
                ?? throw new IOException($"Image '{path}' cannot be encoded: {image.Width} x {image.Height} pixels may be too many for {format}.");
        }
    }

    private static bool IsOpaque(ReadOnlySpan<byte> pixels)
    {
        for (var i = 3; i < pixels.Length; i += 4)
        {
            if (pixels[i] != 255)
                return false;
        }

        return true;
    }
}
