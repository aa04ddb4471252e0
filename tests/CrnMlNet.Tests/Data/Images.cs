using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Data;

internal static class Images
{
    /// <summary>An opaque gray image from its values.</summary>
    public static MLImage Gray(int width, int height, params byte[] values) =>
        Colored(width, height, [.. values.Select(value => new RgbColor(value, value, value))]);

    /// <summary>An opaque image from its colours, in either of ML.NET's pixel orders.</summary>
    public static MLImage Colored(int width, int height, RgbColor[] colors, MLPixelFormat format = MLPixelFormat.Bgra32)
    {
        var bytes = colors.SelectMany(color => format == MLPixelFormat.Bgra32
            ? new[] { color.B, color.G, color.R, (byte)255 }
            : [color.R, color.G, color.B, 255]).ToArray();
        return MLImage.CreateFromPixels(width, height, format, bytes);
    }
}
