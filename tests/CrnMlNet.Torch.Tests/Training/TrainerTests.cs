using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

[Collection(RunAlone.Name)]
public sealed class TrainerTests
{
    private static readonly TrainingOptions Options = new() { Epochs = 100, BatchSize = 6, LearningRate = 4e-3, Mirror = false, Seed = 1 };

    private static readonly CrnArchitecture Small = new()
    {
        Channels = ShadedShapes.Channels,
        Height = ShadedShapes.Height,
        Width = ShadedShapes.Width,
        WidthFactor = 1.0 / 32,
    };

    [Fact]
    public void ATrainedNetworkIsFarNearerThanAnUntrainedOneAndThanFlatPainting()
    {
        using var perception = new Objectives.BlurAndSquare();

        var (untrained, flat, trained) = Train(perception, Options);

        Assert.True(trained.Image < 0.2 * untrained.Image && trained.Image < 0.7 * flat.Image, $"{untrained}, {flat}, {trained}");
        Assert.True(trained.Eq1 < 0.2 * untrained.Eq1 && trained.Eq1 < 0.7 * flat.Eq1, $"{untrained}, {flat}, {trained}");
    }

    [Fact]
    public void ATrainedNetworkIsFarNearerInTheEyesOfTheFilterBank()
    {
        using var perception = new FilterBankPerception(CPU);

        var (untrained, flat, trained) = Train(perception, Options);

        Assert.True(trained.Image < 0.5 * untrained.Image, $"{untrained}, {flat}, {trained}");
        Assert.True(trained.Eq1 < 0.3 * untrained.Eq1 && trained.Eq1 < flat.Eq1, $"{untrained}, {flat}, {trained}");
    }

    [Fact]
    public void TheSummaryTellsWhatWasDone()
    {
        var pairs = ShadedShapes.Pairs(3, seed: 1);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new Objectives.BlurAndSquare();
        var log = new List<string>();

        var summary = Trainer.Train(
            network, perception, pairs, Options with { Epochs = 4, BatchSize = 2 }, _ => { }, log.Add, CancellationToken.None);

        Assert.Equal((8L, 4, false), (summary.Steps, summary.EpochsBegun, summary.Cancelled));
        Assert.Equal(4, summary.LossByEpoch.Count);
        Assert.Equal(["image", "blur", "square"], summary.LayerWeights.Layers);
        Assert.Equal("blur and square", summary.Perception);
        Assert.Contains("blur and square", Assert.Single(log));
        Assert.False(network.training);
    }

    [Fact]
    public void TheLayerWeightsMakeFlatPaintingsTermsEqual()
    {
        using var scope = NewDisposeScope();
        var pairs = ShadedShapes.Pairs(3, seed: 2);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new Objectives.BlurAndSquare();

        var weights = Trainer.Train(network, perception, pairs, Options with { Epochs = 1 }, _ => { }, _ => { }, CancellationToken.None).LayerWeights;

        var (layouts, photos) = All(pairs);
        var terms = Terms(perception, ClassMeanColours.Paint(layouts, photos), layouts, photos);
        for (int layer = 0; layer < 3; layer++)
            Assert.Equal(terms[0], terms[layer] * weights.Values[layer], 1e-4 * terms[0]);
    }

    [Fact]
    public void TheSeedDecidesEveryBit()
    {
        var first = Trained(seed: 4);

        Assert.Equal(first, Trained(seed: 4));
        Assert.NotEqual(first, Trained(seed: 5));
    }

    [Fact]
    public void SoItDoesOfSeveralImages() => Assert.Equal(Trained(seed: 4, images: 3), Trained(seed: 4, images: 3));

    [Fact]
    public void CancellationStopsAtOnceAndKeepsWhatWasLearned()
    {
        using var source = new CancellationTokenSource();
        var pairs = ShadedShapes.Pairs(6, seed: 1);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new Objectives.BlurAndSquare();
        var before = Weights(network);
        var reports = new List<TrainingProgress>();

        var summary = Trainer.Train(network, perception, pairs, Options with { BatchSize = 1 }, Report, _ => { }, source.Token);

        void Report(TrainingProgress progress)
        {
            reports.Add(progress);
            if (progress.Step == 8)
                source.Cancel();
        }
        Assert.Equal(8, reports.Count);
        Assert.Equal((8L, 2, true), (summary.Steps, summary.EpochsBegun, summary.Cancelled));
        Assert.NotEqual(before, Weights(network));
        Assert.False(network.training);
    }

