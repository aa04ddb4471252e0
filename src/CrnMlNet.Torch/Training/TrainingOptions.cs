using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;

namespace CrnMlNet.Torch.Training;

/// <summary>How a network is trained. The defaults are the authors' but for the number of epochs.</summary>
public sealed record TrainingOptions
{
    /// <summary>How often every pair is seen; at least 1. The authors train 200 epochs at 256x512.</summary>
    public int Epochs { get; init; } = 20;

    /// <summary>Pairs in a step; at least 1.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>Adam's learning rate; above 0.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>
    /// The last share of the training, 0 to 1, over which the learning rate, the discriminator's too, falls to zero in a straight line; 0: it is constant, as the paper's. Pix2pixHD and SPADE take
    /// 0.5. What is the training's end follows from <see cref="Epochs"/> or from <see cref="TimeBudget"/>, whichever is nearer.
    /// </summary>
    public double LearningRateDecay { get; init; }

    /// <summary>
    /// The decay of the exponential moving average of the weights that the trained network has instead of the last ones, below 1, such as 0.999, of which
    /// some 1,000 steps count; 0: no average. It is what the validation set measures, too.
    /// </summary>
    public double AverageDecay { get; init; }

    /// <summary>
    /// How the noise of a network with noise channels is drawn: 0, always the same; 1, anew for every pair in every step; more, the nearest to the photo of
    /// so many images is the one that learns (IMLE). At least 0.
    /// </summary>
    public int NoiseSamples { get; init; }

    /// <summary>Whether each pair is mirrored left to right half of the times it is seen.</summary>
    public bool Mirror { get; init; } = true;

    /// <summary>How much the photos' brightness and saturation are changed by chance in each step, 0 to 1: by factors that far from 1. 0: not at all.</summary>
    public double ColourJitter { get; init; }

    /// <summary>Seeds the order of the pairs and the mirroring.</summary>
    public int Seed { get; init; }

    /// <summary>
    /// How many of the modules learn beside the head, counted from the finest one, at least 1; null: all. The others stay as
    /// they are, and take neither gradients nor moments. The authors train 2 at 1024x2048.
    /// </summary>
    public int? NewestModules { get; init; }

    /// <summary>
    /// Whether modules run once more in the backward pass instead of their feature maps being kept: far less memory, for about
    /// a third more time, and the same weights bit for bit on the CPU.
    /// </summary>
    public bool GradientCheckpointing { get; init; }

    /// <summary>In which numbers 3x3 convolutions compute.</summary>
    public TrainingPrecision Precision { get; init; }

    /// <summary>
    /// Bytes of memory for what the perception network sees in photos, which is kept from one epoch to the next; at least 0. Of photos
    /// beyond that it is worked out each time, or kept in <see cref="PhotoFeatureFolder"/>. On the CPU alone.
    /// </summary>
    public long PhotoFeatureMemory { get; init; } = 512L << 20;

    /// <summary>A folder with room for a file with what <see cref="PhotoFeatureMemory"/> does not hold, which is deleted when training ends; null: none.</summary>
    public string? PhotoFeatureFolder { get; init; }

    /// <summary>What is minimized.</summary>
    public Objective Objective { get; init; } = new();

    /// <summary>How often each pair is seen by the segmentation network that is trained first where <see cref="Objective.Segmentation"/> asks for it and none is given; at least 1.</summary>
    public int SegmenterEpochs { get; init; } = 20;

    /// <summary>How lambda, the weights of the layers, is chosen.</summary>
    public LayerWeighting LayerWeights { get; init; } = LayerWeighting.Calibrated;

    /// <summary>Which of several images for a layout learn from a photo; of no effect on a network that makes one.</summary>
    public Diversity Diversity { get; init; }

    /// <summary>After how many epochs without a lower validation loss training ends, at least 1; null: never.</summary>
    public int? EarlyStoppingPatience { get; init; }

    /// <summary>After how much time training ends, above zero; null: never. Time before a continuation counts.</summary>
    public TimeSpan? TimeBudget { get; init; }

    /// <summary>Where the training is kept while it runs, to be continued from there; null: nowhere.</summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>The longest time between two checkpoints, at least zero; one is written after every epoch all the same.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether the last checkpoint stays when training ends by itself. The next training then only loads it.</summary>
    public bool KeepCheckpoint { get; init; }

