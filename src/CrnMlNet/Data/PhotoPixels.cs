using System.Buffers;
using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>
/// Photos between <see cref="MLImage"/> and planar RGB (<c>[3, H, W]</c>, red first, values 0 to 255). Shrinking averages the
/// area that each target pixel covers, enlarging is bilinear; each axis by itself, and exactly: all sums are of whole
/// numbers, rounded once at the end.
/// </summary>
/// <remarks>Alpha is ignored: ML.NET's images are premultiplied, so a transparent photo appears on black.</remarks>
internal static class PhotoPixels
{
    /// <summary>Reads an image at a size: <c>3 * height * width</c> bytes.</summary>
    public static byte[] FromImage(MLImage image, int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        var rgb = new byte[checked(3 * height * width)];
        FromImage(image, rgb, height, width);
        return rgb;
    }

    /// <summary>Reads a photo at a size as a network learns from it: <c>3 * height * width</c> bytes.</summary>
    public static byte[] FromPhoto(MLImage photo, int height, int width, PhotoPreprocessing preprocessing)
    {
        var rgb = FromImage(photo, height, width);
        if (preprocessing == PhotoPreprocessing.Vivid)
            VividTones.Apply(rgb, height, width);
        return rgb;
    }

    /// <summary>Reads an image at a size into <paramref name="rgb"/>, <c>3 * height * width</c> bytes.</summary>
    public static void FromImage(MLImage image, Span<byte> rgb, int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        CheckRoom(rgb.Length, height, width);

        var pixels = image.Pixels;
        var red = image.PixelFormat == MLPixelFormat.Rgba32 ? 0 : 2;
        var columns = Taps.Between(image.Width, width);
        var rows = Taps.Between(image.Height, height);
        var rowLength = 3 * width;
        var narrowed = ArrayPool<int>.Shared.Rent(checked(image.Height * rowLength));
        try
        {
            for (var y = 0; y < image.Height; y++)
                ResampleRow(pixels.Slice(y * image.Width * 4, image.Width * 4), red, columns, narrowed.AsSpan(y * rowLength, rowLength));
            ResampleColumns(narrowed, rows, columns.Total, rgb, height, width);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(narrowed);
        }
    }

    /// <summary>A new opaque image from planar RGB bytes.</summary>
    public static MLImage ToImage(ReadOnlySpan<byte> rgbPlanar, int height, int width)
    {
        CheckRoom(rgbPlanar.Length, height, width);
        var plane = height * width;
        var bgra = new byte[4 * plane];
        for (var i = 0; i < plane; i++)
        {
            bgra[4 * i] = rgbPlanar[2 * plane + i];
            bgra[4 * i + 1] = rgbPlanar[plane + i];
            bgra[4 * i + 2] = rgbPlanar[i];
            bgra[4 * i + 3] = 255;
        }

        return MLImage.CreateFromPixels(width, height, MLPixelFormat.Bgra32, bgra);
    }

    /// <summary>A new opaque image from planar RGB values, clamped to 0 to 255 and rounded to the nearest; NaN is black.</summary>
    public static MLImage ToImage(ReadOnlySpan<float> rgbPlanar, int height, int width)
    {
        var bytes = new byte[rgbPlanar.Length];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = ToByte(rgbPlanar[i]);
        return ToImage(bytes, height, width);
    }

    private static byte ToByte(float value) => value switch
    {
        >= 255f => 255,
        > 0f => (byte)(value + 0.5f),
        _ => 0,
    };

    private static void CheckRoom(int length, int height, int width)
    {
        if (length != 3L * height * width)
            throw new ArgumentException($"{length} values do not make 3 planes of {height} x {width}.");
    }

    /// <summary>One source row at the target's width: per pixel the sums for red, green and blue, not yet divided.</summary>
    private static void ResampleRow(ReadOnlySpan<byte> row, int red, Taps columns, Span<int> target)
    {
        var blue = 2 - red;
        for (var x = 0; x < columns.First.Length; x++)
        {
            int r = 0, g = 0, b = 0;
            var pixel = 4 * columns.First[x];
            foreach (var weight in columns.WeightsOf(x))
            {
                r += weight * row[pixel + red];
                g += weight * row[pixel + 1];
                b += weight * row[pixel + blue];
                pixel += 4;
            }

            target[3 * x] = r;
            target[3 * x + 1] = g;
            target[3 * x + 2] = b;
        }
    }

    private static void ResampleColumns(ReadOnlySpan<int> narrowed, Taps rows, long columnTotal, Span<byte> rgb, int height, int width)
    {
        var rowLength = 3 * width;
        var plane = height * width;
        var total = columnTotal * rows.Total;
        var sums = new long[rowLength];
        for (var y = 0; y < height; y++)
        {
            Array.Clear(sums);
            var sourceRow = rows.First[y];
            foreach (var weight in rows.WeightsOf(y))
            {
                var values = narrowed.Slice(sourceRow++ * rowLength, rowLength);
                for (var i = 0; i < values.Length; i++)
                    sums[i] += (long)weight * values[i];
            }

            for (var x = 0; x < width; x++)
            {
                for (var component = 0; component < 3; component++)
                    rgb[component * plane + y * width + x] = (byte)((2 * sums[3 * x + component] + total) / (2 * total));
            }
        }
    }

    /// <summary>Along one axis: the source pixels of each target pixel, and their weights as whole numbers that add up to <see cref="Total"/>.</summary>
    private sealed class Taps
    {
        private readonly int[][] _weights;

        private Taps(int targetSize, int total)
        {
            First = new int[targetSize];
            _weights = new int[targetSize][];
            Total = total;
        }

        public int[] First { get; }

        public int Total { get; }

        public static Taps Between(int sourceSize, int targetSize) =>
            targetSize <= sourceSize ? Area(sourceSize, targetSize) : Bilinear(sourceSize, targetSize);

        public ReadOnlySpan<int> WeightsOf(int target) => _weights[target];

        /// <summary>Cut every source pixel into targetSize parts: target pixel t covers the parts from t * sourceSize to (t + 1) * sourceSize.</summary>
        private static Taps Area(int sourceSize, int targetSize)
        {
            var taps = new Taps(targetSize, sourceSize);
            for (var target = 0; target < targetSize; target++)
            {
                var begin = (long)target * sourceSize;
                var end = begin + sourceSize;
                var first = begin / targetSize;
                var last = (end - 1) / targetSize;
                taps.First[target] = (int)first;
                var weights = taps._weights[target] = new int[last - first + 1];
                for (var source = first; source <= last; source++)
                    weights[source - first] = (int)(Math.Min(end, (source + 1) * targetSize) - Math.Max(begin, source * targetSize));
            }

            return taps;
        }

        /// <summary>Pixel centres at halves, as image editors do it: position = (t + 0.5) * sourceSize / targetSize - 0.5, held at the edges.</summary>
        private static Taps Bilinear(int sourceSize, int targetSize)
        {
            var taps = new Taps(targetSize, 2 * targetSize);
            for (var target = 0; target < targetSize; target++)
            {
                var position = Math.Clamp((2L * target + 1) * sourceSize - targetSize, 0, 2L * targetSize * (sourceSize - 1));
                var first = (int)(position / (2L * targetSize));
                var second = (int)(position % (2L * targetSize));
                taps.First[target] = first;
                taps._weights[target] = second == 0 ? [taps.Total] : [taps.Total - second, second];
            }

            return taps;
        }
    }
}
