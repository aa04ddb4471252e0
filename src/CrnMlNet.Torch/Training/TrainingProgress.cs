using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Torch.Training;

/// <summary>What is being trained.</summary>
public enum TrainingStage
{
    /// <summary>The perception network that the tool makes itself when none is given.</summary>
    Perception,

    /// <summary>The network that synthesizes.</summary>
    Refinement,
}

/// <summary>Where a training stands, after a step.</summary>
public sealed record TrainingProgress
{
    /// <summary>What is being trained.</summary>
    public required TrainingStage Stage { get; init; }

    /// <summary>Steps done in this stage, from 1.</summary>
    public required long Step { get; init; }

    /// <summary>Steps that this stage takes in all.</summary>
    public required long Steps { get; init; }

    /// <summary>The current epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Epochs of this stage.</summary>
    public required int Epochs { get; init; }

    /// <summary>Whether this step was its epoch's last.</summary>
    public required bool IsEpochEnd { get; init; }

    /// <summary>The mean loss of this epoch so far; of the refinement stage in gray levels of the image term.</summary>
    public required double Loss { get; init; }

    /// <summary>Pairs learned from per second in this stage.</summary>
    public required double ImagesPerSecond { get; init; }

    /// <summary>Time spent in this stage.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Time that this stage will still take at this pace.</summary>
    public TimeSpan Remaining => Elapsed * ((double)(Steps - Step) / Step);

    /// <summary>The network as it is now. Use it only while being told of this progress, and without training it.</summary>
    public CascadedRefinementNetwork? Network { get; init; }
}
