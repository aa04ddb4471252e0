using CrnMlNet.Cli.Batch;

namespace CrnMlNet.Cli.Tests.Batch;

public sealed class LabelMapSourceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_folder_gives_its_label_images_and_no_other_files()
    {
        Touch("maps/b.png", "maps/a.bmp", "maps/c.GIF", "maps/notes.txt", "maps/.hidden.png", "maps/photo.jpg", "maps/below/d.png");
        Assert.Equal(["a", "b", "c"], Names("maps"));
    }

    [Theory]
    [InlineData("data/*.png", "x")]
    [InlineData("data/*/labels/*.png", "train/labels/a val/labels/a val/labels/b")]
    [InlineData("data/v*/labels/?.png", "val/labels/a val/labels/b")]
    [InlineData("data/**/*.png", "train/labels/a val/labels/a val/labels/b val/photos/a x")]
    [InlineData("data/**/labels/**", "train/labels/a val/labels/a val/labels/b val/labels/c")]
    [InlineData("data/**/**/b.png", "val/labels/b")]
    [InlineData("data/val/labels/[ab].png", "")]
    public void A_pattern_gives_what_fits_and_keeps_folders_below_its_first_wildcard(string pattern, string names)
    {
        Touch("data/x.png", "data/train/labels/a.png", "data/val/labels/a.png", "data/val/labels/b.png", "data/val/labels/c.gif", "data/val/photos/a.png", "data/.git/a.png", "data/val/labels/list.txt");
        if (pattern.Contains('['))
            Assert.Throws<FileNotFoundException>(() => Names(pattern));
        else
            Assert.Equal(names.Split(' '), Names(pattern));
    }

    [Fact]
    public void A_pattern_does_not_find_the_photos_that_it_painted_and_does_not_go_in_circles()
    {
        Touch("data/a.png", "data/photos/a.png", "data/photos/below/a.png");
        if (!OperatingSystem.IsWindows())
            Directory.CreateSymbolicLink(_folder["data/again"], _folder["data"]);
        Assert.Equal(["a"], Names("data/**/*.png", "data/photos"));
    }

    [Fact]
    public void A_list_gives_each_line_once_and_the_names_on_it()
    {
        Touch("one/a.png", "two/a.png", "two/b.png", "notes.md");
        File.WriteAllText(_folder["list.txt"], string.Join("\r\n",
            [_folder["one/a.png"], "", _folder["two/a.png"], _folder["two/a.png"] + "\tcity/a", _folder["one/a.png"], _folder["two/b.png"] + "\t../b", _folder["two/b.png"] + "\t/b", _folder["notes.md"], _folder["missing.png"], ""]));
        var maps = LabelMapSource.Of(_folder["list.txt"], _folder["photos"]).Maps(Shard.Whole).ToList();
        Assert.Equal(["a", "a", "city/a", "../b", "/b", "notes", "missing"], maps.Select(map => map.Name));
        Assert.Equal([true, false, true, false, false, false, true], maps.Select(map => map.Fault is null));
        Assert.Contains("further up", maps[1].Fault);
    }

    [Fact]
    public void A_list_s_label_images_are_not_overwritten()
    {
        Touch("maps/a.png", "maps/b.png");
        File.WriteAllLines(_folder["list.txt"], [_folder["maps/a.png"], _folder["maps/b.png"] + "\tbelow/b"]);
        var maps = LabelMapSource.Of(_folder["list.txt"], _folder["maps"]).Maps(Shard.Whole).ToList();
        Assert.Contains("overwrite", maps[0].Fault);
        Assert.Null(maps[1].Fault);
    }

    [Fact]
    public void A_folder_s_label_images_are_not_overwritten_by_a_pattern_either()
    {
        Touch("maps/a.png");
        Assert.Throws<ArgumentException>(() => LabelMapSource.Of(_folder["maps/*.png"], _folder["maps"]));
    }

    [Fact]
    public void Twins_are_at_fault_if_both_are_asked_for()
    {
        Touch("maps/a.png", "maps/a.bmp", "maps/b.png");
        var folder = LabelMapSource.Of(_folder["maps"], _folder["photos"]);
        Assert.All(folder.Maps(Shard.Whole), map => Assert.Equal(map.Name == "a", folder.FaultOf(map) is not null));
        var pattern = LabelMapSource.Of(_folder["maps/*.png"], _folder["photos"]);
        Assert.All(pattern.Maps(Shard.Whole), map => Assert.Null(pattern.FaultOf(map)));
    }

    [Fact]
    public void The_shards_of_a_source_are_all_of_it()
    {
        Touch([.. Enumerable.Range(0, 100).Select(i => $"maps/{i:D3}.png")]);
        File.WriteAllLines(_folder["list.txt"], Directory.GetFiles(_folder["maps"]));
        foreach (string labels in new[] { "maps", "maps/*.png", "list.txt" })
        {
            var source = LabelMapSource.Of(_folder[labels], _folder["photos"]);
            var names = Enumerable.Range(0, 7).SelectMany(index => source.Maps(new Shard(index, 7))).Select(map => map.Name);
            Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i:D3}"), names.Order());
        }
    }

    [Theory]
    [InlineData("nowhere", "does not exist")]
    [InlineData("nowhere/*.png", "nowhere")]
    [InlineData("notes.md", "neither a label image")]
    public void What_is_no_source_is_an_error(string labels, string part)
    {
        Touch("notes.md");
        Assert.Contains(part, Assert.ThrowsAny<SystemException>(() => LabelMapSource.Of(_folder[labels], _folder["photos"])).Message);
    }

    private IEnumerable<string> Names(string labels, string output = "photos")
        => LabelMapSource.Of(_folder[labels], _folder[output]).Maps(Shard.Whole).Select(map => map.Name).Order(StringComparer.Ordinal);

    private void Touch(params string[] files)
    {
        foreach (string file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[file])!);
            File.WriteAllBytes(_folder[file], []);
        }
    }
}
