using CrnMlNet.Torch.Training;

namespace CrnMlNet;

/// <summary>How a model was trained; of a training in stages, its last stage.</summary>
public sealed record TrainingRecord
{
    /// <summary>Pairs that were learned from.</summary>
    public required int Pairs { get; init; }

    /// <summary>Training steps.</summary>
    public required long Steps { get; init; }

    /// <summary>Pairs in a step.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Adam's learning rate; where it fell, in the beginning.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The last share of the training over which the learning rate fell to zero; 0: it was constant.</summary>
    public double LearningRateDecay { get; init; }

    /// <summary>The decay of the weights' average that the model is; 0: it is the last weights.</summary>
    public double AverageDecay { get; init; }

    /// <summary>How the noise was drawn: 0, always the same; 1, anew in every step; more, and the nearest photo of so many learned.</summary>
    public int NoiseSamples { get; init; }

    /// <summary>Whether pairs were mirrored.</summary>
    public required bool Mirror { get; init; }

    /// <summary>How much the photos' brightness and saturation were changed by chance.</summary>
    public double ColourJitter { get; init; }

    /// <summary>What was done to photos before the network learned from them.</summary>
    public PhotoPreprocessing PhotoPreprocessing { get; init; } = PhotoPreprocessing.None;

    /// <summary>The seed.</summary>
    public required int Seed { get; init; }

    /// <summary>Whether training was cancelled before its end.</summary>
    public required bool Stopped { get; init; }

    /// <summary>How long the synthesizing network was trained, in seconds.</summary>
    public required double Seconds { get; init; }

    /// <summary>The perception network.</summary>
    public required string Perception { get; init; }

    /// <summary>The name of the recipe.</summary>
    public string Recipe { get; init; } = CrnMlNet.Recipe.Crn.Name;

    /// <summary>What was minimized.</summary>
    public string Objective { get; init; } = "feature matching (Eq. 1)";

    /// <summary>lambda: the weight of every layer that was compared; where it was rescaled, the last.</summary>
    public required IReadOnlyDictionary<string, double> LayerWeights { get; init; }

    /// <summary>How lambda was chosen, as <see cref="Torch.Objectives.LayerWeighting.Parse"/> reads it.</summary>
    public string LayerWeighting { get; init; } = Torch.Objectives.LayerWeighting.Calibrated.ToString();

    /// <summary>The epoch after which lambda was rescaled, so that losses before and after do not compare; null: it was not.</summary>
    public int? LayerWeightsRescaledAfter { get; init; }

    /// <summary>The mean loss of each epoch, in gray levels of the image term.</summary>
    public required IReadOnlyList<double> LossByEpoch { get; init; }

    /// <summary>The loss on the validation set after each epoch, in the same unit; empty without such a set.</summary>
    public IReadOnlyList<double> ValidationLossByEpoch { get; init; } = [];

    /// <summary>The epoch, from 1, that the weights are of because its validation loss is the least; null: they are the last ones.</summary>
    public int? BestEpoch { get; init; }

    /// <summary>The model that training started from, and what was taken from it; null: it started from chance.</summary>
    public string? WarmStart { get; init; }

    /// <summary>The stages before, in their order; empty where there was one size only.</summary>
    public IReadOnlyList<StageRecord> EarlierStages { get; init; } = [];

    /// <summary>How many of the modules learned beside the head, counted from the finest one; null: all.</summary>
    public int? TrainedOnlyNewestModules { get; init; }

    /// <summary>The file of others that the weights are from, and what it had; null: they were trained here. All else is not known then, and zero.</summary>
    public string? Imported { get; init; }

    /// <summary>Why training ended; not saved.</summary>
    internal TrainingEnd End { get; init; }

    /// <summary>The record of a model that was trained elsewhere.</summary>
    /// <param name="source">The file that it is from, and what that had.</param>
    /// <param name="perception">What the photos were compared in.</param>
    internal static TrainingRecord Of(string source, string perception) => new()
    {
        Pairs = 0,
        Steps = 0,
        BatchSize = 0,
        LearningRate = 0,
        Mirror = false,
        Seed = 0,
        Stopped = false,
        Seconds = 0,
        Perception = perception,
        LayerWeights = new Dictionary<string, double>(),
        LossByEpoch = [],
        Imported = source,
    };

    internal static TrainingRecord From(SynthesizeFromLabelsEstimator.Options options, int pairs, int seed, TrainingSummary summary, string? warmStart) => new()
    {
        Pairs = pairs,
        Steps = summary.Steps,
        BatchSize = options.BatchSize,
        LearningRate = options.LearningRate,
        LearningRateDecay = options.LearningRateDecay,
        AverageDecay = options.AverageDecay,
        NoiseSamples = options.NoiseSamples,
        Mirror = options.Mirror,
        ColourJitter = options.ColourJitter,
        PhotoPreprocessing = options.PhotoPreprocessing,
        Seed = seed,
        Stopped = summary.Cancelled,
        // Upwards, so that a stage does not seem to begin before the one before has ended.
        Seconds = Math.Ceiling(1000 * summary.Elapsed.TotalSeconds) / 1000,
        Perception = summary.Perception,
        Recipe = options.Recipe.Name,
        Objective = summary.Objective,
        LayerWeighting = options.LayerWeights.ToString(),
        LayerWeightsRescaledAfter = summary.RescaledAfter,
        LayerWeights = summary.LayerWeights.Layers.Zip(summary.LayerWeights.Values).ToDictionary(pair => pair.First, pair => pair.Second),
        LossByEpoch = summary.LossByEpoch,
        ValidationLossByEpoch = summary.ValidationLossByEpoch,
        BestEpoch = summary.BestEpoch,
        WarmStart = warmStart,
        EarlierStages = options.EarlierStages,
        TrainedOnlyNewestModules = options.TrainOnlyNewestModules,
        End = summary.End,
    };
}

/// <summary>A stage of a training that grew.</summary>
/// <param name="Height">The height in pixels at which was trained.</param>
/// <param name="Width">The width in pixels at which was trained.</param>
/// <param name="Training">How.</param>
public sealed record StageRecord(int Height, int Width, TrainingRecord Training);
