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
        using var process = CrnProcess.Start([.. Forever(scenes, epochs: 60)]);
        process.WaitForOutput("Training: 6/");
        process.Signal(signal);
        var outcome = process.WaitForEnd();

        Assert.Equal(exitCode, outcome.ExitCode);
        Assert.Empty(outcome.Errors);
        Assert.Contains(outcome.Output, line => line.StartsWith("Stopped after ", StringComparison.Ordinal) && line.EndsWith($"of 360 steps; saved what was learned to {scenes.Model}", StringComparison.Ordinal));
        Assert.Equal(["model.samples.png", "model.zip"], Directory.GetFileSystemEntries(scenes.Output).Select(Path.GetFileName).Order());
        using var model = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(scenes.Model, out _);
        Assert.True(model.Training.Stopped);
        Assert.InRange(model.Training.Steps, 6, 359);
    }

    [Fact]
    public void Ctrl_C_before_anything_was_learned_writes_no_model()
    {
        SkipOnWindows();
        using var scenes = new Scenes(count: 1500);
        using var process = CrnProcess.Start(scenes.TrainArguments());
        process.WaitForOutput("Reading: ");
        process.Signal("INT");
        var outcome = process.WaitForEnd();

        Assert.Equal(ExitCode.Interrupted, outcome.ExitCode);
        Assert.Equal("Stopped before anything was learned; no model was written.", outcome.Output[^1]);
        scenes.AssertNothingWritten();
    }

    private static IEnumerable<string> Forever(Scenes scenes, int epochs)
        => scenes.TrainArguments().Select((argument, i) => i > 0 && scenes.TrainArguments()[i - 1] == "--epochs" ? $"{epochs}" : argument);

    private static void SkipOnWindows()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("Windows has no kill -INT.");
    }
}
