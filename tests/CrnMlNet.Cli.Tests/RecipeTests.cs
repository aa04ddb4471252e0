namespace CrnMlNet.Cli.Tests;

/// <summary><c>crn train --recipe</c>.</summary>
public class RecipeTests
{
    [Fact]
    public void A_recipe_is_trained_painted_with_and_inspected_and_what_is_no_cascade_is_not_exported()
    {
        using var scenes = new Scenes();
        var trained = scenes.Train("--recipe", "gan-semseg", "--epochs", "2");
        trained.AssertSucceeded();
        Assert.Contains(trained.Output, line => line.StartsWith("Segmenter: 40/40  epoch 20/20  loss ", StringComparison.Ordinal));
        Assert.Contains(trained.Output, line => line.StartsWith("Training: 12/12  epoch 2/2  loss ", StringComparison.Ordinal));
        Assert.Contains("Learning by 1 adversarial (whole image) + 1 segmentation.", trained.Output);

        scenes.Synthesize(scenes.Model, scenes.Label(0)).AssertSucceeded();
        Assert.True(File.Exists(Path.Combine(scenes.Output, "scene0.png")));
        var inspected = CrnProcess.Run("inspect", scenes.Model);
        inspected.AssertSucceeded();
        Assert.Contains(inspected.Output, line => line.StartsWith("Recipe", StringComparison.Ordinal) && line.Contains("gan-semseg: 1 adversarial (whole image) + 1 segmentation", StringComparison.Ordinal));
        CrnProcess.Run("export", scenes.Model, scenes.In("model.onnx"))
            .AssertFailed("Only cascaded refinement networks are exported to ONNX; this model has a Pix2pix generator (recipe gan-semseg)");
        Assert.False(File.Exists(scenes.In("model.onnx")));
    }

    [Fact]
    public void The_segmentation_network_may_be_given()
    {
        using var scenes = new Scenes();
        string segmenter = scenes.In("segmenter.safetensors");
        CrnProcess.Run("train-segmenter", "--labels", scenes.Labels, "--photos", scenes.Photos, "--output", segmenter, "--height", "32", "--width", "48", "--epochs", "1")
            .AssertSucceeded();
        var trained = scenes.Train("--recipe", "crn+semseg", "--segmenter", segmenter);
        trained.AssertSucceeded();
        Assert.DoesNotContain(trained.Output, line => line.StartsWith("Segmenter", StringComparison.Ordinal));

        using var others = new Scenes();
        others.Train("--recipe", "crn+semseg", "--segmenter", segmenter, "--palette", "cityscapes").AssertFailed("--segmenter", "Train one with this palette");
        others.Train("--segmenter", segmenter).AssertFailed($"The recipe {Recipe.Default} has no use for a segmentation network");
        others.AssertNothingWritten();
    }

    [Fact]
    public void A_training_that_diverges_has_an_exit_code_of_its_own_and_leaves_no_model()
    {
        using var scenes = new Scenes();
        var outcome = scenes.Train("--recipe", "image-space", "--layer-weights", "1e38");

        Assert.Equal(ExitCode.Diverged, outcome.ExitCode);
        Assert.Equal("crn: The loss became Infinity at step 1. Lower the learning rate (0.001).", Assert.Single(outcome.Errors));
        Assert.False(File.Exists(scenes.Model));
    }

    [Fact]
    public void The_help_has_a_line_for_each_and_an_unknown_one_is_answered_with_their_names()
    {
        var help = CrnProcess.Run("train", "--help");
        help.AssertSucceeded();
        foreach (var recipe in Recipe.All)
            Assert.Contains(help.Output, line => line.Trim().StartsWith(recipe.Name + " ", StringComparison.Ordinal) && line.EndsWith(recipe.Summary, StringComparison.Ordinal));

        using var scenes = new Scenes();
        scenes.Train("--recipe", "crm").AssertFailed("There is no recipe 'crm'. There are: crn, image-space");
    }
}
