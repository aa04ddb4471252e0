using Microsoft.ML;

namespace CrnMlNet.Cli.Tests;

/// <summary><c>crn train --stages</c>.</summary>
public class StagesTests
{
    [Fact]
    public void A_training_that_was_killed_in_each_stage_is_continued_by_the_same_command_to_the_same_model()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("Windows has no kill -KILL.");
        using var scenes = new Scenes();
        string[] command = scenes.TrainArguments("--stages", "32x48:8,64x96:8:newest=2:rate=0.0005", "--sample-count", "2", "--checkpoint-interval", "0s");

        KillAfter("Stage 1/2: 6/");
        KillAfter("Stage 2/2: 6/");
        // What a kill may leave that comes while the sheet or the model is written; and what only looks so.
        foreach (var file in new[] { "model.samples.png.k2j4h5g6.x1z.tmp", "model.zip.0123abcd.e4f.tmp", "model.zip.mine.tmp" })
            File.WriteAllText(Path.Combine(scenes.Output, file), "");
        var last = CrnProcess.Run(command);

        last.AssertSucceeded();
        Assert.Contains(last.Output, line => line.StartsWith("Stage 2/2: 48/48  epoch 8/8  loss ", StringComparison.Ordinal));
        Assert.DoesNotContain(last.Output, line => line.StartsWith("Stage 1/2: ", StringComparison.Ordinal));
        Assert.Contains(last.Output, line => line.StartsWith("Trained 96 steps in ", StringComparison.Ordinal));
        Assert.Equal(["model.samples.png", "model.zip", "model.zip.mine.tmp"], Directory.GetFileSystemEntries(scenes.Output).Select(Path.GetFileName).Order());
        using var continued = Load(scenes);
        CrnProcess.Run(command).AssertSucceeded();
        using var whole = Load(scenes);
        Assert.Equal((64, 96, 2, 0.0005), (whole.Architecture.Height, whole.Architecture.Width, whole.Training.TrainedOnlyNewestModules, whole.Training.LearningRate));
        Assert.Equal(whole.Training.LossByEpoch, continued.Training.LossByEpoch);
        Assert.Equal(whole.Training.EarlierStages[0].Training.LossByEpoch, continued.Training.EarlierStages[0].Training.LossByEpoch);

        void KillAfter(string line)
        {
            using var process = CrnProcess.Start(command);
            process.WaitForOutput(line);
            process.Signal("KILL");
            process.WaitForEnd();
        }
    }

    [Fact]
    public void Ctrl_C_in_the_first_stage_saves_a_model_of_its_size()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("Windows has no kill -INT.");
        using var scenes = new Scenes();
        using var process = CrnProcess.Start(scenes.TrainArguments("--stages", "32x48:60,64x96:1"));
        process.WaitForOutput("Stage 1/2: 6/");
        process.Signal("INT");
        var outcome = process.WaitForEnd();

        Assert.Equal(ExitCode.Interrupted, outcome.ExitCode);
        Assert.Contains(outcome.Output, line => line.StartsWith("Stopped after ", StringComparison.Ordinal) && line.Contains("of 360 steps in stage 1 of 2; saved", StringComparison.Ordinal));
        using var model = Load(scenes);
        Assert.Equal((32, true), (model.Architecture.Height, model.Training.Stopped));
    }

    private static SynthesizeFromLabelsTransformer Load(Scenes scenes) => (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(scenes.Model, out _);
}