    [Fact]
    public void ATrainingCancelledBeforehandTakesNoStep()
    {
        var pairs = ShadedShapes.Pairs(2, seed: 1);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new Objectives.BlurAndSquare();
        var before = Weights(network);

        var summary = Trainer.Train(
            network, perception, pairs, Options, _ => Assert.Fail("a step"), _ => { }, new CancellationToken(canceled: true));

        Assert.Equal((0L, 0, true), (summary.Steps, summary.EpochsBegun, summary.Cancelled));
        Assert.Equal(before, Weights(network));
    }

    [Fact]
    public void ALossThatIsNoNumberIsAnError()
    {
        var pairs = ShadedShapes.Pairs(2, seed: 1);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new Objectives.BlurAndSquare();
        using (no_grad())
            network.get_parameter("conv100.bias")!.fill_(1e38f);

        var exception = Assert.Throws<TrainingDivergedException>(
            () => Trainer.Train(network, perception, pairs, Options, _ => { }, _ => { }, CancellationToken.None));

        Assert.Contains("at step 1. Lower the learning rate (0.004)", exception.Message);
    }

    [Fact]
    public void ASegmentationNetworkTeachesToShowTheLayout()
    {
        // The last of the channels is void, which the segmentation network does not see.
        var pairs = ShadedShapes.Pairs(4, seed: 1);
        using var segmenter = new SegmentationNetwork(ShadedShapes.Channels - 1, seed: 1);
        SegmentationTraining.Train(segmenter, pairs, new() { Epochs = 15 }, _ => { }, CancellationToken.None);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new NoPerception();
        var options = Options with { Epochs = 60, Objective = new() { Comparison = Comparison.None, Segmentation = 2 } };

        var summary = Trainer.Train(network, perception, pairs, options, _ => { }, _ => { }, CancellationToken.None, segmenter: segmenter);

        Assert.True(summary.LossByEpoch[^1] < 0.3 * summary.LossByEpoch[0], $"{summary.LossByEpoch[0]}, {summary.LossByEpoch[^1]}");
    }

    [Fact]
    public void ASegmentationNetworkIsTrainedFirstWhereNoneIsGiven()
    {
        var pairs = ShadedShapes.Pairs(4, seed: 1);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new NoPerception();
        var options = Options with { Epochs = 1, SegmenterEpochs = 3, Objective = new() { Comparison = Comparison.Image, Segmentation = 10 } };
        var log = new List<string>();
        var steps = new List<string>();

        Trainer.Train(
            network, perception, pairs, options, progress => steps.Add($"painter {progress.Step}"), log.Add, CancellationToken.None,
            reportSegmenter: progress => steps.Add($"segmenter {progress.Step}"));

        Assert.Equal(["segmenter 1", "segmenter 2", "segmenter 3", "painter 1"], steps);
        Assert.Contains(log, line => line.StartsWith("Learning by feature matching", StringComparison.Ordinal) && line.Contains(" + 10 segmentation"));
    }

    [Fact]
    public void WhatAnObjectiveCannotDoIsRefused()
    {
        var pairs = ShadedShapes.Pairs(2, seed: 1);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new NoPerception();
        using var segmenter = new SegmentationNetwork(ShadedShapes.Channels);

        Assert.Contains("tells 4 classes apart, and the layouts have 3", Refused(new() { Segmentation = 1 }, null, segmenter));
        Assert.Contains("needs an objective that measures", Refused(new() { Comparison = Comparison.None, Adversarial = 1 }, pairs, null));
        Assert.Contains("An objective needs a term", Refused(new() { Comparison = Comparison.None }, null, null));
        Assert.Contains("there is no discriminator to match features in", Refused(new() { DiscriminatorFeatures = 1 }, null, null));
        Assert.Contains("must be a number of at least 0", Refused(new() { Adversarial = double.NaN }, null, null));

        string Refused(Objective objective, TrainingPairs? validation, SegmentationNetwork? given) => Assert.ThrowsAny<ArgumentException>(() => Trainer.Train(
            network, perception, pairs, Options with { Objective = objective }, _ => { }, _ => { }, CancellationToken.None, validation, segmenter: given)).Message;
    }

