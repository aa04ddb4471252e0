using CrnMlNet.Data;
using Microsoft.ML.Data;

namespace CrnMlNet;

/// <summary>
/// A label image with all that its file says: gray values of up to 16 bits, a palette's indices beside its colours. An
/// <see cref="MLImage"/>, which has 8-bit colours and nothing else, can be looked at as one.
/// </summary>
public sealed class LabelMap
{
    private readonly byte[] _bgra = [];
    private readonly MLImage? _image;

    private LabelMap(int width, int height, string? path) => (Width, Height, Path) = (width, height, path);

    private LabelMap(GrayOrPalettePng png, string path) : this(png.Width, png.Height, path) => Png = png;

    private LabelMap(byte[] bgra, int width, int height, string path) : this(width, height, path) => _bgra = bgra;

    private LabelMap(MLImage image) : this(image.Width, image.Height, image.Tag is { Length: > 0 } file ? file : null) => _image = image;

    /// <summary>The width in pixels.</summary>
    public int Width { get; }

    /// <summary>The height in pixels.</summary>
    public int Height { get; }

    /// <summary>The file that it is from, or the name that it was read by; null: none is known.</summary>
    public string? Path { get; }

    /// <summary>The numbers of a gray or palette PNG; null: there are only colours, <see cref="Pixels"/>.</summary>
    internal GrayOrPalettePng? Png { get; }

    /// <summary>Four bytes for each pixel.</summary>
    internal ReadOnlySpan<byte> Pixels => _image is null ? _bgra : _image.Pixels;

    /// <summary>Whether red comes first in <see cref="Pixels"/>, rather than blue.</summary>
    internal bool IsRgba => _image?.PixelFormat == MLPixelFormat.Rgba32;

    /// <summary>Reads a label image file.</summary>
    /// <param name="path">A PNG, BMP, GIF or other image file. Of gray and palette PNGs the numbers are read as they stand there, with 1 to 16 bits;
    /// of others the colours, as <see cref="ImageFile.Load"/> does.</param>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is not an image, is damaged or truncated, or has colours of 16 bits.</exception>
    public static LabelMap Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Read(ImageFile.ReadBytes(path), path);
    }

    /// <summary>Reads a label image file that is in memory, an upload say; see <see cref="Load"/>.</summary>
    /// <param name="file">All of the file.</param>
    /// <param name="name">What messages call it: its <see cref="Path"/>.</param>
    /// <exception cref="InvalidDataException">It is not an image, is damaged or truncated, or has colours of 16 bits.</exception>
    public static LabelMap Read(byte[] file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (GrayOrPalettePng.IsOne(file))
            return new LabelMap(GrayOrPalettePng.Read(file, name), name);
        var bgra = ImageFile.Decode(file, name, out var width, out var height);
        return new LabelMap(bgra, width, height, name);
    }

    /// <summary>Looks at an image as a label map. Nothing is copied: the image must live as long as the map is used, and stays the caller's.</summary>
    public static LabelMap FromImage(MLImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new LabelMap(image);
    }

    /// <summary>Which map it is, for messages.</summary>
    internal string Source => Path is null ? "label image" : $"label image '{Path}'";
}
