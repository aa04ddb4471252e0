namespace CrnMlNet;

/// <summary>
/// A stage of a training that grows: a size, and how long to train at it. The paper's authors train 200 epochs at 256x512, go on
/// for 20 at 512x1024 and 5 at 1024x2048, where only the two newest modules learn (CQFIO/PhotographicImageSynthesis).
/// </summary>
public sealed record TrainingStage
{
    /// <summary>The height in pixels at which is trained, 16 to 8192.</summary>
    public int Height { get; init; }

    /// <summary>The width in pixels at which is trained, 16 to 8192.</summary>
    public int Width { get; init; }

    /// <summary>How often each pair is seen in this stage, at least 1.</summary>
    public int Epochs { get; init; }

    /// <summary>
    /// How many of the modules learn beside the head, counted from the finest one, at least 1; null: all. The others stay as the
    /// stage before left them, and take no memory but for their weights.
    /// </summary>
    public int? TrainOnlyNewestModules { get; init; }

    /// <summary>Adam's learning rate in this stage, above 0 and below 1; null: the options'.</summary>
    public double? LearningRate { get; init; }

    /// <summary>The size, as in 256x512.</summary>
    public override string ToString() => $"{Height}x{Width}";
}
