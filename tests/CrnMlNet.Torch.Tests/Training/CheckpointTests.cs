using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

[Collection(RunAlone.Name)]
public sealed class CheckpointTests : IDisposable
{
    private const int Pairs = 5;

    private static readonly TrainingOptions Options = new() { Epochs = 4, BatchSize = 2, LearningRate = 4e-3, Seed = 7 };

    private static readonly CrnArchitecture Small = new()
    {
        Channels = ShadedShapes.Channels,
        Height = ShadedShapes.Height,
        Width = ShadedShapes.Width,
        WidthFactor = 1.0 / 64,
        NoiseChannels = 1,
    };

    private readonly string _root = Directory.CreateTempSubdirectory("crn-checkpoints-").FullName;
    private readonly List<string> _warnings = [];

    private string Folder => Path.Combine(_root, "checkpoints");

    [Theory]
    [InlineData(1)]
    [InlineData(3)] // an epoch's end
    [InlineData(5)]
    [InlineData(11)]
    public void ATrainingThatDiedAndWasContinuedEndsWithTheSameBits(int diesAt)
    {
        var (expected, whole) = Train(Options with { CheckpointFolder = null });

        Assert.Throws<InvalidOperationException>(() => Train(EveryStep, dieAt: diesAt));
        var (weights, continued) = Train(EveryStep);

        Assert.Equal(expected, weights);
        Assert.Equal(whole.LossByEpoch, continued.LossByEpoch);
        Assert.Equal((12L, TrainingEnd.Completed), (continued.Steps, continued.End));
        Assert.Equal(whole.LayerWeights.Values, continued.LayerWeights.Values);
        Assert.Empty(_warnings);
        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public void SoDoesOneWithAValidationSetThatIsContinuedAgainAndAgain()
    {
        var validated = EveryStep with { CheckpointFolder = null, LearningRate = 0.05 };
        var (expected, whole) = Train(validated, validate: true);
        var options = validated with { CheckpointFolder = Folder };

        for (int step = 2; step < 12; step += 3)
            Assert.Throws<InvalidOperationException>(() => Train(options, dieAt: step, validate: true));
        var (weights, continued) = Train(options, validate: true);

        Assert.Equal(expected, weights);
        Assert.Equal(whole.ValidationLossByEpoch, continued.ValidationLossByEpoch);
        Assert.Equal(whole.BestEpoch, continued.BestEpoch);
        Assert.Equal(4, whole.ValidationLossByEpoch.Count);
    }

    [Fact]
    public void SoDoesOneThatGoesOnFromAnotherTrainingsMoments()
    {
        var (anew, _) = Train(Options with { CheckpointFolder = null });
        var (expected, _) = Train(Options with { CheckpointFolder = null }, start: Moments(1));
        Assert.NotEqual(anew, expected);

        Assert.Throws<InvalidOperationException>(() => Train(EveryStep, dieAt: 5, start: Moments(1)));
        var other = Assert.Throws<InvalidOperationException>(() => Train(EveryStep, start: Moments(2)));
        var (weights, _) = Train(EveryStep, start: Moments(1));

        Assert.Contains("starting point", other.Message);
        Assert.Equal(expected, weights);
    }

    [Theory]
    [InlineData(5, 1)]
    [InlineData(6, 1)] // the end of the epoch that the layers' weights are rescaled after
    [InlineData(7, 1)]
    [InlineData(8, 3)]
    public void SoDoesOneWhoseLayerWeightsAreRescaled(int diesAt, int images)
    {
        var options = EveryStep with { LayerWeights = LayerWeighting.Paper(rescaleAfter: 2) };
        var (expected, whole) = Train(options with { CheckpointFolder = null }, validate: true, images: images);

        Assert.Throws<InvalidOperationException>(() => Train(options, dieAt: diesAt, validate: true, images: images));
        var (weights, continued) = Train(options, validate: true, images: images);

        Assert.Equal(expected, weights);
        Assert.NotEqual(1, whole.LayerWeights.Values[1]);
        Assert.Equal(whole.LayerWeights.Values, continued.LayerWeights.Values);
        Assert.Equal(whole.LossByEpoch, continued.LossByEpoch);
        Assert.Equal(whole.ValidationLossByEpoch, continued.ValidationLossByEpoch);
        Assert.Equal((2, whole.BestEpoch), (continued.RescaledAfter, continued.BestEpoch));
    }

    public static TheoryData<Objective> Objectives =>
    [
        new Objective { Adversarial = 10, DiscriminatorFeatures = 10 },
        new Objective { Comparison = Comparison.None, Adversarial = 1, Discriminator = DiscriminatorKind.WholeImage, Segmentation = 1 },
        new Objective { Comparison = Comparison.Image, Segmentation = 10 },
        new Objective { Comparison = Comparison.LowResolution, Texture = 20, SmoothBelow = 3 },
        new Objective { Comparison = Comparison.LowResolution, Adversarial = 1, Discriminator = DiscriminatorKind.MultiScalePatches, DiscriminatorFeatures = 1 },
    ];

    [Theory]
    [MemberData(nameof(Objectives))]
    public void SoDoesOneWithADiscriminatorOrASegmentationNetwork(Objective objective)
    {
        var options = EveryStep with { Objective = objective, SegmenterEpochs = 2 };
        var (expected, whole) = Train(options with { CheckpointFolder = null }, validate: true);

        foreach (int step in new[] { 1, 5, 8 })
            Assert.Throws<InvalidOperationException>(() => Train(options, dieAt: step, validate: true));
        var (weights, continued) = Train(options, validate: true);

        Assert.Equal(expected, weights);
        Assert.Equal(whole.LossByEpoch, continued.LossByEpoch);
        Assert.Equal(whole.ValidationLossByEpoch, continued.ValidationLossByEpoch);
        Assert.Empty(_warnings);
    }

    [Fact]
    public void SoDoesOneWhoseLearningRateFallsAndWhoseModelIsAnAverageOfTheWeights()
    {
        var options = EveryStep with { AverageDecay = 0.9, LearningRate = 0.05, LearningRateDecay = 0.75 };
        var (expected, whole) = Train(options with { CheckpointFolder = null }, validate: true);

        foreach (int step in new[] { 1, 5, 9 })
            Assert.Throws<InvalidOperationException>(() => Train(options, dieAt: step, validate: true));
        Assert.Contains("LearningRateDecay was 0.75 and is 0", Assert.Throws<InvalidOperationException>(() => Train(options with { LearningRateDecay = 0 }, validate: true)).Message);
        Assert.Contains("AverageDecay was 0.9 and is 0", Assert.Throws<InvalidOperationException>(() => Train(options with { AverageDecay = 0 }, validate: true)).Message);
        Train(options, cancelAt: 10, validate: true);
        var (weights, continued) = Train(options, validate: true);

        Assert.Equal(expected, weights);
        Assert.Equal(whole.LossByEpoch, continued.LossByEpoch);
        Assert.Equal(whole.ValidationLossByEpoch, continued.ValidationLossByEpoch);
    }

    [Fact]
    public void SoDoesOneInOtherLight()
    {
        var (plain, _) = Train(Options with { CheckpointFolder = null });
        var (expected, _) = Train(Options with { CheckpointFolder = null, ColourJitter = 0.3 });
        Assert.NotEqual(plain, expected);

        Assert.Throws<InvalidOperationException>(() => Train(EveryStep with { ColourJitter = 0.3 }, dieAt: 4));
        var (weights, _) = Train(EveryStep with { ColourJitter = 0.3 });

        Assert.Equal(expected, weights);
    }

    [Fact]
    public void AnotherObjectiveIsAnotherTraining()
    {
        Assert.Throws<InvalidOperationException>(() => Train(EveryStep with { Objective = new() { Adversarial = 10 } }, dieAt: 2));

        var other = Assert.Throws<InvalidOperationException>(() => Train(EveryStep with { Objective = new() { Adversarial = 5 } }));

        Assert.Contains("Objective was features + 10 adversarial (patches) and is features + 5 adversarial (patches)", other.Message);
    }

    [Fact]
    public void TheNewestTwoStayAndNoneIsWrittenBetweenEpochsBeforeItIsTime()
    {
        var names = new List<string>();

        Train(Options with { CheckpointFolder = Folder }, report: _ => names.Add(string.Join(' ', Files().Select(Path.GetFileName))));

        const string Third = "checkpoint-000000000003.safetensors", Sixth = "checkpoint-000000000006.safetensors", Ninth = "checkpoint-000000000009.safetensors";
        Assert.Equal(
            ["", "", Third, Third, Third, $"{Third} {Sixth}", $"{Third} {Sixth}", $"{Third} {Sixth}", $"{Sixth} {Ninth}"], names.Take(9));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(100, true)]
    [InlineData(-1, false)]
    [InlineData(-30_000, false)]
    public void ADamagedCheckpointIsPassedOverForTheOneBeforeAndThatIsSaid(int place, bool fromStart)
    {
        var (expected, _) = Train(Options with { CheckpointFolder = null });
        Assert.Throws<InvalidOperationException>(() => Train(EveryStep, dieAt: 8));
        using (var file = new FileStream(Files()[^1], FileMode.Open))
        {
            file.Seek(place, fromStart ? SeekOrigin.Begin : SeekOrigin.End);
            int old = file.ReadByte();
            file.Seek(-1, SeekOrigin.Current);
            file.WriteByte((byte)(old ^ 4));
        }
        var steps = new List<long>();

        var (weights, _) = Train(EveryStep, report: progress => steps.Add(progress.Step));

        Assert.Equal(8, steps[0]);
        Assert.Contains("checkpoint-000000000008.safetensors' is damaged", Assert.Single(_warnings));
        Assert.Equal(expected, weights);
    }

    [Fact]
    public void WhenAllAreDamagedTrainingBeginsAnew()
    {
        Assert.Throws<InvalidOperationException>(() => Train(EveryStep, dieAt: 8));
        Array.ForEach(Files(), file => File.WriteAllBytes(file, File.ReadAllBytes(file)[..^100]));
        File.WriteAllText(Path.Combine(Folder, "checkpoint-000000000009.safetensors.tmp"), "half");

        var (_, summary) = Train(EveryStep, report: progress => Assert.True(progress.Step <= 12));

        Assert.Equal(2, _warnings.Count);
        Assert.Equal(12, summary.Steps);
        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public void AnotherTrainingIsNotContinuedAndTheMessageTellsWhatDiffers()
    {
        Assert.Throws<InvalidOperationException>(() => Train(EveryStep, dieAt: 2));

        Assert.Contains("LearningRate was 0.004 and is 0.005; Seed was 7 and is 8.", Refused(EveryStep with { LearningRate = 5e-3, Seed = 8 }));
        Assert.Contains("BatchSize was 2 and is 3", Refused(EveryStep with { BatchSize = 3 }));
        Assert.Contains("Mirror was True and is False", Refused(EveryStep with { Mirror = false }));
        Assert.Contains("LayerWeights was calibrated and is paper:2", Refused(EveryStep with { LayerWeights = LayerWeighting.Paper(2) }));
        Assert.Contains("Diversity was PerClass and is WholeImage", Refused(EveryStep with { Diversity = Diversity.WholeImage }));
        Assert.Contains("training data was 5 pairs of hash", Refused(EveryStep, pairsSeed: 2));
        Assert.Contains("validation data was none and is 3 pairs", Refused(EveryStep, validate: true));
        Assert.Contains("starting point was weights of hash", Refused(EveryStep, networkSeed: 2));
        Assert.Equal(2, Files().Length);
        Train(EveryStep);

        string Refused(TrainingOptions options, int pairsSeed = 1, ulong networkSeed = 1, bool validate = false)
        {
            string message = Assert.Throws<InvalidOperationException>(() => Train(options, pairsSeed: pairsSeed, networkSeed: networkSeed, validate: validate)).Message;
            Assert.Contains(Folder, message);
            Assert.Contains("delete the folder", message);
            return message;
        }
    }

    [Fact]
    public void MoreEpochsGoOnAndFewerAreRefused()
    {
        var (expected, _) = Train(Options with { CheckpointFolder = null, Epochs = 6 });
        Train(EveryStep with { KeepCheckpoint = true });
        Assert.NotEmpty(Files());

        var fewer = Assert.Throws<InvalidOperationException>(() => Train(EveryStep with { Epochs = 3 }));
        var (weights, summary) = Train(EveryStep with { Epochs = 6 });

        Assert.Contains("in its epoch 4", fewer.Message);
        Assert.Equal(expected, weights);
        Assert.Equal(6, summary.LossByEpoch.Count);
    }

    [Fact]
    public void AFinishedTrainingThatIsKeptIsOnlyLoaded()
    {
        var (expected, _) = Train(EveryStep with { KeepCheckpoint = true });

        var (weights, summary) = Train(EveryStep with { KeepCheckpoint = true }, report: _ => Assert.Fail("a step"));

        Assert.Equal(expected, weights);
        Assert.Equal((12L, TrainingEnd.Completed), (summary.Steps, summary.End));
    }

    [Fact]
    public void ACancelledTrainingKeepsItsLastStep()
    {
        var (expected, _) = Train(Options with { CheckpointFolder = null });
        Train(Options with { CheckpointFolder = Folder }, cancelAt: 4);
        Assert.EndsWith("checkpoint-000000000004.safetensors", Files()[^1]);

        var (weights, _) = Train(Options with { CheckpointFolder = Folder });

        Assert.Equal(expected, weights);
    }

    [Fact]
    public void AFolderIsOneTrainingsAtATime()
    {
        Train(EveryStep, report: progress =>
        {
            if (progress.Step == 2)
                Assert.Contains("another training uses it", Assert.Throws<IOException>(() => Train(EveryStep)).Message);
        });
    }

    [Fact]
    public void ACheckpointThatCannotBeWrittenDoesNotEndTheTraining()
    {
        // A folder is where the file should go.
        Directory.CreateDirectory(Path.Combine(Folder, "checkpoint-000000000003.safetensors.tmp"));
        Directory.CreateDirectory(Path.Combine(Folder, "checkpoint-000000000003.safetensors.tmp", "x"));

        var (_, summary) = Train(Options with { CheckpointFolder = Folder });

        Assert.Equal(12, summary.Steps);
        Assert.Contains("cannot be written", Assert.Single(_warnings));
    }

    [Fact]
    public void ClearingLeavesOthersFiles()
    {
        Assert.Throws<InvalidOperationException>(() => Train(EveryStep, dieAt: 2));
        string other = Path.Combine(Folder, "notes.txt");
        File.WriteAllText(other, "mine");

        CheckpointFolder.Clear(Folder);
        Assert.Equal([other], Directory.GetFileSystemEntries(Folder));
        File.Delete(other);
        CheckpointFolder.Clear(Folder);
        Assert.False(Directory.Exists(Folder));
        CheckpointFolder.Clear(Folder);
    }

    [Fact]
    public void TheFileIsSafetensorsWithWeightsAndMoments()
    {
        Assert.Throws<InvalidOperationException>(() => Train(EveryStep, dieAt: 2));
        using var file = File.OpenRead(Files()[^1]);

        var header = CrnMlNet.Torch.Weights.Safetensors.ReadHeader(file);

        Assert.Equal(3 * Small.ParameterCount(), header.Tensors.Where(tensor => tensor.Name != "adam.steps").Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size)));
        Assert.Contains(header.Tensors, tensor => tensor.Name == "adam.square.conv100.bias");
        Assert.Contains("\"Seed\":\"7\"", header.Metadata["training"]);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private TrainingOptions EveryStep => Options with { CheckpointFolder = Folder, CheckpointInterval = TimeSpan.Zero };

    private string[] Files() => Directory.Exists(Folder) ? [.. Directory.GetFiles(Folder, "*.safetensors").Order(StringComparer.Ordinal)] : [];

    /// <summary>Moments of the finest module and the head, as after 30 steps.</summary>
    private static AdamState Moments(int size)
    {
        using var network = new CascadedRefinementNetwork(Small);
        return new AdamState(network.named_parameters()
            .Where(named => named.name.StartsWith("g_24", StringComparison.Ordinal) || named.name.StartsWith("conv100", StringComparison.Ordinal))
            .ToDictionary(named => named.name, named => new AdamMoments(full(named.parameter.shape, 0.1f * size), full(named.parameter.shape, 0.2f * size), 30)));
    }

    private (byte[] Weights, TrainingSummary Summary) Train(
        TrainingOptions options, int dieAt = 0, bool validate = false, int pairsSeed = 1, ulong networkSeed = 1,
        int cancelAt = 0, Action<TrainingProgress>? report = null, int images = 1, AdamState? start = null)
    {
        using var source = new CancellationTokenSource();
        using var network = new CascadedRefinementNetwork(Small with { ImagesPerLayout = images }, networkSeed);
        // Images at low resolution are too small for filters.
        using IPerceptionNetwork perception = options.Objective.Comparison == Comparison.LowResolution ? new NoPerception() : new FilterBankPerception(CPU);
        var summary = Trainer.Train(
            network, perception, ShadedShapes.Pairs(Pairs, pairsSeed), options, Report, _ => { }, source.Token,
            validate ? ShadedShapes.Pairs(3, seed: 9) : null, _warnings.Add, start);
        return ([.. network.parameters().SelectMany(parameter => parameter.detach().contiguous().bytes.ToArray())], summary);

        void Report(TrainingProgress progress)
        {
            report?.Invoke(progress);
            if (progress.Step == cancelAt)
                source.Cancel();
            if (progress.Step == dieAt)
                throw new InvalidOperationException("died");
        }
    }
}
