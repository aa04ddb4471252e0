namespace CrnMlNet.Cli.Tests;

public class EvaluateTests(TrainedModel model) : IClassFixture<TrainedModel>
{
    [Fact]
    public void A_table_compares_the_model_with_flat_painting()
    {
        using var scenes = new Scenes();

        var outcome = CrnProcess.Run("evaluate", "--model", model.Path, "--labels", scenes.Labels, "--photos", scenes.Photos);

        Assert.Equal(ExitCode.Success, outcome.ExitCode);
        Assert.Empty(outcome.Errors);
        Assert.Contains(outcome.Output, line => line.Contains("6 pairs at 32x48"));
        Assert.Contains(outcome.Output, line => line.Contains("Sliced Wasserstein"));
        Assert.Contains(outcome.Output, line => line.Contains("MS-SSIM"));
        Assert.Contains(outcome.Output, line => line.Contains("PSNR"));
    }

    [Fact]
    public void A_second_table_tells_what_several_photos_of_a_layout_are_worth()
    {
        using var scenes = new Scenes();
        scenes.Train("--images-per-layout", "3", "--sample-count", "0").AssertSucceeded();

        var outcome = CrnProcess.Run("evaluate", "--model", scenes.Model, "--labels", scenes.Labels, "--photos", scenes.Photos);

        outcome.AssertSucceeded();
        double[] best = [.. Enumerable.Range(1, 3).Select(count => outcome.Output.Single(line => line.Contains($"The best of {count} ") && !line.Contains("photos")))
            .Select(line => double.Parse(line.Split('│')[2], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.True(best[0] < best[1] && best[1] < best[2], string.Join(' ', best));
        Assert.Matches("Two photos of a layout differ by [1-9][0-9]*[.][0-9] gray levels", string.Join(' ', outcome.Output.Select(line => line.Trim())));
        Assert.DoesNotContain(CrnProcess.Run("evaluate", "--model", model.Path, "--labels", scenes.Labels, "--photos", scenes.Photos).Output, line => line.Contains("The best of"));
    }

    [Fact]
    public void A_missing_partner_is_named()
    {
        using var scenes = new Scenes();
        File.Delete(scenes.Photo(2));

        var outcome = CrnProcess.Run("evaluate", "--model", model.Path, "--labels", scenes.Labels, "--photos", scenes.Photos);

        Assert.Equal(ExitCode.Failure, outcome.ExitCode);
        Assert.Contains("scene2", Assert.Single(outcome.Errors));
    }
}
