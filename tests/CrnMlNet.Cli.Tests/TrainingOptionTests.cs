using Microsoft.ML;

namespace CrnMlNet.Cli.Tests;

/// <summary>The options of <c>crn train</c> that decide when it ends, what it is measured on, and where it starts from.</summary>
public class TrainingOptionTests
{
    [Fact]
    public void Folders_of_pairs_that_are_not_learned_from_choose_the_epoch()
    {
        using var scenes = new Scenes();
        using var others = new Scenes(count: 3);

        var outcome = scenes.Train("--epochs", "3", "--sample-count", "0", "--validation-labels", others.Labels, "--validation-photos", others.Photos);

        outcome.AssertSucceeded();
        using var model = Load(scenes);
        Assert.Equal((6, 3), (model.Training.Pairs, model.Training.ValidationLossByEpoch.Count));
        string loss = FormattableString.Invariant($"(validation {model.Training.ValidationLossByEpoch[^1]:0.0})");
        Assert.Contains(outcome.Output, line => line.StartsWith("Training: 18/18  epoch 3/3  loss ", StringComparison.Ordinal) && line.Contains(loss, StringComparison.Ordinal));
        Assert.Contains(outcome.Output, line => line.StartsWith($"The model is that of epoch {model.Training.BestEpoch}, ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_share_of_the_pairs_is_left_out_and_patience_ends_the_training()
    {
        using var scenes = new Scenes();

        // So low a learning rate that no loss can change, and no average of the weights, whose last bits can.
        scenes.Train("--epochs", "200", "--sample-count", "0", "--learning-rate", "1e-30", "--average-decay", "0", "--validation-share", "0.3", "--patience", "2").AssertSucceeded();

        using var model = Load(scenes);
        Assert.Equal((4, 3, 1), (model.Training.Pairs, model.Training.LossByEpoch.Count, model.Training.BestEpoch));
    }

    [Fact]
    public void A_time_budget_ends_the_training_with_a_model_and_no_checkpoints()
    {
        using var scenes = new Scenes();

        var outcome = scenes.Train("--epochs", "1000000", "--sample-count", "0", "--time-budget", "0.5s");

        outcome.AssertSucceeded();
        Assert.Contains(outcome.Output, line => line.StartsWith("The time budget of 00:00:00.5", StringComparison.Ordinal));
        Assert.Equal([scenes.Model], Directory.EnumerateFileSystemEntries(scenes.Output));
    }

    [Fact]
    public void A_training_starts_from_another_model_of_another_size()
    {
        using var scenes = new Scenes();
        scenes.Train("--sample-count", "0").AssertSucceeded();
        string small = scenes.In("small.zip");
        File.Move(scenes.Model, small);

        var outcome = scenes.Train("--sample-count", "0", "--height", "64", "--width", "96", "--warm-start", small);

        outcome.AssertSucceeded();
        Assert.Contains(outcome.Output, line => line.StartsWith("Warm start from 'small.zip': copied g_4, g_8, g_16, g_32, conv100; from chance begin g_64.", StringComparison.Ordinal));
        using var model = Load(scenes);
        Assert.Equal((64, "'small.zip': g_4, g_8, g_16, g_32, conv100"), (model.Architecture.Height, model.Training.WarmStart));
    }

    [Fact]
    public void What_makes_a_network_more_than_the_papers_is_asked_for_and_told()
    {
        using var scenes = new Scenes();

        scenes.Train("--sample-count", "1", "--modulation", "clade", "--noise-samples", "2", "--average-decay", "0.5", "--learning-rate-decay", "0.25").AssertSucceeded();

        using var model = Load(scenes);
        Assert.Equal((Torch.Networks.Modulation.Clade, 2), (((Torch.Networks.CrnArchitecture)model.Architecture).Modulation, model.Training.NoiseSamples));
        Assert.Equal((0.25, 0.5), (model.Training.LearningRateDecay, model.Training.AverageDecay));
        var inspected = CrnProcess.Run("inspect", scenes.Model);
        inspected.AssertSucceeded();
        Assert.Contains(inspected.Output, line => line.StartsWith("Network", StringComparison.Ordinal) && line.EndsWith("2 noise channels of 2 samples, 1 image(s) per layout, modulated by Clade", StringComparison.Ordinal));
        Assert.Contains(inspected.Output, line => line.StartsWith("Training", StringComparison.Ordinal) && line.Contains(" that fell over the last 25%, weights averaged by 0.5, ", StringComparison.Ordinal));
        scenes.Train("--modulation", "spade", "--recipe", "encoder-decoder").AssertFailed("Modulation is for cascaded refinement");
    }

    [Fact]
    public void Checkpoints_are_as_frequent_as_is_asked_for()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("Windows has no kill -KILL.");
        using var scenes = new Scenes();
        using var process = CrnProcess.Start(scenes.TrainArguments("--epochs", "60", "--sample-count", "0", "--checkpoint-interval", "0s"));
        process.WaitForOutput("Training: 6/");
        process.Signal("KILL");
        process.WaitForEnd();

        long[] steps = [.. Directory.EnumerateFiles(scenes.Model + ".checkpoints", "*.safetensors").Select(StepOf).Order()];
        Assert.Equal(steps[^2] + 1, steps[^1]);

        static long StepOf(string path) => long.Parse(Path.GetFileNameWithoutExtension(path).Split('-')[1]);
    }

    [Fact]
    public void Gradient_checkpointing_gives_the_same_model()
    {
        using var scenes = new Scenes();
        scenes.Train("--sample-count", "0", "--gradient-checkpointing").AssertSucceeded();
        using var model = Load(scenes);

        scenes.Train("--sample-count", "0", "--gradient-checkpointing", "false").AssertSucceeded();

        using var plain = Load(scenes);
        Assert.Equal(plain.Training.LossByEpoch, model.Training.LossByEpoch);
        using var labels = ImageFile.Load(scenes.Label(1));
        using Microsoft.ML.Data.MLImage photo = model.Synthesize(labels), plainPhoto = plain.Synthesize(labels);
        Assert.Equal(plainPhoto.Pixels.ToArray(), photo.Pixels.ToArray());
    }

    [Theory]
    [InlineData("--validation-labels LABELS", "--validation-photos", "both")]
    [InlineData("--validation-photos PHOTOS", "--validation-labels", "both")]
    [InlineData("--validation-labels LABELS --validation-photos PHOTOS --validation-share 0.1", "--validation-share", "not on both")]
    [InlineData("--validation-labels nowhere --validation-photos PHOTOS", "nowhere", "does not exist")]
    [InlineData("--validation-share 1", "--validation-share is 1", "below 1")]
    [InlineData("--validation-share 0", "--validation-share is 0", "above 0")]
    [InlineData("--validation-share NaN", "--validation-share is NaN", "above 0")]
    [InlineData("--patience 3", "--patience", "--validation-share")]
    [InlineData("--patience 0 --validation-share 0.5", "patience", "at least one")]
    [InlineData("--time-budget 0s", "time budget", "above zero")]
    [InlineData("--warm-start none.zip", "--warm-start 'none.zip'", "does not exist")]
    [InlineData("--warm-start PHOTO", "--warm-start", "damaged")]
    [InlineData("--stages 32x48:1,48x72:1", "Stage 2 (48x72) does not go on", "64x96")]
    [InlineData("--stages 32x48:0", "Stage 1 (32x48)", "0")]
    [InlineData("--stages 32x48:1 --epochs 3", "--stages", "--epochs")]
    public void What_does_not_go_together_is_told_before_any_work(string options, string part, string other)
    {
        using var scenes = new Scenes();
        string[] arguments = [.. options.Split(' ').Select(argument => argument switch
        {
            "LABELS" => scenes.Labels,
            "PHOTOS" => scenes.Photos,
            "PHOTO" => scenes.Photo(0),
            _ => argument,
        })];

        var outcome = scenes.Train(arguments);

        outcome.AssertFailed(part, other);
        Assert.DoesNotContain(outcome.Output, line => line.StartsWith("Reading", StringComparison.Ordinal));
        scenes.AssertNothingWritten();
    }

    [Theory]
    [InlineData("--time-budget", "8")]
    [InlineData("--checkpoint-interval", "often")]
    [InlineData("--patience", "long")]
    [InlineData("--stages", "32x48")]
    [InlineData("--stages", "32x48:1:newest=all")]
    [InlineData("--stages", "32x48:99999999999")]
    public void A_value_that_cannot_be_read_is_wrong_usage(string option, string value)
    {
        using var scenes = new Scenes();
        var outcome = scenes.Train(option, value);
        Assert.Equal(ExitCode.Usage, outcome.ExitCode);
        Assert.Contains(outcome.Errors, line => line.Contains($"'{value}'", StringComparison.Ordinal));
    }

    private static SynthesizeFromLabelsTransformer Load(Scenes scenes) => (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(scenes.Model, out _);
}
