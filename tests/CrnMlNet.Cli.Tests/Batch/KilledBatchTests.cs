namespace CrnMlNet.Cli.Tests.Batch;

/// <summary>A batch that ends in the middle, or meets another one, leaves whole photos; the same command again paints the others.</summary>
public class KilledBatchTests(TrainedModel model) : IClassFixture<TrainedModel>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public void After_kills_at_any_moment_photos_are_whole_and_only_those_that_are_missing_are_painted()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no kill -9.");
        using var maps = new ManyMaps(1500);
        maps.Synthesize(model.Path, "alone").AssertSucceeded();
        Dictionary<string, DateTime> before = [];
        foreach (int photos in new[] { 0, 1, 100, 350, 700, 701 })
        {
            using (var process = CrnProcess.Start(maps.Arguments(model.Path, "painted")))
            {
                WaitForPhotos(maps, photos);
                process.Signal("KILL");
                Assert.NotEqual(0, process.WaitForEnd().ExitCode);
            }

            maps.AssertWhole("painted");
            var now = maps.Times("painted");
            Assert.All(before, photo => Assert.Equal(photo.Value, now[photo.Key]));
            before = now;
        }

        Assert.InRange(before.Count, 701, 1499);
        var last = maps.Synthesize(model.Path, "painted");
        last.AssertSucceeded();
        Assert.Equal($"{1500 - before.Count} photos of 32x48 in {maps.In("painted")}; {before.Count} more were there already", last.Output[^1]);
        var after = maps.Times("painted");
        Assert.All(before, photo => Assert.Equal(photo.Value, after[photo.Key]));
        Assert.Equal(maps.Photos("alone"), maps.Photos("painted"));
        Assert.Equal(maps.Photos("painted"), maps.Manifest("painted").ToDictionary(line => line.Key, line => line.Value.PhotoSha256));
    }

    [Theory]
    [InlineData("INT", ExitCode.Interrupted)]
    [InlineData("TERM", ExitCode.Terminated)]
    public void A_signal_ends_it_in_good_order(string signal, int exitCode)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no kill -INT.");
        using var maps = new ManyMaps(1500);
        using (var process = CrnProcess.Start(maps.Arguments(model.Path, "painted")))
        {
            WaitForPhotos(maps, 20);
            process.Signal(signal);
            var outcome = process.WaitForEnd();
            Assert.Equal(exitCode, outcome.ExitCode);
            Assert.Empty(outcome.Errors);
            int painted = maps.Photos("painted").Count;
            Assert.InRange(painted, 20, 1499);
            Assert.Equal($"Stopped after {painted} label images of 1500: {painted} photos of 32x48 in {maps.In("painted")}", outcome.Output[^1]);
        }

        Assert.Equal(maps.Photos("painted"), maps.Manifest("painted").ToDictionary(line => line.Key, line => line.Value.PhotoSha256));
        Assert.Empty(Directory.GetFiles(maps.In("painted"), "*.tmp"));
        maps.Synthesize(model.Path, "painted").AssertSucceeded();
        Assert.Equal(1500, maps.Photos("painted").Count);
    }

    [Fact]
    public void Processes_that_paint_the_same_maps_end_with_whole_photos()
    {
        using var maps = new ManyMaps(300);
        maps.Synthesize(model.Path, "alone").AssertSucceeded();
        CrnProcess[] processes = [.. Enumerable.Range(0, 3).Select(_ => CrnProcess.Start(maps.Arguments(model.Path, "painted", "--fresh")))];
        foreach (var process in processes)
        {
            process.WaitForEnd().AssertSucceeded();
            process.Dispose();
        }

        Assert.Equal(maps.Photos("alone"), maps.Photos("painted"));
        Assert.Empty(Directory.GetFiles(maps.In("painted"), "*.tmp"));
        Assert.Equal(["manifest.2.csv", "manifest.3.csv", "manifest.csv"], Directory.GetFiles(maps.In("painted"), "*.csv").Select(Path.GetFileName).Order());
        CrnProcess.Run("synthesize", "merge", "--output", maps.In("painted")).AssertSucceeded();
        Assert.Equal(maps.Photos("painted"), maps.Manifest("painted").ToDictionary(line => line.Key, line => line.Value.PhotoSha256));
    }

    /// <summary>Waits until so many photos are there.</summary>
    internal static void WaitForPhotos(ManyMaps maps, int count)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (maps.Times("painted").Count < count)
        {
            Assert.True(clock.Elapsed < Patience, $"{maps.Times("painted").Count} photos, not {count}.");
            Thread.Sleep(5);
        }
    }
}
