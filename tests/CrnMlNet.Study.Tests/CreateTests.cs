namespace CrnMlNet.Study.Tests;

public class CreateTests
{
    [Fact]
    public void Images_are_copied_under_names_that_tell_nothing()
    {
        using var small = new SmallStudy();

        var outcome = small.Create("--compare", "crn:gan", "--sentinel", "real:gan", "--sentinels-per-job", "4", "--seed", "5");

        outcome.AssertSucceeded();
        Assert.Contains(outcome.Output, line => line.Contains("1 job of 12 pairs and 4 sentinels"));
        // Four sentinels of which four fifths are right are all four; a coin does that once in 16 times.
        Assert.Contains(outcome.Output, line => line.Contains("who only guesses passes with a chance of 6.3%") || line.Contains("who only guesses passes with a chance of 6.2%"));
        var study = small.Load();
        Assert.Equal(5, study.Seed);
        Assert.Equal(["images", "study.json"], Directory.GetFileSystemEntries(small.Folder).Select(Path.GetFileName).Order());
        Assert.Equal(study.Images.Select(image => image.File).Order(), Directory.GetFiles(Path.Combine(small.Folder, "images")).Select(Path.GetFileName).Order());
        Assert.All(study.Images, image => Assert.Equal(
            File.ReadAllBytes(Path.Combine(small.ImagesOf(image.System), $"{image.Layout}.png")), File.ReadAllBytes(Path.Combine(small.Folder, "images", image.File))));
    }

    [Fact]
    public void Without_more_every_two_systems_are_compared_in_all_layouts()
    {
        using var small = new SmallStudy();

        small.Create().AssertSucceeded();

        var study = small.Load();
        Assert.Equal(3 * 12, Assert.Single(study.Jobs).Count);
        Assert.False(study.HasSentinels || study.IsTimed);
    }

    [Fact]
    public void The_timed_design_has_the_papers_times()
    {
        using var small = new SmallStudy();

        small.Create("--times", "paper", "--jobs", "2").AssertSucceeded();

        Assert.All(small.Load().Jobs, job => Assert.Equal([125, 250, 500, 1000, 2000, 4000, 8000], job.Select(pair => pair.Milliseconds!.Value).Distinct().Order()));
    }

    [Fact]
    public void MTurks_table_lies_beside_the_study()
    {
        using var small = new SmallStudy();

        small.CreateUsual("--mturk", "https://example.org/s");

        string[] table = File.ReadAllLines(Path.Combine(small.Folder, "mturk.csv"));
        Assert.Equal(2, table.Length);
        Assert.StartsWith("image_A_url_1,image_B_url_1,image_A_url_2", table[0]);
        Assert.StartsWith($"https://example.org/s/{small.Load().Jobs[0][0].Left},", table[1]);
    }

    [Fact]
    public void An_image_without_partners_is_named()
    {
        using var small = new SmallStudy();
        File.Delete(Path.Combine(small.ImagesOf("gan"), "scene3.png"));

        small.Create().AssertFailed("'gan'", "'scene3'");
        Assert.False(Directory.Exists(small.Folder));
    }

    [Fact]
    public void An_image_of_another_shape_is_named()
    {
        using var small = new SmallStudy();
        string other = Path.Combine(small.ImagesOf("gan"), "scene3.png");
        PngWriter.Write(other, 20, 12, PngWriter.Gray, new byte[240]);

        small.Create().AssertFailed(other, "20 x 12", "20 x 10");
        Assert.False(Directory.Exists(small.Folder));
    }

    [Fact]
    public void A_truncated_image_is_named()
    {
        using var small = new SmallStudy();
        string other = Path.Combine(small.ImagesOf("crn"), "scene1.png");
        File.WriteAllBytes(other, File.ReadAllBytes(other)[..60]);

        small.Create().AssertFailed(other, "truncated");
    }

    [Fact]
    public void A_study_is_never_changed()
    {
        using var small = new SmallStudy();
        small.CreateUsual();
        string before = File.ReadAllText(Path.Combine(small.Folder, "study.json"));

        small.Create("--seed", "7").AssertFailed(small.Folder, "exists already");
        Assert.Equal(before, File.ReadAllText(Path.Combine(small.Folder, "study.json")));
    }

    [Theory]
    [InlineData("--system", "crn", "not of the form NAME=DIR")]
    [InlineData("--system", "other=nowhere", "does not exist")]
    [InlineData("--compare", "crn-gan", "not of the form A:B")]
    [InlineData("--compare", "crn:cnr", "names 'cnr'")]
    [InlineData("--sentinels-right", "80", "0 to 1")]
    [InlineData("--pairs", "0", "got 0")]
    public void What_cannot_be_is_refused(string option, string value, string part)
    {
        using var small = new SmallStudy();
        small.Create(option, value).AssertFailed(part);
        Assert.False(Directory.Exists(small.Folder));
    }

    [Fact]
    public void Times_that_are_none_are_wrong_usage()
    {
        using var small = new SmallStudy();
        var outcome = small.Create("--times", "125,fast");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains(outcome.Errors, line => line.Contains("'125,fast'"));
    }
}
