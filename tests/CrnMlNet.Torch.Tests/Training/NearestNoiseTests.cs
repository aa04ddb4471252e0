using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

[Collection(RunAlone.Name)]
public sealed class NearestNoiseTests
{
    private static readonly TrainingOptions Options = new() { NoiseSamples = 5, BatchSize = 3, Seed = 3, Objective = new() { Comparison = Comparison.Image } };

    private static readonly CrnArchitecture Small = new()
    {
        Channels = ShadedShapes.Channels,
        Height = ShadedShapes.Height,
        Width = ShadedShapes.Width,
        WidthFactor = 1.0 / 64,
        NoiseChannels = 2,
    };

    [Fact]
    public void EachPairGetsTheNoiseWhoseImageIsNearest()
    {
        using var scope = NewDisposeScope();
        using var network = new CascadedRefinementNetwork(Small, seed: 1);
        using var perception = new NoPerception();
        var loss = new TrainingLoss(perception, 1, Options, new LayerWeightSchedule(LayerWeighting.Calibrated, LayerWeights.Even([LayerWeights.Image])), null, null);
        var (layouts, photos) = ShadedShapes.Pairs(3, seed: 1).Batch([0, 1, 2], [false, false, false], CPU);

        double[] chosen = Chosen(5), best = [double.MaxValue, double.MaxValue, double.MaxValue];
        // The first of one, two, ... samples are the same; so the nearest of them can only come nearer.
        for (int samples = 2; samples <= 5; samples++)
        {
            double[] nearest = Chosen(samples);
            for (int pair = 0; pair < 3; pair++)
                Assert.True(nearest[pair] <= best[pair] + 1e-4, $"{samples} {pair}");
            best = nearest;
        }
        Assert.Equal(best, chosen);
        double[] first = Chosen(1);
        Assert.Contains(first.Zip(chosen), pair => pair.Second < pair.First - 1e-3);
        // Another step draws others, the same step the same.
        Assert.NotEqual(first, Chosen(1, step: 8));
        Assert.Equal(first, Chosen(1));

        double[] Chosen(int samples, long step = 7)
        {
            using var _ = no_grad();
            using var noise = NearestNoise.Of(network, loss, layouts, photos, Options with { NoiseSamples = samples }, step);
            return [.. (network.forward(layouts).select(1, 0) - photos).abs().mean([1, 2, 3]).data<float>().ToArray().Select(value => (double)value)];
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void ATrainingThatDiedAndWasContinuedEndsWithTheSameBits(int samples)
    {
        string folder = Path.Combine(Directory.CreateTempSubdirectory("crn-noise-").FullName, "checkpoints");
        var options = Options with { NoiseSamples = samples, Epochs = 3, CheckpointFolder = folder, CheckpointInterval = TimeSpan.Zero };
        byte[] expected = Train(options with { CheckpointFolder = null }), other = Train(options with { CheckpointFolder = null, NoiseSamples = 0 });

        Assert.Throws<InvalidOperationException>(() => Train(options, dieAt: 4));
        byte[] weights = Train(options);

        Assert.Equal(expected, weights);
        Assert.NotEqual(other, weights);
        Assert.Equal(expected, Train(options with { CheckpointFolder = null, GradientCheckpointing = true }));
        Directory.Delete(Path.GetDirectoryName(folder)!, recursive: true);
    }

    [Fact]
    public void ItIsForNetworksThatGetNoiseAndObjectivesThatMeasure()
    {
        Assert.Contains("NoiseChannels is 0", Assert.Throws<ArgumentOutOfRangeException>(() => Options.CheckFor(Small with { NoiseChannels = 0 })).Message);
        Assert.Contains("must measure", Assert.Throws<ArgumentOutOfRangeException>(
            () => (Options with { Objective = new() { Comparison = Comparison.None, Adversarial = 1 } }).Validate()).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => (Options with { NoiseSamples = -1 }).Validate());
    }

    private static byte[] Train(TrainingOptions options, int dieAt = 0)
    {
        using var network = new CascadedRefinementNetwork(Small, seed: 1);
        using var perception = new NoPerception();
        Trainer.Train(network, perception, ShadedShapes.Pairs(5, seed: 1), options, Report, _ => { }, CancellationToken.None);
        return [.. network.parameters().SelectMany(parameter => parameter.detach().contiguous().bytes.ToArray())];

        void Report(TrainingProgress progress)
        {
            if (progress.Step == dieAt)
                throw new InvalidOperationException("died");
        }
    }
}
