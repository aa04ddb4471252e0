using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Training;

/// <summary>What cannot be learned from is told before training starts, with row, column, file and value.</summary>
public class BadInputTests
{
    [Fact]
    public void An_id_that_the_palette_lacks()
    {
        var pairs = Samples.Pairs(3);
        var ids = Enumerable.Repeat((byte)2, 24 * 32).ToArray();
        ids[32 + 5] = 200;
        pairs[2].Labels = Images.Gray(32, 24, ids);

        AssertRefused(pairs, "row 2, column 'Labels'", "pixel (5, 1)", "id 200", "palette 'camvid'", "0-11");
    }

    [Fact]
    public void A_colour_that_the_palette_lacks()
    {
        var pairs = Samples.Pairs(2);
        pairs[0].Labels = Images.Colored(32, 24, [.. Enumerable.Repeat(new RgbColor(128, 64, 128), 24 * 32)]);
        pairs[1].Labels = Images.Colored(32, 24, [.. Enumerable.Repeat(new RgbColor(1, 2, 250), 24 * 32)]);

        AssertRefused(pairs, "row 1, column 'Labels'", "pixel (0, 0)", "#0102fa", "palette 'camvid'");
    }

    [Fact]
    public void One_coloured_image_among_index_images_is_named()
    {
        var pairs = Samples.Pairs(3);
        pairs[2].Labels = Images.Colored(32, 24, [.. Enumerable.Repeat(new RgbColor(128, 64, 128), 24 * 32)]);

        AssertRefused(pairs, "row 0, column 'Labels'", "because that of row 2, column 'Labels' has colours");
    }

    [Fact]
    public void Unknown_labels_are_void_if_so_chosen()
    {
        var pairs = Samples.Pairs(2);
        pairs[1].Labels = Images.Gray(32, 24, [.. Enumerable.Repeat((byte)200, 24 * 32)]);
        var options = Samples.TinyOptions();
        options.UnknownLabels = UnknownLabelPolicy.Void;

        using var transformer = Fit(pairs, options);

        using var unknown = Images.Gray(32, 24, [.. Enumerable.Repeat((byte)99, 24 * 32)]);
        using var known = Images.Gray(32, 24, [.. Enumerable.Repeat((byte)11, 24 * 32)]);
        using var photo = transformer.Synthesize(unknown);
        using var voidPhoto = transformer.Synthesize(known);
        Assert.Equal(voidPhoto.Pixels(), photo.Pixels());
    }

    [Fact]
    public void A_label_image_and_a_photo_of_different_shape()
    {
        var pairs = Samples.Pairs(2);
        pairs[1].Photo = Samples.Photo(1, width: 24, height: 24);

        AssertRefused(pairs, "row 1, column 'Photo'", "24x24", "32x24", "shapes differ");
    }

    [Fact]
    public void A_row_without_an_image()
    {
        var pairs = Samples.Pairs(2);
        pairs[1].Labels = null;
        AssertRefused(pairs, "row 1, column 'Labels'", "no labels");

        pairs = Samples.Pairs(2);
        pairs[0].Photo = null;
        AssertRefused(pairs, "row 0, column 'Photo'", "no image");
    }

    [Fact]
    public void No_rows() => AssertRefused([], "the training data is empty");

    [Fact]
    public void A_disposed_image()
    {
        var pairs = Samples.Pairs(2);
        pairs[1].Photo!.Dispose();

        AssertRefused(pairs, "row 1, column 'Photo'", "disposed");
    }

    [Fact]
    public void A_file_that_is_missing()
    {
        using var folder = new TemporaryFolder();
        var files = Samples.WriteFiles(folder, 3);
        File.Delete(folder["photo1.png"]);

        AssertFilesRefused(folder, files, "row 1, column 'Photo'", "photo1.png");
    }

    [Fact]
    public void A_file_that_is_no_image()
    {
        using var folder = new TemporaryFolder();
        var files = Samples.WriteFiles(folder, 3);
        File.WriteAllText(folder["label2.png"], "not an image");

        AssertFilesRefused(folder, files, "row 2, column 'Labels'", "label2.png");
    }

    [Theory]
    [InlineData("label1.png", "row 1, column 'Labels'")]
    [InlineData("photo2.png", "row 2, column 'Photo'")]
    public void A_truncated_file_of_which_LoadImages_gives_the_first_part(string name, string place)
    {
        using var folder = new TemporaryFolder();
        var files = Samples.WriteFiles(folder, 3);
        var whole = File.ReadAllBytes(folder[name]);
        File.WriteAllBytes(folder[name], whole[..(whole.Length * 3 / 4)]);

        AssertFilesRefused(folder, files, place, name);
    }

    [Fact]
    public void Labels_of_a_coloured_set_are_read_by_colour_where_they_are_all_gray()
    {
        // Gray 128 is no id of CamVid, but the colour of sky: only the coloured image tells that grays are colours.
        var sky = Enumerable.Repeat(new RgbColor(128, 128, 128), 24 * 32).ToArray();
        var black = Enumerable.Repeat(new RgbColor(0, 0, 0), 24 * 32).ToArray();
        var road = Enumerable.Repeat(new RgbColor(128, 64, 128), 24 * 32).ToArray();
        var pairs = Samples.Pairs(3);
        pairs[0].Labels = Images.Colored(32, 24, black);
        pairs[1].Labels = Images.Colored(32, 24, sky);
        pairs[2].Labels = Images.Colored(32, 24, road);

        using var transformer = Fit(pairs, Samples.TinyOptions());

        // Black as an id would be class 0, sky; as a colour it is void.
        using var blackLabels = Images.Colored(32, 24, black);
        using var skyLabels = Images.Colored(32, 24, sky);
        using var voidPhoto = transformer.Synthesize(blackLabels);
        using var skyPhoto = transformer.Synthesize(skyLabels);
        Assert.NotEqual(voidPhoto.Pixels(), skyPhoto.Pixels());
    }

    private static void AssertRefused(List<Pair> pairs, params string[] expected)
    {
        var error = Assert.Throws<InvalidOperationException>(() => Fit(pairs, Samples.TinyOptions()));
        Assert.All(expected, part => Assert.Contains(part, error.Message));
    }

    private static void AssertFilesRefused(TemporaryFolder folder, List<Files> files, params string[] expected)
    {
        var mlContext = new MLContext(seed: 1);
        var pipeline = mlContext.Transforms.LoadImages("Labels", folder.Path, "LabelPath")
            .Append(mlContext.Transforms.LoadImages("Photo", folder.Path, "PhotoPath"))
            .Append(mlContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions()));
        var error = Assert.Throws<InvalidOperationException>(() => pipeline.Fit(mlContext.Data.LoadFromEnumerable(files)));
        Assert.All(expected, part => Assert.Contains(part, error.Message));
    }

    private static SynthesizeFromLabelsTransformer Fit(List<Pair> pairs, SynthesizeFromLabelsEstimator.Options options)
    {
        var mlContext = new MLContext(seed: 1);
        return mlContext.Transforms.SynthesizeFromLabels(options).Fit(mlContext.Data.LoadFromEnumerable(pairs));
    }
}
