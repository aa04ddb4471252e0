using System.Text;
using CrnMlNet.Data;
using Microsoft.ML.Data;
using SkiaSharp;

namespace CrnMlNet.Tests.Data;

public class ImageFileTests
{
    private static readonly byte[] AllGrays = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];

    // gAMA 1.0 and an sRGB chunk say "linear" and "sRGB": colour management would change the values.
    public static TheoryData<string, byte[]> ColorSpaceChunks => new()
    {
        { "gAMA", PngWriter.BigEndian(100_000) },
        { "gAMA", PngWriter.BigEndian(45_455) },
        { "sRGB", [0] },
        { "pHYs", [0, 0, 11, 19, 0, 0, 11, 19, 1] },
    };

    [Theory]
    [MemberData(nameof(ColorSpaceChunks))]
    public void Gray_values_survive_whatever_the_colour_space(string chunk, byte[] data)
    {
        using var folder = new TemporaryFolder();
        var path = folder["gray.png"];
        PngWriter.Write(path, 16, 16, PngWriter.Gray, AllGrays, chunks: (chunk, data));

        using var image = ImageFile.Load(path);

        Assert.Equal((16, 16, path), (image.Width, image.Height, image.Tag));
        Assert.Equal(AllGrays.SelectMany(gray => new[] { gray, gray, gray, (byte)255 }), image.Pixels.ToArray());
    }

    [Fact]
    public void Values_survive_gamma_with_primaries()
    {
        using var folder = new TemporaryFolder();
        // Adobe RGB's primaries with gamma 1.0.
        byte[] primaries = [.. new uint[] { 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000 }.SelectMany(PngWriter.BigEndian)];
        (string, byte[])[] chunks = [("gAMA", PngWriter.BigEndian(100_000)), ("cHRM", primaries)];
        PngWriter.Write(folder["gray.png"], 16, 16, PngWriter.Gray, AllGrays, chunks: chunks);
        PngWriter.Write(folder["rgb.png"], 2, 1, PngWriter.Rgb, [128, 64, 128, 244, 35, 232], chunks: chunks);

        using var gray = ImageFile.Load(folder["gray.png"]);
        using var rgb = ImageFile.Load(folder["rgb.png"]);

        Assert.Equal(AllGrays.SelectMany(value => new[] { value, value, value, (byte)255 }), gray.Pixels.ToArray());
        Assert.Equal([128, 64, 128, 255, 232, 35, 244, 255], rgb.Pixels.ToArray());
    }

    [Fact]
    public void Palette_PNGs_come_in_the_colours_of_their_palette()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["p8.png"], 3, 1, PngWriter.Palette, [0, 2, 1], chunks: [("gAMA", PngWriter.BigEndian(100_000)), ("PLTE", [128, 64, 128, 70, 70, 70, 1, 2, 3])]);
        PngWriter.Write(folder["p4.png"], 3, 1, PngWriter.Palette, [0x02, 0x10], depth: 4, chunks: [("PLTE", [128, 64, 128, 70, 70, 70, 1, 2, 3])]);

        foreach (var name in new[] { "p8.png", "p4.png" })
        {
            using var image = ImageFile.Load(folder[name]);
            Assert.Equal([128, 64, 128, 255, 3, 2, 1, 255, 70, 70, 70, 255], image.Pixels.ToArray());
        }
    }

    [Fact]
    public void Alpha_is_premultiplied_as_in_ML_NETs_own_images()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["a.png"], 2, 1, PngWriter.Rgba, [200, 100, 50, 255, 200, 100, 0, 51]);

        using var image = ImageFile.Load(folder["a.png"]);
        using var byMLNet = MLImage.CreateFromFile(folder["a.png"]);

        Assert.Equal([50, 100, 200, 255, 0, 20, 40, 51], image.Pixels.ToArray());
        Assert.Equal(byMLNet.Pixels.ToArray(), image.Pixels.ToArray());
    }

    [Theory]
    [InlineData(16, PngWriter.Gray, 2, "16 bits")]
    [InlineData(16, PngWriter.Rgb, 6, "16 bits")]
    [InlineData(4, PngWriter.Gray, 1, "4 bits")]
    [InlineData(1, PngWriter.Gray, 1, "1 bits")]
    public void A_depth_that_would_change_values_is_an_error(byte depth, byte colorType, int bytes, string expected)
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["deep.png"], 1, 1, colorType, new byte[bytes], depth);

        var e = Assert.Throws<InvalidDataException>(() => ImageFile.Load(folder["deep.png"]));
        Assert.Contains("deep.png", e.Message);
        Assert.Contains(expected, e.Message);
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Png, ".png")]
    [InlineData(SKEncodedImageFormat.Jpeg, ".jpg")]
    [InlineData(SKEncodedImageFormat.Webp, ".webp")]
    public void A_truncated_image_is_an_error(SKEncodedImageFormat format, string extension)
    {
        using var folder = new TemporaryFolder();
        var whole = EncodeNoise(format);
        var path = folder["cut" + extension];
        File.WriteAllBytes(path, whole);
        ImageFile.Load(path).Dispose();

        // The last bytes may be no more than the end marker (PNG's IEND chunk has 12): without them the picture is whole.
        foreach (var length in new[] { 0, 1, 7, 20, 40, whole.Length / 4, whole.Length / 2, whole.Length * 3 / 4, whole.Length - 40 })
        {
            File.WriteAllBytes(path, whole[..length]);
            var e = Assert.Throws<InvalidDataException>(() => ImageFile.Load(path));
            Assert.Contains(path, e.Message);
        }
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Png, ".png")]
    [InlineData(SKEncodedImageFormat.Jpeg, ".jpg")]
    public void A_file_without_its_last_byte_is_truncated_but_may_have_more_behind_it(SKEncodedImageFormat format, string extension)
    {
        using var folder = new TemporaryFolder();
        var whole = EncodeNoise(format);
        var path = folder["cut" + extension];

        File.WriteAllBytes(path, whole[..^1]);
        Assert.Contains("truncated", Assert.Throws<InvalidDataException>(() => ImageFile.Load(path)).Message);

        File.WriteAllBytes(path, [.. whole, .. new byte[100]]);
        ImageFile.Load(path).Dispose();
    }

    [Fact]
    public void A_truncated_BMP_is_an_error()
    {
        using var folder = new TemporaryFolder();
        // BITMAPFILEHEADER and BITMAPINFOHEADER of a 4 x 4 picture with 24 bits, rows bottom up.
        using var bytes = new MemoryStream();
        using (var writer = new BinaryWriter(bytes, Encoding.ASCII, leaveOpen: true))
        {
            writer.Write("BM"u8);
            foreach (var value in new[] { 54 + 48, 0, 54, 40, 4, 4 })
                writer.Write(value);
            writer.Write((short)1);
            writer.Write((short)24);
            foreach (var value in new[] { 0, 48, 2835, 2835, 0, 0 })
                writer.Write(value);
            writer.Write(Enumerable.Range(0, 48).Select(i => (byte)i).ToArray());
        }

        File.WriteAllBytes(folder["whole.bmp"], bytes.ToArray());
        File.WriteAllBytes(folder["cut.bmp"], bytes.ToArray()[..80]);

        using var image = ImageFile.Load(folder["whole.bmp"]);
        Assert.Equal([36, 37, 38, 255], image.Pixels[..4].ToArray());
        Assert.Contains("truncated", Assert.Throws<InvalidDataException>(() => ImageFile.Load(folder["cut.bmp"])).Message);
    }

    [Fact]
    public void A_damaged_PNG_is_an_error()
    {
        using var folder = new TemporaryFolder();
        var bytes = EncodeNoise(SKEncodedImageFormat.Png);
        for (var i = bytes.Length / 2; i < bytes.Length / 2 + 50; i++)
            bytes[i] ^= 0x5A;
        File.WriteAllBytes(folder["bad.png"], bytes);

        Assert.Contains("bad.png", Assert.Throws<InvalidDataException>(() => ImageFile.Load(folder["bad.png"])).Message);
    }

    [Fact]
    public void What_is_no_image_or_not_there_is_an_error_that_names_the_file()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["notes.png"], "not a picture");
        Directory.CreateDirectory(folder["folder.png"]);

        Assert.Contains("notes.png", Assert.Throws<InvalidDataException>(() => ImageFile.Load(folder["notes.png"])).Message);
        Assert.Contains("absent.png", Assert.Throws<FileNotFoundException>(() => ImageFile.Load(folder["absent.png"])).Message);
        Assert.Contains("x.png", Assert.Throws<FileNotFoundException>(() => ImageFile.Load(folder["no/x.png"])).Message);
        Assert.Contains("folder.png", Assert.Throws<IOException>(() => ImageFile.Load(folder["folder.png"])).Message);
    }

    [Fact]
    public void A_head_that_promises_too_much_is_an_error()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["huge.png"], 60_000, 60_000, PngWriter.Gray, new byte[60_000]);
        Assert.Contains("huge.png", Assert.Throws<InvalidDataException>(() => ImageFile.Load(folder["huge.png"])).Message);
    }

    [Theory]
    [InlineData(MLPixelFormat.Bgra32)]
    [InlineData(MLPixelFormat.Rgba32)]
    public void A_saved_PNG_comes_back_exactly_and_without_alpha(MLPixelFormat format)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(3);
        var colors = Enumerable.Range(0, 35).Select(_ => new RgbColor((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256))).ToArray();
        using var image = Images.Colored(7, 5, colors, format);
        File.WriteAllText(folder["out.png"], "an older file");

        ImageFile.Save(image, folder["out.png"]);

        using var copy = ImageFile.Load(folder["out.png"]);
        Assert.Equal(PhotoPixels.FromImage(image, 5, 7), PhotoPixels.FromImage(copy, 5, 7));
        Assert.Equal(PngWriter.Rgb, File.ReadAllBytes(folder["out.png"])[25]);
        Assert.Equal([folder["out.png"]], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_saved_JPEG_is_near()
    {
        using var folder = new TemporaryFolder();
        using var image = Images.Colored(16, 16, [.. Enumerable.Repeat(new RgbColor(40, 120, 200), 256)]);

        ImageFile.Save(image, folder["out.JPG"]);

        Assert.Equal([0xFF, 0xD8], File.ReadAllBytes(folder["out.JPG"])[..2]);
        using var copy = ImageFile.Load(folder["out.JPG"]);
        var pixel = copy.Pixels[..4].ToArray();
        Assert.All(pixel.Zip(new byte[] { 200, 120, 40, 255 }), pair => Assert.InRange(pair.First - pair.Second, -3, 3));
    }

    [Fact]
    public void Saving_where_it_cannot_be_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        using var image = Images.Gray(1, 1, 7);
        Directory.CreateDirectory(folder["taken.png"]);

        Assert.Contains("taken.png", Assert.Throws<IOException>(() => ImageFile.Save(image, folder["taken.png"])).Message);
        Assert.Contains("x.png", Assert.Throws<IOException>(() => ImageFile.Save(image, folder["no/x.png"])).Message);
        Assert.Contains(".tiff", Assert.Throws<ArgumentException>(() => ImageFile.Save(image, folder["x.tiff"])).Message);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static byte[] EncodeNoise(SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(64, 48, SKColorType.Bgra8888, SKAlphaType.Opaque));
        var random = new Random(2);
        for (var y = 0; y < bitmap.Height; y++)
        {
            for (var x = 0; x < bitmap.Width; x++)
                bitmap.SetPixel(x, y, new SKColor((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256)));
        }

        using var data = bitmap.Encode(format, 90);
        return data.ToArray();
    }
}
