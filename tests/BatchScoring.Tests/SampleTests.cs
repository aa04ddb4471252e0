using CrnMlNet;

namespace BatchScoring.Tests;

/// <summary>The sample, run as its first lines say.</summary>
public class SampleTests
{
    [Fact]
    public void Shards_paint_what_crn_paints_and_again_nothing()
    {
        using var streets = new Streets(maps: 11);
        Shell.Run(streets.Path, "crn synthesize --model model.zip --labels maps --output by-crn");
        Assert.Contains("Painted 6 photos", Shell.Run(streets.Path, "BatchScoring model.zip maps photos 0 2"));
        Assert.Contains("Painted 5 photos", Shell.Run(streets.Path, "BatchScoring model.zip maps photos 1 2"));
        Assert.Contains("Painted 0 photos", Shell.Run(streets.Path, "BatchScoring model.zip maps photos"));
        Assert.Equal(streets.Photos("by-crn").Keys.Order(), streets.Photos("photos").Keys.Order());
        foreach (string name in streets.Photos("photos").Keys)
            Assert.Equal(Pixels(streets[$"by-crn/{name}"]), Pixels(streets[$"photos/{name}"]));
    }

    [Fact]
    public void A_map_that_cannot_be_read_is_listed_and_holds_up_no_other()
    {
        using var streets = new Streets(maps: 4);
        File.WriteAllText(streets["maps/001.png"], "no picture");
        var (exitCode, output) = Shell.Try(streets.Path, "BatchScoring model.zip maps photos");
        Assert.Equal(1, exitCode);
        Assert.Contains("Painted 3 photos into photos; 1 label maps failed", output);
        Assert.Equal(["000.png", "002.png", "003.png"], streets.Photos("photos").Keys.Order());
        Assert.Contains("maps/001.png", File.ReadAllText(streets["photos/failures.0-of-1.txt"]));
    }

    private static byte[] Pixels(string path)
    {
        using var image = ImageFile.Load(path);
        return image.Pixels.ToArray();
    }
}
