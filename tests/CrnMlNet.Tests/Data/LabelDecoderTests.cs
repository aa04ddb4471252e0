using CrnMlNet.Data;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Data;

public class LabelDecoderTests
{
    private static readonly LabelPalette Small = new("small",
        [new("sky", new(10, 20, 30), 3), new("rock", new(128, 128, 128), 5)], [0, 7], [new(0, 0, 0), new(255, 0, 0)]);

    [Fact]
    public void Ids_become_channels_and_every_void_id_the_last_one()
    {
        using var image = Images.Gray(4, 1, 3, 5, 0, 7);
        Assert.Equal([0, 1, 2, 2], Decode(image, 1, 4));
    }

    [Theory]
    [InlineData(MLPixelFormat.Bgra32)]
    [InlineData(MLPixelFormat.Rgba32)]
    public void Colours_become_channels_in_either_pixel_order(MLPixelFormat format)
    {
        using var image = Images.Colored(5, 1, [new(10, 20, 30), new(128, 128, 128), new(0, 0, 0), new(255, 0, 0), new(10, 20, 30)], format);
        Assert.Equal([0, 1, 2, 2, 0], Decode(image, 1, 5));
        // Whatever is set: a coloured image can only be read by colour.
        Assert.Equal([0, 1, 2, 2, 0], Decode(image, 1, 5, LabelEncoding.Index));
    }

    [Fact]
    public void Swapped_red_and_blue_is_another_colour()
    {
        using var image = Images.Colored(1, 1, [new(30, 20, 10)]);
        var e = Assert.Throws<InvalidOperationException>(() => Decode(image, 1, 1));
        Assert.Contains("pixel (0, 0) has colour #1e140a", e.Message);
        Assert.Contains("nearest: #0a141e, sky", e.Message);
    }

    // floor((d + 0.5) * source / target): 5 -> 2 takes 1 and 3; 5 -> 3 takes 0, 2, 4; 2 -> 5 takes 0, 0, 1, 1, 1; 4 -> 3 takes 0, 2, 3.
    [Theory]
    [InlineData(5, 2, new byte[] { 1, 3 })]
    [InlineData(5, 3, new byte[] { 0, 2, 4 })]
    [InlineData(2, 5, new byte[] { 0, 0, 1, 1, 1 })]
    [InlineData(4, 3, new byte[] { 0, 2, 3 })]
    [InlineData(3, 1, new byte[] { 1 })]
    public void Nearest_takes_the_pixel_under_the_centre(int source, int target, byte[] expected)
    {
        var values = Enumerable.Range(0, source).Select(i => (byte)i).ToArray();
        var colors = values.Select(i => LabelPalette.CamVid.Classes[i].Color).ToArray();
        using var wide = Images.Gray(source, 1, values);
        using var high = Images.Gray(1, source, values);
        using var wideColored = Images.Colored(source, 1, colors);
        using var highColored = Images.Colored(1, source, colors);

        Assert.Equal(expected, Decode(wide, 1, target, palette: LabelPalette.CamVid));
        Assert.Equal(expected, Decode(high, target, 1, palette: LabelPalette.CamVid));
        Assert.Equal(expected, Decode(wideColored, 1, target, palette: LabelPalette.CamVid));
        Assert.Equal(expected, Decode(highColored, target, 1, palette: LabelPalette.CamVid));
    }

    [Fact]
    public void An_unknown_id_is_found_even_where_it_is_not_sampled()
    {
        var values = Enumerable.Repeat((byte)11, 480 * 360).ToArray();
        values[7 * 480 + 31] = 42;
        values[300 * 480 + 1] = 99;
        using var image = Images.Gray(480, 360, values);

        var e = Assert.Throws<InvalidOperationException>(() =>
            new LabelDecoder(LabelPalette.CamVid, LabelEncoding.Index, UnknownLabelPolicy.Error).Decode(image, new byte[4], 2, 2, "label image 'x.png' (row 12, column 'Labels')"));
        Assert.Equal(
            "label image 'x.png' (row 12, column 'Labels'): pixel (31, 7) has id 42, which palette 'camvid' lacks (known ids: 0-11); "
            + "such values stand in 2 of 172,800 pixels. Add it to the palette, or set UnknownLabels = Void to paint it as void.", e.Message);
        Assert.Equal([11, 11, 11, 11], Decode(image, 2, 2, LabelEncoding.Index, UnknownLabelPolicy.Void, LabelPalette.CamVid));
    }

