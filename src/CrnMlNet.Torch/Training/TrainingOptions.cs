using CrnMlNet.Torch.Objectives;

namespace CrnMlNet.Torch.Training;

/// <summary>How a network is trained. The defaults are the authors' but for the number of epochs.</summary>
public sealed record TrainingOptions
{
    /// <summary>How often every pair is seen; at least 1. The authors train 200 epochs at 256x512.</summary>
    public int Epochs { get; init; } = 20;

    /// <summary>Pairs in a step; at least 1.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>Adam's learning rate, constant over the training; above 0.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Whether each pair is mirrored left to right half of the times it is seen.</summary>
    public bool Mirror { get; init; } = true;

    /// <summary>Seeds the order of the pairs and the mirroring.</summary>
    public int Seed { get; init; }

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

    /// <summary>Checks every property.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Epochs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize, 1);
        if (!(LearningRate is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(LearningRate), LearningRate, "The learning rate must be above 0 and below 1.");
        if (EarlyStoppingPatience < 1)
            throw new ArgumentOutOfRangeException(nameof(EarlyStoppingPatience), EarlyStoppingPatience, "The patience must be at least one epoch; null never stops early.");
        if (TimeBudget <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(TimeBudget), TimeBudget, "The time budget must be above zero; null sets no limit.");
        if (CheckpointInterval < TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(CheckpointInterval), CheckpointInterval, "The time between checkpoints must not be negative.");
        if (CheckpointFolder is not null && string.IsNullOrWhiteSpace(CheckpointFolder))
            throw new ArgumentOutOfRangeException(nameof(CheckpointFolder), CheckpointFolder, "The folder of checkpoints must have a name; null writes none.");
    }
}
