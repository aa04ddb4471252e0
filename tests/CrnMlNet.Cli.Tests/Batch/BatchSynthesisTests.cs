using CrnMlNet.Cli.Batch;

namespace CrnMlNet.Cli.Tests.Batch;

public class BatchSynthesisTests(TrainedModel model) : IClassFixture<TrainedModel>
{
    [Fact]
    public void The_same_command_again_paints_nothing_and_the_manifest_says_what_is_there()
    {
        using var maps = new ManyMaps(9);
        maps.Synthesize(model.Path, "painted").AssertSucceeded();
        var (times, hashes) = (maps.Times("painted"), maps.Photos("painted"));

        var again = maps.Synthesize(model.Path, "painted");
        again.AssertSucceeded();
        Assert.Equal($"0 photos of 32x48 in {maps.In("painted")}; 9 more were there already", again.Output[^1]);
        Assert.Equal(times, maps.Times("painted"));
        var manifest = maps.Manifest("painted");
        Assert.Equal(hashes, manifest.ToDictionary(line => line.Key, line => line.Value.PhotoSha256));
        Assert.All(manifest.Values, line =>
        {
            Assert.Equal(Sha256(line.LabelMap), line.Origin.LabelMapSha256);
            Assert.Equal(Sha256(model.Path), line.Origin.ModelSha256);
            Assert.Equal(new FileInfo(Path.Combine(maps.In("painted"), line.Photo)).Length, line.Bytes);
            Assert.InRange(line.Seconds!.Value, 0, 60);
        });
        Assert.False(File.Exists(Path.Combine(maps.In("painted"), "failures.csv")));

        maps.Synthesize(model.Path, "painted", "--fresh").AssertSucceeded();
        Assert.All(maps.Times("painted"), time => Assert.True(time.Value > times[time.Key]));
        Assert.Equal(hashes, maps.Photos("painted"));
    }

    [Theory]
    [InlineData("2")]
    [InlineData("5")]
    public void On_any_number_of_threads_the_photos_and_the_failures_are_the_same(string threads)
    {
        using var maps = new ManyMaps(23);
        File.WriteAllText(maps.Map(6), "no picture");
        maps.Synthesize(model.Path, "on-one").AssertPartial("1 label image of 23 cannot be painted", Path.Combine(maps.In("on-one"), "failures.csv"));

        CrnProcess.RunWith([("OMP_NUM_THREADS", threads)], maps.Arguments(model.Path, "on-more"))
            .AssertPartial("1 label image of 23 cannot be painted", Path.Combine(maps.In("on-more"), "failures.csv"));

        Assert.Equal(22, maps.Manifest("on-more").Count);
        Assert.Equal(maps.Photos("on-one"), maps.Photos("on-more"));

        var stopped = CrnProcess.RunWith([("OMP_NUM_THREADS", threads)], maps.Arguments(model.Path, "stopped", "--on-failure", "stop"));
        Assert.NotEqual(0, stopped.ExitCode);
        maps.AssertWhole("stopped");
    }

    [Fact]
    public void What_has_changed_is_painted_again_and_nothing_else()
    {
        using var maps = new ManyMaps(6);
        maps.Synthesize(model.Path, "painted").AssertSucceeded();
        var (times, hashes) = (maps.Times("painted"), maps.Photos("painted"));

        File.Copy(maps.Map(3), maps.Map(1), overwrite: true); // another layout
        string Photo(int number) => Path.Combine(maps.In("painted"), $"{number:D5}.png");
        File.WriteAllBytes(Photo(2), File.ReadAllBytes(Photo(2))[..^20]); // a broken photo
        File.Copy(maps.Map(4), Photo(4), overwrite: true); // a picture of another origin
        File.Delete(Photo(5));
        maps.Synthesize(model.Path, "painted").AssertSucceeded();

        Assert.Equal(["00000.png", "00003.png"], maps.Times("painted").Where(time => times.TryGetValue(time.Key, out var before) && before == time.Value).Select(time => time.Key).Order());
        hashes["00001.png"] = hashes["00003.png"];
        Assert.Equal(hashes, maps.Photos("painted"));

        using var training = new Scenes(count: 2);
        training.Train("--seed", "7").AssertSucceeded();
        var other = maps.Synthesize(training.Model, "painted");
        other.AssertSucceeded();
        Assert.StartsWith("6 photos of ", other.Output[^1]);
        Assert.Empty(hashes.Values.Intersect(maps.Photos("painted").Values));
    }

