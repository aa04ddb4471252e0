using System.Text.Json;
using SkiaSharp;

namespace QuickStart;

/// <summary>What a pixel shows. The number is the id in the label image.</summary>
public enum StreetClass : byte
{
    Sky,
    Building,
    Road,
    Pavement,
    Grass,
    Tree,
    Car,
    Pole,
    Person,
}

/// <summary>A data set of small drawn street scenes: for every photo a label image that says what each pixel shows.</summary>
/// <remarks>
/// Windows, wheels, lane markings and bricks have no label of their own. Whoever paints them from the labels has
/// learned what buildings, cars and roads look like.
/// </remarks>
public static class StreetScenes
{
    private static readonly string[] Colours =
        ["#4682b4", "#464646", "#804080", "#f423e8", "#98fb98", "#6b8e23", "#00008e", "#999999", "#dc143c"];

    /// <summary>
    /// Draws <paramref name="count"/> scenes: <c>labels/000.png</c> (8-bit gray, the value is the class id),
    /// <c>photos/000.png</c> (colour) and so on, and <c>palette.json</c>. Files that are there already are overwritten.
    /// </summary>
    /// <param name="folder">Where to write; made if it does not exist.</param>
    /// <param name="count">How many scenes, 1 or more.</param>
    /// <param name="height">Height of both images in pixels, 16 or more.</param>
    /// <param name="width">Width of both images in pixels, 16 or more.</param>
    /// <param name="seed">The same seed draws the same scenes; scene 7 does not depend on <paramref name="count"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A count or size is too small.</exception>
    public static void Draw(string folder, int count, int height = 96, int width = 128, int seed = 1)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 16);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 16);

        string labels = Directory.CreateDirectory(Path.Combine(folder, "labels")).FullName;
        string photos = Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName;
        WritePalette(Path.Combine(folder, "palette.json"));
        Parallel.For(0, count, index =>
        {
            var random = new SplitMix64(((ulong)(uint)seed << 32) + (uint)index);
            Street street = Street.Compose(random);
            Picture picture = new Camera(street, height, width).Shoot(random);
            WritePng(Path.Combine(labels, $"{index:D3}.png"), picture.Labels, height, width, SKColorType.Gray8);
            WritePng(Path.Combine(photos, $"{index:D3}.png"), picture.Photo, height, width, SKColorType.Rgba8888);
        });
    }

    private static void WritePalette(string path)
    {
        var palette = new
        {
            name = "street scenes",
            classes = Enum.GetValues<StreetClass>().Select(label =>
                new { name = label.ToString().ToLowerInvariant(), color = Colours[(int)label], id = (int)label }),
            voidIds = new[] { 255 },
            voidColors = new[] { "#000000" },
        };
        File.WriteAllText(path, JsonSerializer.Serialize(palette, new JsonSerializerOptions { WriteIndented = true }));
    }

    private static void WritePng(string path, byte[] pixels, int height, int width, SKColorType type)
    {
        var info = new SKImageInfo(width, height, type, SKAlphaType.Opaque);
        using SKImage image = SKImage.FromPixelCopy(info, pixels);
        using SKData png = image.Encode(SKEncodedImageFormat.Png, 100);
        using FileStream file = File.Create(path);
        png.SaveTo(file);
    }
}
