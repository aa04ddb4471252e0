using CrnMlNet.Cli.Batch;

namespace CrnMlNet.Cli.Tests.Batch;

public sealed class ManifestTests : IDisposable
{
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, 123, DateTimeKind.Utc);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_line_is_one_of_RFC_4180()
    {
        var line = Line("a.png", Noon) with { LabelMap = "maps/say \"a, b\".png" };
        Assert.Equal("a.png,\"maps/say \"\"a, b\"\".png\",lll,mmm,0,ppp,12,2026-05-01T12:00:00.123Z,0.25", line.ToString());
        Assert.Equal(line, ManifestLine.Parse(line.ToString()));
        Assert.Equal(line with { Seconds = null }, ManifestLine.Parse((line with { Seconds = null }).ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.png,maps/a.png,lll,mmm,0,ppp,12,2026-05-01T12:00:00.123Z")]
    [InlineData("a.png,maps/a.png,lll,mmm,0,ppp,12,yesterday,0.25")]
    [InlineData("a.png,\"maps/a.png,lll,mmm,0,ppp,12,2026-05-01T12:00:00.123Z,0.25")]
    [InlineData("\0\0\0\0\0\0")]
    public void A_damaged_line_is_none(string line) => Assert.Null(ManifestLine.Parse(line));

    [Fact]
    public void A_manifest_goes_on_after_a_line_that_a_kill_broke_off()
    {
        using (var manifest = BatchManifest.Open(_folder.Path, Shard.Whole))
        {
            manifest.Add(Line("a.png", Noon));
            manifest.Add(Line("b.png", Noon));
        }

        File.AppendAllText(_folder["manifest.csv"], "c.png,maps/c.p");
        using (var manifest = BatchManifest.Open(_folder.Path, Shard.Whole))
        {
            Assert.True(manifest.Knows("a.png", Line("a.png", Noon).Origin));
            Assert.True(manifest.Knows("b.png", Line("b.png", Noon).Origin));
            Assert.False(manifest.Knows("c.png", Line("c.png", Noon).Origin));
            Assert.False(manifest.Knows("a.png", Line("a.png", Noon).Origin with { ModelSha256 = "other" }));
            manifest.Add(Line("c.png", Noon));
        }

        Assert.Equal([ManifestLine.Header, .. new[] { "a.png", "b.png", "c.png" }.Select(photo => Line(photo, Noon).ToString())], File.ReadAllLines(_folder["manifest.csv"]));
    }

    [Fact]
    public void Two_processes_of_one_shard_have_a_manifest_each()
    {
        var shard = new Shard(1, 3);
        using (var first = BatchManifest.Open(_folder.Path, shard))
        {
            using var second = BatchManifest.Open(_folder.Path, shard);
            first.Add(Line("a.png", Noon));
            second.Add(Line("b.png", Noon));
            second.Add(new FailureLine("maps/c.png", "c.png", Noon, "truncated"));
        }

        Assert.Equal(["failures.1-of-3.2.csv", "manifest.1-of-3.2.csv", "manifest.1-of-3.csv"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order());
        Assert.Equal(new ManifestMerge(2, 1, 0), ManifestMerge.In(_folder.Path));
    }

    [Fact]
    public void A_run_forgets_the_failures_of_the_run_before()
    {
        using (var manifest = BatchManifest.Open(_folder.Path, Shard.Whole))
            manifest.Add(new FailureLine("maps/c.png", "c.png", Noon, "truncated"));
        Assert.True(File.Exists(_folder["failures.csv"]));
        BatchManifest.Open(_folder.Path, Shard.Whole).Dispose();
        Assert.False(File.Exists(_folder["failures.csv"]));
    }

    [Fact]
    public void Another_file_of_that_name_is_left_alone()
    {
        File.WriteAllText(_folder["manifest.csv"], "my,own,list\n");
        Assert.Contains("manifest.csv", Assert.Throws<InvalidDataException>(() => BatchManifest.Open(_folder.Path, Shard.Whole)).Message);
        Assert.Equal("my,own,list\n", File.ReadAllText(_folder["manifest.csv"]));
    }

    [Fact]
    public void Merging_keeps_the_newest_line_of_a_photo_and_failures_that_were_not_painted_later()
    {
        using (var manifest = BatchManifest.Open(_folder.Path, new Shard(0, 2)))
        {
            manifest.Add(Line("a.png", Noon));
            manifest.Add(Line("b.png", Noon.AddHours(2)));
            manifest.Add(new FailureLine("maps/c.png", "c.png", Noon, "truncated"));
            manifest.Add(new FailureLine("maps/d.png", "d.png", Noon, "truncated, \"too\""));
        }

        using (var manifest = BatchManifest.Open(_folder.Path, new Shard(1, 2)))
        {
            manifest.Add(Line("a.png", Noon.AddHours(1)));
            manifest.Add(Line("b.png", Noon.AddHours(1)));
            manifest.Add(Line("c.png", Noon.AddHours(1)));
        }

        File.AppendAllText(_folder["manifest.1-of-2.csv"], "\0\0\0\n");
        for (int times = 0; times < 2; times++)
        {
            Assert.Equal(new ManifestMerge(3, 1, 1), ManifestMerge.In(_folder.Path));
            Assert.Equal(
                [ManifestLine.Header, Line("b.png", Noon.AddHours(2)).ToString(), Line("a.png", Noon.AddHours(1)).ToString(), Line("c.png", Noon.AddHours(1)).ToString()],
                File.ReadAllLines(_folder["manifest.csv"]));
            Assert.Equal([FailureLine.Header, "maps/d.png,d.png,2026-05-01T12:00:00.123Z,\"truncated, \"\"too\"\"\""], File.ReadAllLines(_folder["failures.csv"]));
        }
    }

    [Fact]
    public void Merging_while_a_shard_is_at_work_or_where_there_is_none_is_an_error()
    {
        Assert.Contains("nothing to merge", Assert.Throws<InvalidDataException>(() => ManifestMerge.In(_folder.Path)).Message);
        using var manifest = BatchManifest.Open(_folder.Path, new Shard(0, 2));
        Assert.Contains("may still be writing", Assert.Throws<IOException>(() => ManifestMerge.In(_folder.Path)).Message);
    }

    private static ManifestLine Line(string photo, DateTime time) => new(photo, "maps/" + photo, new PhotoOrigin("mmm", "lll", 0), "ppp", 12, time, 0.25);
}
