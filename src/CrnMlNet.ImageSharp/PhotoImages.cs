using Microsoft.ML.Data;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace CrnMlNet.ImageSharp;

/// <summary>Photos, and label images by their colours, from and to the images that ML.NET's columns hold.</summary>
public static class PhotoImages
{
    /// <summary>The same pixels as an image of ML.NET.</summary>
    /// <param name="photo">A photo, or a label image in its palette's colours.</param>
    /// <returns>A new opaque image of 8-bit colours, the caller's to dispose.</returns>
    public static MLImage ToMLImage(this Image<Rgb24> photo) => FromColours(photo);

    /// <summary>The same gray values as an image of ML.NET, which CrnMlNet reads as an index image.</summary>
    /// <param name="labels">A label image whose gray values are ids.</param>
    /// <returns>A new opaque image of 8-bit colours, the caller's to dispose.</returns>
    public static MLImage ToMLImage(this Image<L8> labels) => FromColours(labels);

    /// <summary>The same pixels as an image of ImageSharp.</summary>
    /// <param name="image">A synthesized photo, for instance. Its opacity is left out.</param>
    /// <returns>A new image, the caller's to dispose.</returns>
    public static Image<Rgb24> ToImage(this MLImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.PixelFormat == MLPixelFormat.Rgba32)
            return Opaque<Rgba32>(image);
        return Opaque<Bgra32>(image);
    }

    private static MLImage FromColours<TPixel>(Image<TPixel> image) where TPixel : unmanaged, IPixel<TPixel>
    {
        ArgumentNullException.ThrowIfNull(image);
        using var colours = image.CloneAs<Bgra32>();
        var pixels = new byte[4 * image.Width * image.Height];
        colours.CopyPixelDataTo(pixels);
        return MLImage.CreateFromPixels(image.Width, image.Height, MLPixelFormat.Bgra32, pixels);
    }

    private static Image<Rgb24> Opaque<TPixel>(MLImage image) where TPixel : unmanaged, IPixel<TPixel>
    {
        using var colours = Image.LoadPixelData<TPixel>(image.Pixels, image.Width, image.Height);
        return colours.CloneAs<Rgb24>();
    }
}