    /// <summary>The learning rate at a moment of the training.</summary>
    /// <param name="share">How much of it is done, 0 to 1.</param>
    internal double LearningRateAfter(double share) => share <= 1 - LearningRateDecay ? LearningRate : LearningRate * (1 - share) / LearningRateDecay;

    /// <summary>Checks every property.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Epochs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(SegmenterEpochs, 1);
        if (!Enum.IsDefined(Precision))
            throw new ArgumentOutOfRangeException(nameof(Precision), Precision, $"The precision must be one of {string.Join(", ", Enum.GetNames<TrainingPrecision>())}.");
        ArgumentOutOfRangeException.ThrowIfNegative(PhotoFeatureMemory);
        if (PhotoFeatureFolder is not null && !Directory.Exists(PhotoFeatureFolder))
            throw new ArgumentOutOfRangeException(nameof(PhotoFeatureFolder), PhotoFeatureFolder, "The folder for what is seen in photos does not exist. Make it first, or leave it out.");
        Objective.Validate();
        if (!(LearningRate is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(LearningRate), LearningRate, "The learning rate must be above 0 and below 1.");
        if (!(LearningRateDecay is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(LearningRateDecay), LearningRateDecay, "The learning rate can fall over the last 0 to 1 of the training; 0 keeps it constant.");
        if (!(ColourJitter is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(ColourJitter), ColourJitter, "The colour jitter must be from 0 to 1; 0 leaves photos as they are.");
        if (NoiseSamples is < 0 or > 1000)
            throw new ArgumentOutOfRangeException(nameof(NoiseSamples), NoiseSamples, "0 to 1000 samples of noise can be drawn for a pair; 0 takes always the same.");
        if (NoiseSamples > 1 && !Objective.Measures)
            throw new ArgumentOutOfRangeException(nameof(NoiseSamples), NoiseSamples, "To choose the nearest of several, the objective must measure: a comparison, texture or segmentation beside the adversarial term.");
        if (!(AverageDecay is >= 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(AverageDecay), AverageDecay, "The decay of the weights' average must be at least 0 and below 1; 0 takes no average.");
        if (NewestModules < 1)
            throw new ArgumentOutOfRangeException(nameof(NewestModules), NewestModules, "At least one module must learn; null trains all.");
        if (EarlyStoppingPatience < 1)
            throw new ArgumentOutOfRangeException(nameof(EarlyStoppingPatience), EarlyStoppingPatience, "The patience must be at least one epoch; null never stops early.");
        if (TimeBudget <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(TimeBudget), TimeBudget, "The time budget must be above zero; null sets no limit.");
        if (CheckpointInterval < TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(CheckpointInterval), CheckpointInterval, "The time between checkpoints must not be negative.");
        if (CheckpointFolder is not null && string.IsNullOrWhiteSpace(CheckpointFolder))
            throw new ArgumentOutOfRangeException(nameof(CheckpointFolder), CheckpointFolder, "The folder of checkpoints must have a name; null writes none.");
    }

    /// <summary>Checks that a network can be trained so.</summary>
    /// <param name="architecture">The network.</param>
    /// <exception cref="ArgumentOutOfRangeException">It cannot.</exception>
    public void CheckFor(SynthesisArchitecture architecture)
    {
        if (GradientCheckpointing && !architecture.IsChain)
            throw new ArgumentOutOfRangeException(
                nameof(GradientCheckpointing), GradientCheckpointing, $"A {architecture.Name} cannot be trained by gradient checkpointing: its maps skip layers. Leave it out, or choose a smaller size, width factor or batch.");
        if (NoiseSamples > 0 && architecture.NoiseChannels == 0)
            throw new ArgumentOutOfRangeException(
                nameof(NoiseSamples), NoiseSamples, "Samples of noise are for a network with noise channels, and NoiseChannels is 0.");
        if (NewestModules is not null && architecture is not CrnArchitecture)
            throw new ArgumentOutOfRangeException(
                nameof(NewestModules), NewestModules, $"A {architecture.Name} has no modules that could learn alone; null trains all of it.");
    }
}
