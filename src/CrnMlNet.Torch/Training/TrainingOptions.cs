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

    /// <summary>Checks every property.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Epochs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize, 1);
        if (!(LearningRate is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(LearningRate), LearningRate, "The learning rate must be above 0 and below 1.");
    }
}
