using CrnMlNet.Data;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Data;

public sealed class LabelPhotoPairsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public LabelPhotoPairsTests()
    {
        Directory.CreateDirectory(_folder["labels"]);
        Directory.CreateDirectory(_folder["photos"]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Equal_names_make_a_pair_in_ordinal_order()
    {
        // No two names differ in case alone: some file systems take them for one.
        Touch("labels", "b.png", "a.PNG", "C.bmp", "a.b.png", "notes.txt", ".hidden.png");
        Touch("photos", "b.jpg", "a.JPEG", "C.webp", "a.b.bmp", "Thumbs.db");
        Directory.CreateDirectory(_folder["labels/more.png"]);

        var pairs = Find();

        Assert.Equal(["C", "a", "a.b", "b"], pairs.Select(pair => pair.Name));
        Assert.Equal(new LabelPhotoPair("a", Path.Combine(_folder["labels"], "a.PNG"), Path.Combine(_folder["photos"], "a.JPEG")), pairs[1]);
    }

    [Fact]
    public void ML_NET_loads_the_pairs()
    {
        PngWriter.Write(_folder["labels/a.png"], 2, 1, PngWriter.Gray, [3, 4]);
        PngWriter.Write(_folder["photos/a.png"], 2, 1, PngWriter.Rgb, [1, 2, 3, 4, 5, 6]);
        var mlContext = new MLContext(seed: 1);
        var rows = mlContext.Data.LoadFromEnumerable(Find());
        var images = mlContext.Transforms.LoadImages("Labels", _folder.Path, nameof(LabelPhotoPair.LabelPath)).Fit(rows).Transform(rows);

        using var cursor = images.GetRowCursor(images.Schema);
        Assert.True(cursor.MoveNext());
        MLImage? image = null;
        cursor.GetGetter<MLImage?>(cursor.Schema["Labels"])(ref image);

        Assert.Equal([3, 3, 3, 255, 4, 4, 4, 255], image!.Pixels.ToArray());
        image.Dispose();
    }

    [Fact]
    public void Missing_partners_are_named_and_counted()
    {
        Touch("labels", "a.png", "b.png", "c.png", "d.png", "e.png");
        Touch("photos", "a.jpg", "z.jpg");

        var e = Assert.Throws<InvalidDataException>(Find);

        Assert.Contains($"4 label images ('b', 'c', 'd', ...) in '{_folder["labels"]}' without a photo in '{_folder["photos"]}'", e.Message);
        Assert.Contains($"1 photo ('z') in '{_folder["photos"]}' without a label image", e.Message);
    }

    [Fact]
    public void No_pair_at_all_says_what_is_there()
    {
        Touch("labels", "a_labels.png");
        Touch("photos", "a.jpg", "b.jpg");

        var e = Assert.Throws<InvalidDataException>(Find);

        Assert.Contains(_folder["labels"], e.Message);
        Assert.Contains(_folder["photos"], e.Message);
        Assert.Contains("1 label image ('a_labels')", e.Message);
        Assert.Contains("2 photos ('a', 'b')", e.Message);
    }

    [Fact]
    public void Two_files_of_one_name_are_an_error()
    {
        Touch("labels", "a.png");
        Touch("photos", "a.jpg", "a.png");

        var message = Assert.Throws<InvalidDataException>(Find).Message;

        Assert.Contains("'a.jpg' and 'a.png'", message);
        Assert.Contains(_folder["photos"], message);
    }

    [Fact]
    public void A_missing_or_empty_folder_is_an_error_that_names_it()
    {
        Touch("labels", "a.jpg");
        Assert.Contains($"'{_folder["labels"]}' has no label image (.png, .bmp, .gif; JPEG", Assert.Throws<InvalidDataException>(Find).Message);

        Touch("labels", "a.png");
        Assert.Contains($"'{_folder["photos"]}' has no photo", Assert.Throws<InvalidDataException>(Find).Message);
        Assert.Contains(_folder["nowhere"], Assert.Throws<DirectoryNotFoundException>(() => LabelPhotoPairs.FromFolders(_folder["labels"], _folder["nowhere"])).Message);
        Assert.Contains(_folder["nowhere"], Assert.Throws<DirectoryNotFoundException>(() => LabelPhotoPairs.FromFolders(_folder["nowhere"], _folder["photos"])).Message);
    }

    private IReadOnlyList<LabelPhotoPair> Find() => LabelPhotoPairs.FromFolders(_folder["labels"], _folder["photos"]);

    private void Touch(string folder, params string[] names)
    {
        foreach (var name in names)
            File.WriteAllBytes(_folder[$"{folder}/{name}"], []);
    }
}
