namespace CrnMlNet.Torch.Training;

/// <summary>Where a training stands, after a step.</summary>
public sealed record TrainingProgress
{
    /// <summary>Steps done, from 1.</summary>
    public required long Step { get; init; }

    /// <summary>Steps in all.</summary>
    public required long Steps { get; init; }

    /// <summary>The current epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Epochs in all.</summary>
    public required int Epochs { get; init; }

    /// <summary>Whether this step was its epoch's last.</summary>
    public required bool IsEpochEnd { get; init; }

    /// <summary>The mean loss of this epoch so far, in gray levels of the image term.</summary>
    public required double Loss { get; init; }

    /// <summary>The loss on the validation set, with a step that was its epoch's last; null otherwise, and without such a set.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>Pairs learned from per second.</summary>
    public required double ImagesPerSecond { get; init; }

    /// <summary>Time spent, that before a continuation included.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Time that is still to be spent at this pace.</summary>
    public TimeSpan Remaining => Elapsed * ((double)(Steps - Step) / Step);
}