    [Fact]
    public void An_unknown_colour_is_an_error_or_void()
    {
        var colors = Enumerable.Repeat(new RgbColor(10, 20, 30), 9).ToArray();
        colors[5] = new(10, 20, 31);
        using var image = Images.Colored(3, 3, colors);

        var e = Assert.Throws<InvalidOperationException>(() => Decode(image, 1, 1));
        Assert.Contains("pixel (2, 1) has colour #0a141f", e.Message);
        Assert.Contains("1 of 9 pixels", e.Message);
        Assert.Equal([0, 0, 0, 0, 0, 2, 0, 0, 0], Decode(image, 3, 3, unknown: UnknownLabelPolicy.Void));
    }

    [Fact]
    public void A_gray_image_is_read_by_the_encoding_in_force()
    {
        using var ids = Images.Gray(2, 1, 3, 5);
        using var grayColors = Images.Gray(2, 1, 128, 0);
        using var onlyBlack = Images.Gray(2, 1, 0, 0);
        using var neither = Images.Gray(2, 1, 128, 3);
        using var coloured = Images.Colored(1, 1, [new(255, 0, 0)]);
        var decoder = new LabelDecoder(Small, LabelEncoding.Auto, UnknownLabelPolicy.Error);

        Assert.Equal(LabelEncoding.Index, decoder.Detect(ids));
        Assert.Equal(LabelEncoding.Color, decoder.Detect(grayColors));
        Assert.Equal(LabelEncoding.Index, decoder.Detect(onlyBlack));
        Assert.Equal(LabelEncoding.Index, decoder.Detect(neither));
        Assert.Equal(LabelEncoding.Color, decoder.Detect(coloured));

        Assert.Equal([1, 2], Decode(grayColors, 1, 2));
        Assert.Equal([1, 2], Decode(grayColors, 1, 2, LabelEncoding.Color));
        Assert.Contains("has id 128", Assert.Throws<InvalidOperationException>(() => Decode(grayColors, 1, 2, LabelEncoding.Index)).Message);
        Assert.Contains("has colour #030303", Assert.Throws<InvalidOperationException>(() => Decode(ids, 1, 2, LabelEncoding.Color)).Message);
        // In CamVid, black is void as a colour and sky as an id.
        Assert.Equal([11, 11], Decode(onlyBlack, 1, 2, LabelEncoding.Color, palette: LabelPalette.CamVid));
        Assert.Equal([0, 0], Decode(onlyBlack, 1, 2, LabelEncoding.Index, palette: LabelPalette.CamVid));
    }

    [Fact]
    public void A_colour_of_two_classes_is_an_error_in_colour_images_only()
    {
        var palette = new LabelPalette("twins", [new("lake", new(1, 2, 3), 0), new("sea", new(1, 2, 3), 1), new("stone", new(9, 9, 9), 2), new("wall", new(9, 9, 9), 3), new("tree", new(0, 255, 0), 4)]);
        using var ids = Images.Gray(2, 1, 0, 1);
        using var tree = Images.Colored(1, 1, [new(0, 255, 0)]);
        using var water = Images.Colored(2, 1, [new(0, 255, 0), new(1, 2, 3)]);
        using var gray = Images.Gray(2, 1, 9, 9);

        Assert.Equal([0, 1], Decode(ids, 1, 2, palette: palette));
        Assert.Equal([4], Decode(tree, 1, 1, palette: palette));
        var e = Assert.Throws<InvalidOperationException>(() => Decode(water, 1, 2, unknown: UnknownLabelPolicy.Void, palette: palette));
        Assert.Contains("pixel (1, 0) has colour #010203, which palette 'twins' gives to 'lake' and 'sea'", e.Message);
        Assert.Contains("'stone' and 'wall'", Assert.Throws<InvalidOperationException>(() => Decode(gray, 1, 2, LabelEncoding.Color, palette: palette)).Message);
    }

