using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

/// <summary>A perception network that learns from the training pairs.</summary>
[Collection(RunAlone.Name)]
public sealed class PerceptionTrainingTests
{
    private const int Classes = ShadedShapes.Channels - 1;

    [Fact]
    public void ItLearnsToTellClassesColoursAndTextures()
    {
        using var scope = NewDisposeScope();
        var pairs = ShadedShapes.Pairs(12, seed: 1);
        using var perception = new SelfTaughtPerception(Classes, epochs: 30, seed: 1, CPU);
        var losses = new List<double>();

        PerceptionTraining.Train(perception, pairs, seed: 1, progress => losses.Add(progress.Loss), CancellationToken.None);

        Assert.Equal(3 * 30, losses.Count);
        Assert.True(losses[^1] < 0.5 * losses[2], $"{losses[2]} {losses[^1]}");
        // It knows pairs that it has not seen better than with their layouts exchanged.
        using var _ = no_grad();
        var (layouts, photos) = ShadedShapes.Pairs(4, seed: 2).Batch([0, 1, 2, 3], new bool[4], CPU);
        double right = perception.Loss(photos, layouts).item<float>(), wrong = perception.Loss(photos, layouts.roll(1, 0)).item<float>();
        Assert.True(1.5 * right < wrong, $"{right} {wrong}");
    }

    [Fact]
    public void ItsTapsAreFourLevelsAndGradientsFlowToImagesAlone()
    {
        using var scope = NewDisposeScope();
        using var perception = new SelfTaughtPerception(Classes, epochs: 1, seed: 1, CPU);
        var images = (255 * rand(2, 3, 22, 36)).requires_grad_();

        var taps = perception.Features(images);
        stack(taps.Select(tap => tap.square().mean())).sum().backward();

        Assert.Equal(["own_1", "own_2", "own_4", "own_8"], perception.Taps);
        Assert.Equal(["2x16x22x36", "2x32x11x18", "2x64x6x9", "2x128x3x5"], taps.Select(tap => string.Join('x', tap.shape)));
        Assert.True(images.grad!.abs().max().item<float>() > 0);
        Assert.All(perception.Network.parameters(), parameter => Assert.False(parameter.requires_grad));
    }

    [Fact]
    public void ATrainingThatComparesInItHasItLearnFirstAndGoesOnWithTheSameBits()
    {
        string folder = Path.Combine(Directory.CreateTempSubdirectory("crn-perception-").FullName, "checkpoints");
        var log = new List<string>();
        var (expected, whole) = Train(null, isCombined: true);

        Assert.Throws<InvalidOperationException>(() => Train(folder, isCombined: true, dieAt: 4));
        log.Clear();
        var (weights, continued) = Train(folder, isCombined: true);

        Assert.Equal(expected, weights);
        Assert.Equal(whole.LayerWeights.Values, continued.LayerWeights.Values);
        Assert.Equal(["image", "texture_1", "texture_2", "texture_4", "texture_8", "colour_4", "own_1", "own_2", "own_4", "own_8"], whole.LayerWeights.Layers);
        // What has learned already does not learn again.
        Assert.DoesNotContain(log, line => line.Contains("perception network on the pairs first", StringComparison.Ordinal));
        var (other, _) = Train(null, isCombined: false);
        Assert.NotEqual(expected, other);
        Assert.Contains(log, line => line.Contains("Training the perception network on the pairs first, 2 epochs.", StringComparison.Ordinal));
        Directory.Delete(Path.GetDirectoryName(folder)!, recursive: true);

        (byte[] Weights, TrainingSummary Summary) Train(string? checkpoints, bool isCombined, int dieAt = 0)
        {
            using var network = new CascadedRefinementNetwork(
                new CrnArchitecture { Channels = ShadedShapes.Channels, Height = ShadedShapes.Height, Width = ShadedShapes.Width, WidthFactor = 1.0 / 64 }, seed: 1);
            var own = new SelfTaughtPerception(Classes, epochs: 2, seed: 1, CPU);
            using IPerceptionNetwork perception = isCombined ? new CombinedPerception(new FilterBankPerception(CPU), own) : own;
            var options = new TrainingOptions { Epochs = 3, BatchSize = 2, LearningRate = 1e-3, Seed = 7, CheckpointFolder = checkpoints, CheckpointInterval = TimeSpan.Zero };
            var summary = Trainer.Train(network, perception, ShadedShapes.Pairs(5, seed: 1), options, Report, log.Add, CancellationToken.None);
            return ([.. network.parameters().SelectMany(parameter => parameter.detach().contiguous().bytes.ToArray())], summary);

            void Report(TrainingProgress progress)
            {
                if (progress.Step == dieAt)
                    throw new InvalidOperationException("died");
            }
        }
    }

    [Fact]
    public void PairsOfOtherClassesAreRefused()
    {
        using var perception = new SelfTaughtPerception(7, epochs: 1, seed: 1, CPU);

        Assert.Contains("have 3 classes and void", Assert.Throws<ArgumentException>(
            () => PerceptionTraining.Train(perception, ShadedShapes.Pairs(1, seed: 1), seed: 1, _ => { }, CancellationToken.None)).Message);
    }
}
