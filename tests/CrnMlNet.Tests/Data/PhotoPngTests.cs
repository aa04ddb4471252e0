using CrnMlNet.Data;
using SkiaSharp;

namespace CrnMlNet.Tests.Data;

/// <summary>What is written is read by Skia, which is another implementation.</summary>
public sealed class PhotoPngTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 5)]
    [InlineData(40, 60)]
    [InlineData(97, 131)]
    public void Every_pixel_comes_back(int height, int width)
    {
        var random = new Random(height);
        foreach (Func<int, int, int, byte> value in new Func<int, int, int, byte>[]
        {
            (_, _, _) => (byte)random.Next(256), // noise
            (c, _, _) => (byte)(50 * c + 3), // flat
            (c, y, x) => (byte)(x * 3 + y * (c + 1) + random.Next(8)), // like a photo
        })
        {
            byte[] photo = [.. from c in Enumerable.Range(0, 3) from y in Enumerable.Range(0, height) from x in Enumerable.Range(0, width) select value(c, y, x)];
            AssertReads(photo, height, width, PhotoPng.Encode(photo, height, width));
            AssertReads(photo, height, width, PngText.Insert(PhotoPng.Encode(photo, height, width), "crn", "a text"));
        }
    }

    [Fact]
    public void A_text_comes_back_from_a_whole_file_and_from_no_other()
    {
        byte[] plain = PhotoPng.Encode(new byte[3 * 20 * 30], 20, 30), png = PngText.Insert(plain, "crn", "model sha256:12 image:0");
        Assert.Equal("model sha256:12 image:0", Read(png));
        Assert.Null(PngText.Read(_folder["file"], "Title"));
        Assert.Null(Read(plain));
        Assert.Null(Read([]));
        Assert.Null(PngText.Read(_folder["nowhere"], "crn"));
        for (int length = 1; length < png.Length; length++)
            Assert.Null(Read(png[..length]));
        // Each byte of the head and of the text, and of the end: 33 of the signature and the size, whose values are not looked at.
        foreach (int place in Enumerable.Range(0, 8).Concat(Enumerable.Range(33, 12 + 27)).Concat(Enumerable.Range(png.Length - 12, 12)))
        {
            byte[] damaged = [.. png];
            damaged[place] ^= 0x10;
            Assert.Null(Read(damaged));
        }
    }

    private string? Read(byte[] file)
    {
        File.WriteAllBytes(_folder["file"], file);
        return PngText.Read(_folder["file"], "crn");
    }

    private static void AssertReads(byte[] photo, int height, int width, byte[] png)
    {
        using var bitmap = SKBitmap.Decode(png);
        Assert.Equal((width, height), (bitmap.Width, bitmap.Height));
        for (int i = 0; i < height * width; i++)
        {
            var pixel = bitmap.GetPixel(i % width, i / width);
            Assert.Equal((photo[i], photo[height * width + i], photo[2 * height * width + i], (byte)255), (pixel.Red, pixel.Green, pixel.Blue, pixel.Alpha));
        }
    }
}