    [Fact]
    public void GradientCheckpointingChangesNoBit()
    {
        Assert.Equal(Trained(seed: 4), Trained(seed: 4, options: Options with { GradientCheckpointing = true }));
        Assert.Equal(Trained(seed: 4, images: 3), Trained(seed: 4, images: 3, options: Options with { GradientCheckpointing = true }));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(2)]
    public void TheAverageOfTheWeightsIsTheModelAndLearningIsNotChanged(int? newestModules)
    {
        var pairs = ShadedShapes.Pairs(4, seed: 1);
        var options = Options with { Epochs = 8, BatchSize = 2, NewestModules = newestModules };
        using var network = new CascadedRefinementNetwork(Small);
        using var other = new CascadedRefinementNetwork(Small);
        using var perception = new Objectives.BlurAndSquare();
        double[] expected = [.. All(network)];
        var learned = new List<double[]>();

        var plain = Trainer.Train(network, perception, pairs, options, _ => learned.Add(All(network)), _ => { }, CancellationToken.None);
        var averaged = Trainer.Train(other, perception, pairs, options with { AverageDecay = 0.6 }, _ => { }, _ => { }, CancellationToken.None);

        // (1 + t) / (10 + t) is 0.5 at t = 8, and 0.6 from 12.5 on.
        for (int t = 0; t < learned.Count; t++)
        {
            double stays = Math.Min(0.6, (1.0 + t) / (10.0 + t));
            expected = [.. expected.Zip(learned[t], (average, weight) => stays * average + (1 - stays) * weight)];
        }
        Assert.Equal(16, learned.Count);
        Assert.Equal(plain.LossByEpoch, averaged.LossByEpoch);
        double[] actual = All(other);
        Assert.Equal(expected, actual, (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Contains(learned[^1].Zip(actual), pair => Math.Abs(pair.First - pair.Second) > 1e-3);

        static double[] All(CascadedRefinementNetwork network) => [.. network.parameters().SelectMany(parameter => parameter.detach().contiguous().data<float>().ToArray()).Select(value => (double)value)];
    }

    // Of four steps the first two are at the whole rate, then two thirds and a third of it: over the last 0.75 of them.
    [Theory]
    [InlineData(0.0, 1.0, 1.0, 1.0, 1.0)]
    [InlineData(0.75, 1.0, 1.0, 2.0 / 3, 1.0 / 3)]
    [InlineData(1.0, 1.0, 0.75, 0.5, 0.25)]
    public void TheLearningRateFallsOverTheLastShareOfTheTraining(double decay, params double[] shares)
    {
        var pairs = ShadedShapes.Pairs(2, seed: 1);
        using var network = new CascadedRefinementNetwork(Small);
        using var other = new CascadedRefinementNetwork(Small);
        using var perception = new NoPerception();
        using var adam = new Adam(other, Options.LearningRate);
        var options = Options with { Epochs = 4, BatchSize = 2, LearningRateDecay = decay, Objective = new() { Comparison = Comparison.Image } };

        Trainer.Train(network, perception, pairs, options, _ => { }, _ => { }, CancellationToken.None);
        using var scope = NewDisposeScope();
        var (layouts, photos) = All(pairs);
        foreach (double share in shares)
        {
            adam.ZeroGradients();
            (other.forward(layouts).select(1, 0) - photos).abs().mean().backward();
            adam.LearningRate = share * Options.LearningRate;
            adam.Step();
        }

        foreach (var (expected, actual) in other.parameters().Zip(network.parameters()))
            Assert.True((expected - actual).abs().max().item<float>() < 0.05 * Options.LearningRate);
    }

    [Fact]
    public void TheValidationSetMeasuresTheAverage()
    {
        var pairs = ShadedShapes.Pairs(4, seed: 1);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new NoPerception();

        var summary = Trainer.Train(
            network, perception, pairs, Options with { Epochs = 12, AverageDecay = 0.9, Objective = new() { Comparison = Comparison.Image } },
            _ => { }, _ => { }, CancellationToken.None, validation: pairs);

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (layouts, photos) = All(pairs);
        double loss = (network.forward(layouts).select(1, 0) - photos).abs().mean().item<float>();
        Assert.Equal(summary.ValidationLossByEpoch[summary.BestEpoch!.Value - 1], loss, 1e-3);
    }

    [Fact]
    public void OnlyTheNewestModulesLearnWhereThatIsWanted()
    {
        var pairs = ShadedShapes.Pairs(2, seed: 1);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new Objectives.BlurAndSquare();
        var before = Named(network);

        Trainer.Train(network, perception, pairs, Options with { Epochs = 2, NewestModules = 2 }, _ => { }, _ => { }, CancellationToken.None);

        var after = Named(network);
        string[] newest = [.. network.Cascade.Modules().TakeLast(2).Select(module => $"g_{module.Rows}"), "conv100"];
        Assert.All(before, weight => Assert.True(newest.Contains(weight.Key.Split('.')[0]) != weight.Value.SequenceEqual(after[weight.Key]), weight.Key));
        Assert.All(network.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Theory]
    [InlineData(0)]
    // The memory for what is seen in the four photos is taken in the first step.
    [InlineData(1 << 30)]
    public void NoTensorIsLeftPerStep(long photoFeatureMemory)
    {
        var pairs = ShadedShapes.Pairs(4, seed: 1);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new FilterBankPerception(CPU);
        var live = new List<long>();

        Trainer.Train(
            network, perception, pairs, Options with { Epochs = 5, BatchSize = 1, Mirror = false, PhotoFeatureMemory = photoFeatureMemory },
            _ => live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount), _ => { }, CancellationToken.None);

        Assert.All(live.Skip(1), count => Assert.Equal(live[1], count));
    }

    [Fact]
    public void ThePapersLayerWeightsMakeEachTermOfTheEpochBeforeEqual()
    {
        using var scope = NewDisposeScope();
        // Nothing is learned at such a rate, so what the epoch has shown can be measured afterwards.
        var options = Options with { Epochs = 3, BatchSize = 2, LearningRate = 1e-30, LayerWeights = LayerWeighting.Paper(rescaleAfter: 2) };
        var pairs = ShadedShapes.Pairs(3, seed: 2);
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new Objectives.BlurAndSquare();
        var log = new List<string>();

        var summary = Trainer.Train(network, perception, pairs, options, _ => { }, log.Add, CancellationToken.None, validation: pairs);

        var (layouts, photos) = All(pairs);
        var terms = Terms(perception, network.forward(layouts).select(1, 0), layouts, photos);
        Assert.Equal(1, summary.LayerWeights.Values[0]);
        for (int layer = 0; layer < 3; layer++)
            Assert.Equal(terms[0], terms[layer] * summary.LayerWeights.Values[layer], 1e-4 * terms[0]);
        // At first the sum of the terms themselves, then three equal ones.
        Assert.Equal(terms.Sum(), summary.ValidationLossByEpoch[1], 1e-4 * terms.Sum());
        Assert.Equal(3 * terms[0], summary.ValidationLossByEpoch[2], 1e-4 * terms[0]);
        Assert.Equal((2, 3), (summary.RescaledAfter, summary.BestEpoch));
        Assert.Contains("layer weights (paper:2): image 1, blur 1, square 1.", log[0]);
        Assert.Contains($"rescaled after epoch 2: {summary.LayerWeights}.", log[1]);
    }

    [Fact]
    public void LayerWeightsThatAreNeverRescaledAreAWarning()
    {
        var warnings = new List<string>();
        using var network = new CascadedRefinementNetwork(Small);
        using var perception = new Objectives.BlurAndSquare();

        var summary = Trainer.Train(
            network, perception, ShadedShapes.Pairs(2, seed: 1), Options with { Epochs = 2, LayerWeights = LayerWeighting.Paper(rescaleAfter: 2) },
            _ => { }, _ => { }, CancellationToken.None, warn: warnings.Add);

        Assert.Contains("after epoch 2, and Epochs is 2", Assert.Single(warnings));
        Assert.Null(summary.RescaledAfter);
        Assert.Equal([1, 1, 1], summary.LayerWeights.Values);
    }

    /// <summary>
    /// A layout occurs twice, with a photo all red and one all blue, in which 200 and 40 change places in two of three channels: they are 2/3 of
    /// 160 apart. One image is half of that from them on average if it is between them, and no image is nearer; of two each can be a photo.
    /// </summary>
    [Theory]
    [InlineData(Diversity.PerClass)]
    [InlineData(Diversity.WholeImage)]
    public void TwoImagesLearnBothPhotosOfALayoutWhereOneStaysBetweenThem(Diversity diversity)
    {
        const double Apart = 2.0 / 3 * 160;
        var pairs = RedAndBlue(16, 16);

        var (one, _) = Learn(images: 1);
        var (two, difference) = Learn(images: 2);

        Assert.InRange(one, Apart / 2 - 1e-3, Apart / 2 + 3);
        Assert.InRange(two, 0, 6);
        Assert.InRange(difference, Apart - 12, Apart + 12);

        (double Nearest, double Difference) Learn(int images)
        {
            using var scope = NewDisposeScope();
            using var network = new CascadedRefinementNetwork(Small with { Height = 16, Width = 16, ImagesPerLayout = images }, seed: 1);
            using var perception = new Objectives.NothingPerceived();
            Trainer.Train(network, perception, pairs, Options with { Epochs = 150, Diversity = diversity }, _ => { }, _ => { }, CancellationToken.None);
            using var _ = no_grad();
            var (layouts, photos) = All(pairs);
            var painted = network.forward(layouts);
            // By columns: each shows one class, and for Eq. 3 another image may be the nearest in another class.
            var toPhotos = (painted - photos.unsqueeze(1)).abs().mean([2, 3]);
            return (toPhotos.amin(1).mean().item<float>(), (painted.select(1, 0) - painted.select(1, images - 1)).abs().mean().item<float>());
        }
    }

    private static TrainingPairs RedAndBlue(int height, int width)
    {
        var pairs = new TrainingPairs(ShadedShapes.Channels, height, width);
        byte[] ids = [.. Enumerable.Range(0, height * width).Select(i => (byte)(i % width * ShadedShapes.Channels / width))];
        foreach (var (red, blue) in new (byte, byte)[] { (200, 40), (40, 200) })
            pairs.Add(ids, [.. Enumerable.Repeat(red, ids.Length), .. Enumerable.Repeat((byte)80, ids.Length), .. Enumerable.Repeat(blue, ids.Length)]);
        return pairs;
    }

    /// <summary>Trains on six pairs and measures on them, with the trained weights of the layers.</summary>
    private static ((double Image, double Eq1) Untrained, (double Image, double Eq1) Flat, (double Image, double Eq1) Trained) Train(
        IPerceptionNetwork perception, TrainingOptions options)
    {
        using var scope = NewDisposeScope();
        var pairs = ShadedShapes.Pairs(6, seed: 1);
        using var network = new CascadedRefinementNetwork(Small, seed: 1);
        var (layouts, photos) = All(pairs);
        var before = Synthesize();

        var summary = Trainer.Train(network, perception, pairs, options, _ => { }, _ => { }, CancellationToken.None);

        return (Measure(before), Measure(ClassMeanColours.Paint(layouts, photos)), Measure(Synthesize()));

        Tensor Synthesize()
        {
            using var _ = no_grad();
            return network.forward(layouts).select(1, 0);
        }

        (double, double) Measure(Tensor images)
        {
            using var _ = no_grad();
            var terms = Terms(perception, images, layouts, photos);
            return (terms[0], terms.Zip(summary.LayerWeights.Values, (term, weight) => term * weight).Sum());
        }
    }

    /// <summary>Each layer's mean difference between images <c>[N, 3, H, W]</c> and photos.</summary>
    private static double[] Terms(IPerceptionNetwork perception, Tensor images, Tensor layouts, Tensor photos)
    {
        using var _ = no_grad();
        var objective = new FeatureMatching(perception, LayerWeights.Even(FeatureObjective.LayersOf(perception)));
        return [.. objective.Terms(images.unsqueeze(1), layouts, photos).data<float>().ToArray().Select(term => (double)term)];
    }

    private static byte[] Trained(int seed, int images = 1, TrainingOptions? options = null)
    {
        var pairs = ShadedShapes.Pairs(6, seed: 1);
        using var network = new CascadedRefinementNetwork(Small with { ImagesPerLayout = images }, seed: 1);
        using var perception = new FilterBankPerception(CPU);
        Trainer.Train(network, perception, pairs, (options ?? Options) with { Epochs = 2, Seed = seed, BatchSize = 2, Mirror = true }, _ => { }, _ => { }, CancellationToken.None);
        return Weights(network);
    }

    private static byte[] Weights(CascadedRefinementNetwork network) =>
        [.. network.parameters().SelectMany(parameter => parameter.detach().contiguous().bytes.ToArray())];

    private static Dictionary<string, byte[]> Named(CascadedRefinementNetwork network) =>
        network.named_parameters().ToDictionary(named => named.name, named => named.parameter.detach().bytes.ToArray());

    private static (Tensor Layouts, Tensor Photos) All(TrainingPairs pairs) =>
        pairs.Batch([.. Enumerable.Range(0, pairs.Count)], new bool[pairs.Count], CPU);
}
