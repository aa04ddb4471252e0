using CrnMlNet.Data;
using CrnMlNet.Tests.Pipelines;
using SkiaSharp;

namespace CrnMlNet.Tests.Data;

/// <summary>Label files are read with all that stands in them. The files are written here byte by byte, by SkiaSharp, or are real.</summary>
public class LabelMapTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void Gray_values_of_every_depth_come_as_they_are(byte depth)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(depth);
        foreach (var (width, height) in new[] { (1, 1), (3, 2), (8, 8), (5, 9), (1, 17), (33, 13) })
        {
            ushort[] numbers = [.. Enumerable.Range(0, width * height).Select(_ => (ushort)random.Next(1 << depth))];
            foreach (var interlaced in new[] { false, true })
            {
                PngWriter.WriteNumbers(folder["gray.png"], width, height, depth, numbers, interlaced);

                var map = LabelMap.Load(folder["gray.png"]);

                Assert.Equal((width, height, folder["gray.png"]), (map.Width, map.Height, map.Path));
                Assert.Equal(numbers, map.Png!.Numbers);
                Assert.Null(map.Png.Palette);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(8)]
    public void Palette_indices_come_beside_their_colours(byte depth)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(depth);
        var colors = new byte[3 << depth];
        random.NextBytes(colors);
        ushort[] numbers = [.. Enumerable.Range(0, 21 * 10).Select(_ => (ushort)random.Next(1 << depth))];
        PngWriter.WriteNumbers(folder["p.png"], 21, 10, depth, numbers, palette: colors);

        var png = LabelMap.Load(folder["p.png"]).Png!;

        Assert.Equal(numbers, png.Numbers);
        using var byColor = ImageFile.Load(folder["p.png"]);
        AssertColorsAre(byColor.Pixels(), png);
    }

    [Fact]
    public void A_file_of_another_writer_is_read()
    {
        using var folder = new TemporaryFolder();
        using var bitmap = new SKBitmap(new SKImageInfo(70, 50, SKColorType.Gray8, SKAlphaType.Opaque));
        var pixels = Enumerable.Range(0, 70 * 50).Select(i => (byte)(i / 70 * (i % 70) / 16)).ToArray();
        for (var i = 0; i < pixels.Length; i++)
            bitmap.SetPixel(i % 70, i / 70, new SKColor(pixels[i], pixels[i], pixels[i]));
        using (var data = bitmap.Encode(SKEncodedImageFormat.Png, 100))
            File.WriteAllBytes(folder["skia.png"], data.ToArray());

        Assert.Equal(pixels.Select(value => (ushort)value), LabelMap.Load(folder["skia.png"]).Png!.Numbers);
    }

    [Fact]
    public void The_real_label_file_of_GTA5_has_label_ids_as_indices()
    {
        var png = LabelMap.Load(SharedData.Find("crn-original", "gta-00100370.png")).Png!;

        Assert.Equal((512, 256, 8, 35), (png.Width, png.Height, png.Depth, png.Palette!.Length));
        using var byColor = ImageFile.Load(SharedData.Find("crn-original", "gta-00100370.png"));
        AssertColorsAre(byColor.Pixels(), png);
        var decoder = new LabelDecoder(LabelPalette.Gta5, LabelEncoding.Auto, UnknownLabelPolicy.Error);
        Assert.Equal(LabelEncoding.PaletteIndex, decoder.Detect(LabelMap.Load(SharedData.Find("crn-original", "gta-00100370.png"))));
    }

    [Fact]
    public void The_real_label_files_of_CamVid_are_read_as_images_are()
    {
        foreach (var path in Directory.GetFiles(SharedData.Find("camvid", "val", "labels"), "*.png").Take(5))
        {
            using var image = ImageFile.Load(path);
            var png = LabelMap.Load(path).Png!;
            Assert.Equal(image.Pixels().Where((_, i) => i % 4 == 0).Select(value => (ushort)value), png.Numbers);
        }
    }

    [Fact]
    public void Colours_and_other_formats_are_read_as_images()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["rgb.png"], 2, 1, PngWriter.Rgb, [128, 64, 128, 0, 0, 142]);

        var map = LabelMap.Load(folder["rgb.png"]);

        Assert.Null(map.Png);
        Assert.Equal([128, 64, 128, 255, 142, 0, 0, 255], map.Pixels.ToArray());
    }

    [Fact]
    public void What_is_damaged_says_how_and_names_the_file()
    {
        using var folder = new TemporaryFolder();
        var path = folder["a.png"];
        PngWriter.WriteNumbers(path, 9, 7, 8, [.. Enumerable.Range(0, 63).Select(i => (ushort)(i % 4))], palette: new byte[12]);
        var whole = File.ReadAllBytes(path);
        LabelMap.Load(path);

        AssertRefused("truncated", bytes => bytes[..^5]);
        AssertRefused("truncated", bytes => bytes[..60]);
        AssertRefused("checksum", bytes => With(bytes, bytes.AsSpan().IndexOf("IDAT"u8) + 6));
        AssertRefused("checksum", bytes => With(bytes, 18));

        PngWriter.WriteNumbers(path, 9, 7, 8, [.. Enumerable.Range(0, 63).Select(i => (ushort)(i == 20 ? 4 : 0))], palette: new byte[12]);
        AssertRefused("pixel (2, 2) has the colour 4 of a palette of 4");
        PngWriter.Write(path, 2, 1, PngWriter.Palette, [0, 1]);
        AssertRefused("no palette");
        PngWriter.Write(path, 2, 1, PngWriter.Gray, [0, 1], depth: 3);
        AssertRefused("3 bits");
        PngWriter.Write(path, 20_000, 20_000, PngWriter.Gray, new byte[20_000]);
        AssertRefused("cannot hold 20000 x 20000 pixels");
        PngWriter.Write(path, 60_000, 60_000, PngWriter.Gray, new byte[60_000]);
        AssertRefused("too big");
        PngWriter.Write(path, 10, 4, PngWriter.Gray, new byte[20]);
        AssertRefused("truncated");
        PngWriter.Write(path, 1, 1, PngWriter.Rgb, new byte[6], depth: 16);
        AssertRefused("16 bits per component");
        Assert.Contains("absent.png", Assert.Throws<FileNotFoundException>(() => LabelMap.Load(folder["absent.png"])).Message);

        void AssertRefused(string expected, Func<byte[], byte[]>? change = null)
        {
            if (change is not null)
                File.WriteAllBytes(path, change(whole));
            var message = Assert.Throws<InvalidDataException>(() => LabelMap.Load(path)).Message;
            Assert.Contains(path, message);
            Assert.Contains(expected, message);
        }
    }

    [Fact]
    public void Twenty_thousand_damaged_files_are_refused_or_read()
    {
        using var folder = new TemporaryFolder();
        var files = new List<byte[]>();
        foreach (var (depth, interlaced, palette) in new[] { (1, false, 0), (4, true, 16), (8, false, 40), (16, true, 0), (16, false, 0), (8, true, 0) })
        {
            var random = new Random(depth);
            PngWriter.WriteNumbers(
                folder["a.png"], 19, 23, (byte)depth, [.. Enumerable.Range(0, 19 * 23).Select(_ => (ushort)random.Next(palette > 0 ? palette : 1 << depth))],
                interlaced, palette > 0 ? new byte[3 * palette] : null);
            files.Add(File.ReadAllBytes(folder["a.png"]));
        }

        var fuzz = new Fuzz { IsAllowed = e => e is InvalidDataException, MostAllocated = 4 << 20 };
        fuzz.Run(0, 20_000, (number, random) =>
        {
            var bytes = files[number % files.Count].ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
                bytes[random.Next(8, bytes.Length)] = (byte)random.Next(256);
            if (number % 3 != 0)
                RightChecksums(bytes);
            if (number % 7 == 0)
                bytes = bytes[..random.Next(bytes.Length)];
            if (GrayOrPalettePng.IsOne(bytes))
                GrayOrPalettePng.Read(bytes, "a.png");
        });

        Assert.True(fuzz.Outcomes["success"] > 300, string.Join(", ", fuzz.Outcomes));
        Assert.True(fuzz.Outcomes["InvalidDataException"] > 1000, string.Join(", ", fuzz.Outcomes));
    }

    private static void AssertColorsAre(byte[] bgra, GrayOrPalettePng png)
        => Assert.Equal(bgra, png.Numbers.Select(index => png.Palette![index]).SelectMany(color => new[] { color.B, color.G, color.R, (byte)255 }));

    private static byte[] With(byte[] bytes, int changed)
    {
        var copy = bytes.ToArray();
        copy[changed] ^= 0x55;
        return copy;
    }

    /// <summary>Makes the checksums right again, as far as the chunks can be followed: what is behind them is met, too.</summary>
    private static void RightChecksums(byte[] png)
    {
        var at = 8;
        while (png.Length - at >= 12)
        {
            var length = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(at));
            if (length > png.Length - at - 12)
                return;
            PngWriter.BigEndian(PngWriter.Crc(png[(at + 4)..(at + 8 + (int)length)])).CopyTo(png, at + 8 + (int)length);
            at += 12 + (int)length;
        }
    }
}
