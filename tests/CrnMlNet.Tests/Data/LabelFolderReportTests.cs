using CrnMlNet.Data;

namespace CrnMlNet.Tests.Data;

public class LabelFolderReportTests
{
    [Fact]
    public void Counts_values_images_and_sizes_and_finds_the_first_pixel()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["a.png"], 3, 2, PngWriter.Gray, [0, 0, 3, 3, 3, 3]);
        PngWriter.Write(folder["b.png"], 2, 2, PngWriter.Gray, [3, 10, 10, 11]);
        File.WriteAllText(folder["notes.txt"], "passed over");
        var done = new List<(int, int)>();

        var report = Inspect(folder.Path, progress: (i, n) => done.Add((i, n)));

        Assert.Equal([(1, 2), (2, 2)], done);
        Assert.Equal(2, report.Images);
        Assert.Equal([(LabelFileFormat.Gray, 2)], report.Formats.Select(format => (format.Trait, format.Images)));
        Assert.Equal([((3, 2), 1, folder["a.png"]), ((2, 2), 1, folder["b.png"])], report.Sizes.Select(size => (size.Trait, size.Images, size.File)));
        Assert.Equal(
            [(0, 2, 1, folder["a.png"], 0, 0), (3, 5, 2, folder["a.png"], 2, 0), (10, 2, 1, folder["b.png"], 1, 0), (11, 1, 1, folder["b.png"], 1, 1)],
            report.Values.Select(value => (value.Id, value.Pixels, value.Images, value.File, value.X, value.Y)).Select(value => (value.Id!.Value, (int)value.Pixels, value.Images, value.File, value.X, value.Y)));
        Assert.Empty(report.Faults);
    }

    [Fact]
    public void Of_two_palettes_that_have_all_values_the_one_with_fewer_classes_left_over_is_the_better()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["a.png"], 12, 1, PngWriter.Gray, [.. Enumerable.Range(0, 12).Select(id => (byte)id)]);

        var report = Inspect(folder.Path);

        Assert.Same(LabelPalette.CamVid, report.Best!.Palette);
        Assert.Equal((true, 11), (report.Best.IsWhole, report.Best.ClassesSeen));
        var cityscapes = report.Fits.Single(fit => fit.Palette == LabelPalette.Cityscapes);
        Assert.Equal((true, 12), (cityscapes.IsWhole, cityscapes.ClassesSeen));
        Assert.Equal(("road", "wall"), (report.Best.MeaningOf(report.Values[3]), cityscapes.MeaningOf(report.Values[3])));
    }

    [Theory]
    [InlineData("cityscapes", new byte[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 255 })]
    [InlineData("cityscapes-labelids", new byte[] { 0, 3, 4, 7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 28, 33 })]
    [InlineData("ade20k", new byte[] { 0, 1, 2, 3, 4, 5, 7, 21, 44, 77, 90, 101, 126, 140, 150 })]
    [InlineData("coco-stuff", new byte[] { 0, 2, 61, 92, 123, 148, 156, 168, 181, 255 })]
    [InlineData("nyu40", new byte[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 18, 19, 20, 22, 23, 29, 35, 38, 39, 40 })]
    public void The_ids_of_the_field_are_told_apart(string palette, byte[] ids)
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["a.png"], ids.Length, 1, PngWriter.Gray, ids);

        var report = Inspect(folder.Path);

        Assert.Equal((palette, LabelEncoding.Index), (report.Best!.Palette.Name, report.Best.Encoding));
        Assert.Empty(report.Faults);
    }

    [Fact]
    public void A_value_that_the_palette_lacks_is_told_with_file_pixel_and_count()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["a.png"], 2, 1, PngWriter.Gray, [0, 3]);
        PngWriter.Write(folder["b.png"], 2, 3, PngWriter.Gray, [0, 3, 3, 77, 77, 1]);

        var report = Inspect(folder.Path, palette: LabelPalette.CamVid);

        var fault = Assert.Single(report.Faults);
        Assert.Contains("'camvid' lacks id 77: 2 pixels in 1 images", fault);
        Assert.Contains($"pixel (1, 1) of '{folder["b.png"]}'", fault);
        Assert.Equal(0.75, report.Best!.KnownShare, 9);
    }

    [Fact]
    public void Colours_are_matched_and_shared_ones_refused()
    {
        using var folder = new TemporaryFolder();
        using (var image = Images.Colored(2, 1, [LabelPalette.Ade20k.Classes[0].Color, LabelPalette.Ade20k.Classes[2].Color]))
            ImageFile.Save(image, folder["a.png"]);

        var whole = Inspect(folder.Path, palette: LabelPalette.Ade20k);
        using (var road = Images.Colored(2, 1, [LabelPalette.Ade20k.Classes[0].Color, new RgbColor(0x8c, 0x8c, 0x8c)]))
            ImageFile.Save(road, folder["b.png"]);
        var shared = Inspect(folder.Path, palette: LabelPalette.Ade20k);

        Assert.Equal((LabelEncoding.Color, LabelFileFormat.Color), (whole.Best!.Encoding, whole.Formats[0].Trait));
        Assert.Empty(whole.Faults);
        Assert.Contains($"#8c8c8c to two classes, first at pixel (1, 0) of '{folder["b.png"]}'", Assert.Single(shared.Faults));
    }

    [Fact]
    public void Files_that_training_cannot_use_are_named_and_the_others_counted()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["a.png"], 2, 1, PngWriter.Gray, [0, 3]);
        File.WriteAllText(folder["b.png"], "no picture");
        PngWriter.Write(folder["c.png"], 1, 1, PngWriter.Rgba, [1, 2, 3, 128]);
        var random = new Random(1);
        using (var noise = Images.Colored(80, 80, [.. Enumerable.Range(0, 6400).Select(_ => new RgbColor((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256)))]))
            ImageFile.Save(noise, folder["d.png"]);

        var report = Inspect(folder.Path);

        Assert.Equal(3, report.Faults.Count);
        Assert.Contains("b.png", report.Faults[0]);
        Assert.Contains("'" + folder["c.png"] + "' is transparent at pixel (0, 0)", report.Faults[1]);
        Assert.Contains("'" + folder["d.png"] + "' has more than 4,096 colours", report.Faults[2]);
        Assert.Equal(4, report.Images);
        Assert.Equal([0, 3], report.Values.Select(value => value.Id!.Value));
    }

    [Fact]
    public void A_JPEG_is_named_with_how_much_of_it_is_wrong()
    {
        using var folder = new TemporaryFolder();
        var (sky, road) = (LabelPalette.CamVid.Classes[0].Color, LabelPalette.CamVid.Classes[3].Color);
        using (var image = Images.Colored(32, 32, [.. Enumerable.Range(0, 1024).Select(i => (i % 32 + i / 32) % 20 < 9 ? sky : road)]))
            ImageFile.Save(image, folder["a.jpg"]);
        File.Copy(folder["a.jpg"], folder["b.png"]);

        var report = Inspect(folder.Path, palette: LabelPalette.CamVid);

        var fault = Assert.Single(report.Faults);
        Assert.Contains($"2 files are JPEGs, first '{folder["a.jpg"]}'", fault);
        Assert.Matches(@"it has \d+ different values, of which palette 'camvid' lacks \d+, in \d+\.\d %", fault);
        Assert.Empty(report.Values);
    }

    [Fact]
    public void Sixteen_bits_and_palettes_are_read_as_numbers()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["a.png"], 2, 1, PngWriter.Gray, [0x01, 0x00, 0x00, 0x03], depth: 16);
        PngWriter.Write(folder["b.png"], 3, 1, PngWriter.Palette, [7, 23, 7], 8,
            ("PLTE", [.. Enumerable.Range(0, 24).SelectMany(i => i == 7 ? new byte[] { 128, 64, 128 } : i == 23 ? [70, 130, 180] : [0, 0, 0])]));

        var report = Inspect(folder.Path);

        Assert.Equal([LabelFileFormat.Gray16, LabelFileFormat.Palette], report.Formats.Select(format => format.Trait).Order());
        Assert.Equal(
            [(3, null), (7, "#804080"), (23, "#4682b4"), (256, null)],
            report.Values.Select(value => (value.Id!.Value, value.Color?.ToString())));
    }

    [Fact]
    public void Photos_that_lack_a_partner_or_have_another_shape()
    {
        using var labels = new TemporaryFolder();
        using var photos = new TemporaryFolder();
        foreach (var name in new[] { "a", "b", "c" })
            PngWriter.Write(labels[name + ".png"], 4, 2, PngWriter.Gray, new byte[8]);
        PngWriter.Write(photos["a.png"], 8, 4, PngWriter.Rgb, new byte[96]);
        PngWriter.Write(photos["b.png"], 4, 4, PngWriter.Rgb, new byte[48]);

        var report = Inspect(labels.Path, photos.Path, LabelPalette.CamVid);

        Assert.Equal(2, report.Faults.Count);
        Assert.Contains("1 label image ('c')", report.Faults[0]);
        Assert.Contains($"Photo '{photos["b.png"]}' is 4x4, but its label image '{labels["b.png"]}' is 4x2", report.Faults[1]);
    }

    [Fact]
    public void A_folder_of_another_data_set_fits_no_built_in_palette()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["a.png"], 3, 1, PngWriter.Gray, [200, 210, 220]);

        var report = Inspect(folder.Path);

        Assert.Null(report.Best);
        Assert.Contains("--palette", Assert.Single(report.Faults));
        Assert.Throws<FileNotFoundException>(() => Inspect(folder["nowhere"]));
    }

    [Fact]
    public void CamVid_as_it_is()
    {
        var report = Inspect(SharedData.Find("camvid", "val", "labels"), SharedData.Find("camvid", "val", "photos"));

        Assert.Equal((101, "camvid", 12), (report.Images, report.Best!.Palette.Name, report.Values.Count));
        Assert.Equal(101L * 480 * 360, report.Values.Sum(value => value.Pixels));
        Assert.Empty(report.Faults);
    }

    [Fact]
    public void GTA5_as_it_is()
    {
        var report = Inspect(SharedData.Find("crn-original", "gta-00100370.png"));

        Assert.Equal(LabelFileFormat.Palette, report.Formats.Single().Trait);
        Assert.Equal(LabelEncoding.PaletteIndex, report.Best!.Encoding);
        Assert.Equal("road", report.Best.MeaningOf(report.Values.Single(value => value.Id == 7)));
        Assert.True(report.Fits.Single(fit => fit.Palette == LabelPalette.Gta5).IsWhole);
        Assert.Empty(report.Faults);
    }

    private static LabelFolderReport Inspect(string path, string? photos = null, LabelPalette? palette = null, Action<int, int>? progress = null) =>
        LabelFolderReport.Of(path, photos, palette, progress, TestContext.Current.CancellationToken);
}