    [Fact]
    public void Transparency_is_an_error()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["a.png"], 2, 2, PngWriter.GrayAlpha, [3, 255, 3, 255, 3, 255, 3, 128]);
        using var image = ImageFile.Load(folder["a.png"]);

        var e = Assert.Throws<InvalidOperationException>(() => Decode(image, 1, 1, unknown: UnknownLabelPolicy.Void));
        Assert.Contains("pixel (1, 1) is transparent (alpha 128)", e.Message);
    }

    // The rule of LabelEncoding: by colour if at least half of the colours used are the palette's and one of them is another class than the index.
    [Theory]
    [InlineData(new[] { 3, 5 }, "0a141e 808080", LabelEncoding.PaletteIndex)] // both say the same
    [InlineData(new[] { 3, 5, 7 }, "0a141e 808080 0a141e", LabelEncoding.PaletteIndex)] // void by id may have any colour
    [InlineData(new[] { 3, 5 }, "808080 0a141e", LabelEncoding.Color)] // the colours were sorted otherwise
    [InlineData(new[] { 0, 1 }, "808080 0a141e", LabelEncoding.Color)] // 1 is no id
    [InlineData(new[] { 3, 5 }, "000000 808080", LabelEncoding.Color)] // void's colour on a class's id
    [InlineData(new[] { 3, 5 }, "112233 445566", LabelEncoding.PaletteIndex)] // colours that mean nothing
    [InlineData(new[] { 3, 5, 7 }, "808080 445566 112233", LabelEncoding.PaletteIndex)] // one of three is no accident to build on
    [InlineData(new[] { 3, 5, 9 }, "112233 445566 000001", LabelEncoding.PaletteIndex)] // 9 is no id, and says so
    public void Palette_files_are_read_by_what_fits(int[] indices, string colors, LabelEncoding expected)
    {
        using var folder = new TemporaryFolder();
        var map = PaletteFile(folder, indices, colors);

        Assert.Equal(expected, new LabelDecoder(Small, LabelEncoding.Auto, UnknownLabelPolicy.Error).Detect(map));
        if (indices.Contains(9))
        {
            Assert.Contains("pixel (2, 0) has palette index 9 (colour #000001), which palette 'small' lacks (known ids: 0, 3, 5, 7)",
                Assert.Throws<InvalidOperationException>(() => Decode(map, 1, 3)).Message);
            return;
        }

        using var image = ImageFile.Load(map.Path!);
        var classes = expected == LabelEncoding.Color ? Decode(image, 1, indices.Length) : indices.Select(index => (byte)(index switch { 3 => 0, 5 => 1, _ => 2 })).ToArray();
        foreach (var encoding in new[] { LabelEncoding.Auto, LabelEncoding.Index, expected })
            Assert.Equal(classes, Decode(map, 1, indices.Length, encoding));
    }

    [Fact]
    public void An_encoding_that_is_set_tells_how_palette_files_are_read()
    {
        using var folder = new TemporaryFolder();
        var swapped = PaletteFile(folder, [3, 5], "808080 0a141e");

        Assert.Equal([1, 0], Decode(swapped, 1, 2, LabelEncoding.Color));
        Assert.Equal([0, 1], Decode(swapped, 1, 2, LabelEncoding.PaletteIndex));
        var strange = PaletteFile(folder, [3, 5], "0a141e 445566");
        Assert.Contains("pixel (1, 0) has colour #445566", Assert.Throws<InvalidOperationException>(() => Decode(strange, 1, 2, LabelEncoding.Color)).Message);
        // A class that is transparent has an index all the same, but no colour.
        var transparent = PaletteFile(folder, [3, 5], "0a141e 808080", alphaOf5: 0);
        Assert.Equal([0, 1], Decode(transparent, 1, 2));
        Assert.Contains("pixel (1, 0) is transparent", Assert.Throws<InvalidOperationException>(() => Decode(transparent, 1, 2, LabelEncoding.Color)).Message);
    }

    [Fact]
    public void Sixteen_bits_of_gray_are_ids()
    {
        using var folder = new TemporaryFolder();
        var palette = new LabelPalette("wide", [new("sea", new(0, 0, 200), 65535), new("land", new(0, 200, 0), 300)], [44]);
        PngWriter.WriteNumbers(folder["ids.png"], 3, 1, 16, [300, 65535, 44]);
        var map = LabelMap.Load(folder["ids.png"]);

        Assert.Equal([1, 0, 2], Decode(map, 1, 3, palette: palette));
        Assert.Contains("16 bits", Assert.Throws<InvalidOperationException>(() => Decode(map, 1, 3, LabelEncoding.Color, palette: palette)).Message);
        PngWriter.WriteNumbers(folder["odd.png"], 3, 1, 16, [300, 65535, 301]);
        Assert.Contains("pixel (2, 0) has id 301, which palette 'wide' lacks (known ids: 44, 300, 65535)",
            Assert.Throws<InvalidOperationException>(() => Decode(LabelMap.Load(folder["odd.png"]), 1, 3, palette: palette)).Message);
        Assert.Equal([1, 0, 2], Decode(LabelMap.Load(folder["odd.png"]), 1, 3, unknown: UnknownLabelPolicy.Void, palette: palette));
    }

    [Fact]
    public void Few_bits_of_gray_are_ids_or_colours_from_black_to_white()
    {
        using var folder = new TemporaryFolder();
        var mask = new LabelPalette("mask", [new("paper", new(255, 255, 255), 1)], [0], [new(0, 0, 0)]);
        PngWriter.WriteNumbers(folder["mask.png"], 3, 1, 1, [0, 1, 1]);
        var map = LabelMap.Load(folder["mask.png"]);

        Assert.Equal([1, 0, 0], Decode(map, 1, 3, palette: mask));
        Assert.Equal([1, 0, 0], Decode(map, 1, 3, LabelEncoding.Color, palette: mask));
    }

    [Fact]
    public void Numbers_are_read_by_nearest_neighbour_too()
    {
        var decoder = new LabelDecoder(LabelPalette.CamVid, LabelEncoding.Auto, UnknownLabelPolicy.Error);
        var channels = new byte[2 * 3];

        decoder.Ids.Decode<int>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7], 4, 5, channels, 2, 3, "map");

        // Rows 1 and 3 of 4, columns 0, 2 and 4 of 5: see Nearest_takes_the_pixel_under_the_centre.
        Assert.Equal([5, 7, 9, 3, 5, 7], channels);
        Assert.Contains("map: pixel (1, 0) has id -1", Assert.Throws<InvalidOperationException>(() => decoder.Ids.Decode<int>([0, -1], 1, 2, new byte[2], 1, 2, "map")).Message);
    }

    [Fact]
    public void Room_of_another_size_is_refused()
    {
        using var image = Images.Gray(1, 1, 3);
        var decoder = new LabelDecoder(Small, LabelEncoding.Auto, UnknownLabelPolicy.Error);
        Assert.Throws<ArgumentException>(() => decoder.Decode(image, new byte[3], 2, 2, "image"));
        Assert.Throws<ArgumentOutOfRangeException>(() => decoder.Decode(image, [], 0, 2, "image"));
    }

    [Fact]
    public void A_full_palette_keeps_void_apart()
    {
        var palette = new LabelPalette("full", Enumerable.Range(0, 255).Select(i => new LabelClass($"c{i}", new((byte)i, 1, 2), i)), [255]);
        using var image = Images.Gray(3, 1, 0, 254, 255);
        Assert.Equal([0, 254, 255], Decode(image, 1, 3, palette: palette));
    }

    /// <summary>A row of these palette indices; index <c>i</c> has the i-th of the colours given.</summary>
    private static LabelMap PaletteFile(TemporaryFolder folder, int[] indices, string colors, byte alphaOf5 = 255)
    {
        var palette = new byte[3 * 10];
        foreach (var (index, color) in indices.Zip(colors.Split(' ').Select(RgbColor.Parse)))
            new[] { color.R, color.G, color.B }.CopyTo(palette, 3 * index);
        PngWriter.WriteNumbers(
            folder["p.png"], indices.Length, 1, 8, [.. indices.Select(index => (ushort)index)], palette: palette,
            chunks: alphaOf5 == 255 ? [] : [("tRNS", [255, 255, 255, 255, 255, alphaOf5])]);
        return LabelMap.Load(folder["p.png"]);
    }

    private static byte[] Decode(MLImage image, int height, int width, LabelEncoding encoding = LabelEncoding.Auto,
        UnknownLabelPolicy unknown = UnknownLabelPolicy.Error, LabelPalette? palette = null)
        => Decode(LabelMap.FromImage(image), height, width, encoding, unknown, palette);

    private static byte[] Decode(LabelMap map, int height, int width, LabelEncoding encoding = LabelEncoding.Auto,
        UnknownLabelPolicy unknown = UnknownLabelPolicy.Error, LabelPalette? palette = null)
    {
        var channels = new byte[height * width];
        new LabelDecoder(palette ?? Small, encoding, unknown).Decode(map, channels, height, width, "label image");
        return channels;
    }
}