    [Fact]
    public void Label_maps_that_fail_are_listed_with_the_reason_and_the_others_are_painted()
    {
        using var maps = new ManyMaps(8);
        Scenes.Save(maps.Map(1), Scenes.Draw((x, y) => Scenes.Gray((byte)((x, y) == (7, 5) ? 77 : 3))));
        File.WriteAllBytes(maps.Map(4), File.ReadAllBytes(maps.Map(4))[..60]);
        File.WriteAllText(maps.Map(6), "no picture");

        maps.Synthesize(model.Path, "painted").AssertPartial("3 label images of 8 cannot be painted", Path.Combine(maps.In("painted"), "failures.csv"));
        Assert.Equal(["00000.png", "00002.png", "00003.png", "00005.png", "00007.png"], maps.Photos("painted").Keys.Order());
        var failures = maps.Failures("painted").OrderBy(line => line.LabelMap).ToArray();
        Assert.Equal([maps.Map(1), maps.Map(4), maps.Map(6)], failures.Select(line => line.LabelMap));
        Assert.Contains("(7, 5)", failures[0].Reason);
        Assert.Contains("id 77", failures[0].Reason);
        Assert.Contains("truncated", failures[1].Reason);
        Assert.Contains(maps.Map(6), failures[2].Reason);

        // Repaired, it is painted; the others fail again.
        File.Copy(maps.Map(0), maps.Map(4), overwrite: true);
        maps.Synthesize(model.Path, "painted").AssertPartial("2 label images of 8");
        Assert.Equal([maps.Map(1), maps.Map(6)], maps.Failures("painted").Select(line => line.LabelMap).Order());
        Assert.Equal(6, maps.Manifest("painted").Count);
    }

    [Fact]
    public void A_label_map_that_fails_ends_the_work_if_that_is_asked_for()
    {
        using var maps = new ManyMaps(300);
        for (int i = 0; i < 300; i++)
            File.WriteAllText(maps.Map(i), "no picture");
        maps.Synthesize(model.Path, "painted", "--on-failure", "stop").AssertFailed(".png", "not a picture");
        Assert.InRange(maps.Failures("painted").Length, 1, 10);
        Assert.Empty(maps.Photos("painted"));
    }

