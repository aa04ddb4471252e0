using CrnMlNet.Tests.Data;
using Microsoft.ML;

namespace CrnMlNet.Tests.Training;

public class KilledTrainingTests
{
    [Fact]
    public void A_training_that_was_killed_again_and_again_gives_the_same_model_as_one_that_was_not()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(Enumerable.Range(1, 4 * TrainInOwnProcess.Epochs).Select(step => $"{step}"), RunToTheEnd("whole"));

        // After a step's line the process writes no more of that step, or is already in the middle of the next one's checkpoint.
        int from = 0;
        foreach (int steps in new[] { 1, 6, 5, 13 })
            from = Kill(from, steps);
        var last = RunToTheEnd("killed");

        Assert.InRange(int.Parse(last[0]), 1 + 1 + 6 + 5 + 13, 4 * TrainInOwnProcess.Epochs - 1);
        var (whole, killed) = (Load("whole"), Load("killed"));
        Assert.Equal(whole.Training.LossByEpoch, killed.Training.LossByEpoch);
        Assert.Equal(whole.Training.ValidationLossByEpoch, killed.Training.ValidationLossByEpoch);
        Assert.Equal((whole.Training.Steps, whole.Training.BestEpoch), (killed.Training.Steps, killed.Training.BestEpoch));
        Assert.Equal(Weights(whole), Weights(killed));
        Assert.Equal(["killed.zip", "whole.zip"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
        whole.Dispose();
        killed.Dispose();

        int Kill(int done, int steps)
        {
            using var process = TrainInOwnProcess.Start(folder["killed.checkpoints"], folder["killed.zip"]);
            string? line = null;
            for (int i = 0; i < steps; i++)
                line = process.StandardOutput.ReadLine();
            process.Kill();
            process.WaitForExit();
            Assert.NotNull(line);
            Assert.InRange(int.Parse(line), done + 1, 4 * TrainInOwnProcess.Epochs - 1);
            return int.Parse(line);
        }

        List<string> RunToTheEnd(string name)
        {
            using var process = TrainInOwnProcess.Start(folder[$"{name}.checkpoints"], folder[$"{name}.zip"]);
            var lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToList();
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
            return lines;
        }

        static byte[] Weights(SynthesizeFromLabelsTransformer model)
            => model.WithNetwork(network => network.parameters().SelectMany(parameter => parameter.detach().bytes.ToArray()).ToArray());

        SynthesizeFromLabelsTransformer Load(string name) => (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(folder[$"{name}.zip"], out _);
    }
}
