using System.Runtime.InteropServices;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace CrnMlNet.ImageSharp;

/// <summary>Label ids from and to gray images. As members of a row class, <c>[VectorType(height, width)]</c>, ids are a label column.</summary>
public static class LabelImages
{
    /// <summary>The gray values as ids.</summary>
    /// <param name="labels">A label image of 8 bits.</param>
    /// <returns><c>[height x width]</c>, row by row from the top, 0 to 255.</returns>
    public static byte[] ToLabelIds(this Image<L8> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        var ids = new byte[labels.Width * labels.Height];
        labels.CopyPixelDataTo(ids);
        return ids;
    }

    /// <summary>The gray values as ids.</summary>
    /// <param name="labels">A label image of 16 bits.</param>
    /// <returns><c>[height x width]</c>, row by row from the top, 0 to 65535.</returns>
    public static ushort[] ToLabelIds(this Image<L16> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        var ids = new ushort[labels.Width * labels.Height];
        labels.CopyPixelDataTo(MemoryMarshal.Cast<ushort, L16>(ids.AsSpan()));
        return ids;
    }

    /// <summary>Ids as an image.</summary>
    /// <param name="ids"><c>[height x width]</c>, row by row from the top.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <returns>A new image, the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">There are not <paramref name="width"/> x <paramref name="height"/> ids.</exception>
    public static Image<L8> ToImage(ReadOnlySpan<byte> ids, int width, int height)
    {
        CheckCount(ids.Length, width, height);
        return Image.LoadPixelData<L8>(ids, width, height);
    }

    /// <inheritdoc cref="ToImage(ReadOnlySpan{byte}, int, int)"/>
    public static Image<L16> ToImage(ReadOnlySpan<ushort> ids, int width, int height)
    {
        CheckCount(ids.Length, width, height);
        return Image.LoadPixelData<L16>(MemoryMarshal.Cast<ushort, L16>(ids), width, height);
    }

    private static void CheckCount(int count, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (count != (long)width * height)
            throw new ArgumentException($"There are {count} ids; an image of {width}x{height} has {(long)width * height} pixels.", "ids");
    }
}
