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
    public void A_missing_partner_is_named()
    {
        using var scenes = new Scenes();
        File.Delete(scenes.Photo(2));

        var outcome = CrnProcess.Run("evaluate", "--model", model.Path, "--labels", scenes.Labels, "--photos", scenes.Photos);

        Assert.Equal(ExitCode.Failure, outcome.ExitCode);
        Assert.Contains("scene2", Assert.Single(outcome.Errors));
    }
}
