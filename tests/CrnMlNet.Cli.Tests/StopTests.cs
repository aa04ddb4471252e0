using Microsoft.ML;

namespace CrnMlNet.Cli.Tests;

public class StopTests
{
    [Theory]
    [InlineData("INT", ExitCode.Interrupted)]
    [InlineData("TERM", ExitCode.Terminated)]
    public void A_signal_while_training_saves_what_was_learned(string signal, int exitCode)
    {
        SkipOnWindows();
        using var scenes = new Scenes();
        using var process = CrnProcess.Start(Forever(scenes, epochs: 60));
        process.WaitForOutput("Training: 6/");
        process.Signal(signal);
        var outcome = process.WaitForEnd();

        Assert.Equal(exitCode, outcome.ExitCode);
        Assert.Empty(outcome.Errors);
        Assert.Contains(outcome.Output, line => line.StartsWith("Stopped after ", StringComparison.Ordinal) && line.EndsWith($"of 360 steps; saved what was learned to {scenes.Model}", StringComparison.Ordinal));
        Assert.Contains("The same command again continues the training.", outcome.Output);
        Assert.Equal(["model.samples.png", "model.zip", "model.zip.checkpoints"], Directory.GetFileSystemEntries(scenes.Output).Select(Path.GetFileName).Order());
        using var model = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(scenes.Model, out _);
        Assert.True(model.Training.Stopped);
        Assert.InRange(model.Training.Steps, 6, 359);
    }

    [Fact]
    public void The_same_command_again_continues_where_a_training_was_stopped_or_killed()
    {
        SkipOnWindows();
        using var scenes = new Scenes();
        string[] command = [.. Forever(scenes, epochs: 20), "--sample-count", "0"];
        StopWith("INT", 6);
        StopWith("KILL", 48);

        var other = CrnProcess.Run([.. command, "--learning-rate", "0.002"]);
        other.AssertFailed("LearningRate was 0.00025 and is 0.002", "--fresh");
        var last = CrnProcess.Run(command);

        last.AssertSucceeded();
        Assert.Contains(last.Output, line => line.StartsWith("Training is continued after step ", StringComparison.Ordinal));
        Assert.Equal(["model.zip"], Directory.GetFileSystemEntries(scenes.Output).Select(Path.GetFileName));
        using var continued = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(scenes.Model, out _);
        Assert.Equal((120L, false, 20), (continued.Training.Steps, continued.Training.Stopped, continued.Training.LossByEpoch.Count));
        CrnProcess.Run(command).AssertSucceeded();
        using var uninterrupted = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(scenes.Model, out _);
        Assert.Equal(uninterrupted.Training.LossByEpoch, continued.Training.LossByEpoch);

        void StopWith(string signal, int step)
        {
            using var process = CrnProcess.Start(command);
            process.WaitForOutput($"Training: {step}/");
            process.Signal(signal);
            process.WaitForEnd();
        }
    }

    [Fact]
    public void Fresh_begins_anew()
    {
        SkipOnWindows();
        using var scenes = new Scenes();
        using (var process = CrnProcess.Start([.. Forever(scenes, epochs: 60), "--sample-count", "0"]))
        {
            process.WaitForOutput("Training: 6/");
            process.Signal("INT");
            process.WaitForEnd();
        }

        var outcome = scenes.Train("--sample-count", "0", "--fresh", "--learning-rate", "0.002");

        outcome.AssertSucceeded();
        Assert.DoesNotContain(outcome.Output, line => line.StartsWith("Training is continued", StringComparison.Ordinal));
        Assert.Equal(["model.zip"], Directory.GetFileSystemEntries(scenes.Output).Select(Path.GetFileName));
    }

    [Fact]
    public void Ctrl_C_before_anything_was_learned_writes_no_model()
    {
        SkipOnWindows();
        using var scenes = new Scenes(count: 4000);
        using var process = CrnProcess.Start(scenes.TrainArguments());
        process.WaitForOutput("Reading: ");
        process.Signal("INT");
        var outcome = process.WaitForEnd();

        Assert.Equal(ExitCode.Interrupted, outcome.ExitCode);
        Assert.Equal("Stopped before anything was learned; no model was written.", outcome.Output[^1]);
        scenes.AssertNothingWritten();
    }

    private static string[] Forever(Scenes scenes, int epochs) => scenes.TrainArguments("--epochs", $"{epochs}");

    private static void SkipOnWindows()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("Windows has no kill -INT.");
    }
}