    [Fact]
    public void A_list_names_files_anywhere_and_what_is_wrong_with_some_harms_no_others()
    {
        using var maps = new ManyMaps(4);
        File.WriteAllLines(maps.In("list.txt"), [maps.Map(0), maps.Map(1) + "\tcity/one", maps.In("nowhere.png"), maps.Map(2) + "\t../two", maps.Map(3) + "\t" + new string('x', 252)]);
        var outcome = CrnProcess.Run("synthesize", "--model", model.Path, "--labels", maps.In("list.txt"), "--output", maps.In("painted"));
        outcome.AssertPartial("3 label images of 5");
        Assert.Equal(["00000.png", "one.png"], maps.Photos("painted").Keys.Order());
        Assert.True(File.Exists(Path.Combine(maps.In("painted"), "city", "one.png")));
        Assert.Equal("city/one.png", maps.Manifest("painted").Keys.Single(photo => photo.Contains("one")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    public void Shards_paint_each_map_once_and_the_same_as_a_single_run(int count)
    {
        using var maps = new ManyMaps(40);
        maps.Synthesize(model.Path, "alone").AssertSucceeded();
        for (int index = 0; index < count; index++)
        {
            int before = maps.Photos("painted").Count;
            // As a Job of Kubernetes sets it; the number of shards is the user's.
            var outcome = CrnProcess.RunWith(
                [("JOB_COMPLETION_INDEX", $"{index}"), ("CRN_SHARD_COUNT", $"{count}")], maps.Arguments(model.Path, "painted"));
            outcome.AssertSucceeded();
            int painted = maps.Photos("painted").Count - before;
            Assert.Contains($"Shard {index}/{count} by JOB_COMPLETION_INDEX: {painted} label image{(painted == 1 ? "" : "s")}", outcome.Output);
            Assert.DoesNotContain("already", outcome.Output[^1]);
        }

        Assert.Equal(maps.Photos("alone"), maps.Photos("painted"));
        if (count == 1)
            return;
        var merged = CrnProcess.Run("synthesize", "merge", "--output", maps.In("painted"));
        merged.AssertSucceeded();
        Assert.Equal($"40 photos in {Path.Combine(maps.In("painted"), "manifest.csv")}", Assert.Single(merged.Output));
        Assert.Equal(maps.Photos("painted"), maps.Manifest("painted").ToDictionary(line => line.Key, line => line.Value.PhotoSha256));
        maps.Synthesize(model.Path, "painted").AssertSucceeded();
        Assert.Equal(40, maps.Manifest("painted").Count);
    }

    [Fact]
    public void A_shard_given_outranks_the_variables_and_a_single_file_is_no_part_of_anything()
    {
        using var maps = new ManyMaps(12);
        (string, string)[] variables = [("JOB_COMPLETION_INDEX", "1"), ("CRN_SHARD_COUNT", "1000")];
        CrnProcess.RunWith(variables, maps.Arguments(model.Path, "painted", "--shard", "0/1")).AssertSucceeded();
        Assert.Equal(12, maps.Photos("painted").Count);
        CrnProcess.RunWith(variables, "synthesize", "--model", model.Path, "--labels", maps.Map(5), "--output", maps.In("one")).AssertSucceeded();
        Assert.Equal(["00005.png"], maps.Photos("one").Keys);
        CrnProcess.RunWith([("JOB_COMPLETION_INDEX", "1")], maps.Arguments(model.Path, "none")).AssertFailed("CRN_SHARD_COUNT");
    }

    [Fact]
    public void A_pattern_keeps_folders()
    {
        using var maps = new ManyMaps(2);
        Directory.CreateDirectory(maps.In("data/train"));
        Directory.CreateDirectory(maps.In("data/val"));
        File.Copy(maps.Map(0), maps.In("data/train/a.png"));
        File.Copy(maps.Map(1), maps.In("data/val/a.png"));
        for (int times = 0; times < 2; times++)
        {
            var outcome = CrnProcess.Run("synthesize", "--model", model.Path, "--labels", maps.In("data/**/*.png"), "--output", maps.In("data/painted"));
            outcome.AssertSucceeded();
            Assert.Equal(["train/a.png", "val/a.png"], maps.Manifest("data/painted").Keys.Order());
        }
    }

    [Fact]
    public void An_old_leftover_is_deleted_and_a_young_one_is_not()
    {
        using var maps = new ManyMaps(1);
        Directory.CreateDirectory(maps.In("painted"));
        string old = Path.Combine(maps.In("painted"), "a.png.abcd1234.xyz.tmp"), young = Path.Combine(maps.In("painted"), "b.png.abcd1234.xyz.tmp"), mine = Path.Combine(maps.In("painted"), "notes.tmp");
        foreach (string file in new[] { old, young, mine })
            File.WriteAllText(file, "half a photo");
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-2));
        File.SetLastWriteTimeUtc(mine, DateTime.UtcNow.AddHours(-2));
        maps.Synthesize(model.Path, "painted").AssertSucceeded();
        Assert.Equal([false, true, true], new[] { old, young, mine }.Select(File.Exists));
    }

    [Fact]
    public void Memory_is_flat()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux alone tells what a process holds.");
        using var maps = new ManyMaps(3000);
        // .NET collects before its heap has grown to the processor's cache, which it would otherwise do for the first thousand maps.
        using var process = CrnProcess.StartWith([("DOTNET_GCgen0size", "200000")], maps.Arguments(model.Path, "painted"));
        KilledBatchTests.WaitForPhotos(maps, 500);
        long early = process.ReadMemory();
        KilledBatchTests.WaitForPhotos(maps, 2900);
        long late = process.ReadMemory();
        process.WaitForEnd().AssertSucceeded();
        Assert.InRange(late - early, long.MinValue, 12 << 20);
    }

    private static string Sha256(string path) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)));
}
