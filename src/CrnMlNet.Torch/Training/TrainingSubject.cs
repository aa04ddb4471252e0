using System.Globalization;
using System.Security.Cryptography;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// What is trained on what, and how, in so far as it decides which weights come out after a number of steps. So the number of
/// epochs, a time budget or the device may change when a training is continued; these may not.
/// </summary>
/// <param name="Properties">Names and values, as they are shown to people.</param>
internal sealed record TrainingSubject(IReadOnlyDictionary<string, string> Properties)
{
    private const int DigitsOfHash = 16;
    private const string All = "all";
    private const string None = "none";

    /// <summary>What was so before it could be chosen: checkpoints of that time do not tell.</summary>
    private static readonly Dictionary<string, string> Earlier = new()
    {
        ["LayerWeights"] = LayerWeighting.Calibrated.ToString(),
        ["Diversity"] = nameof(Diversity.PerClass),
        ["TrainOnlyNewestModules"] = All,
        ["Network"] = nameof(NetworkKind.CascadedRefinement),
        ["Objective"] = new Objective().ToString(),
        ["segmentation network"] = None,
        ["Precision"] = nameof(TrainingPrecision.Auto),
        ["LearningRateDecay"] = Text(0.0),
        ["AverageDecay"] = Text(0.0),
        ["NoiseSamples"] = Text(0),
        ["ColourJitter"] = Text(0.0),
        ["Modulation"] = nameof(Modulation.None),
    };

    public static TrainingSubject Of(
        SynthesisNetwork network, IPerceptionNetwork perception, SegmentationNetwork? segmenter, TrainingPairs pairs, TrainingPairs? validation, TrainingOptions options,
        AdamState? start)
    {
        var architecture = network.Architecture;
        return new TrainingSubject(new Dictionary<string, string>
        {
            ["Network"] = architecture.Kind.ToString(),
            ["Height"] = Text(architecture.Height),
            ["Width"] = Text(architecture.Width),
            ["classes"] = Text(architecture.Channels),
            ["ImagesPerLayout"] = Text(architecture.ImagesPerLayout),
            ["WidthFactor"] = Text(architecture.WidthFactor),
            ["NoiseChannels"] = Text(architecture.NoiseChannels),
            ["Modulation"] = ((architecture as CrnArchitecture)?.Modulation ?? Modulation.None).ToString(),
            ["BatchSize"] = Text(options.BatchSize),
            ["LearningRate"] = Text(options.LearningRate),
            ["LearningRateDecay"] = Text(options.LearningRateDecay),
            ["AverageDecay"] = Text(options.AverageDecay),
            ["NoiseSamples"] = Text(options.NoiseSamples),
            ["Mirror"] = Text(options.Mirror),
            ["ColourJitter"] = Text(options.ColourJitter),
            ["Seed"] = Text(options.Seed),
            ["Objective"] = options.Objective.ToString(),
            ["Precision"] = options.Precision.ToString(),
            ["LayerWeights"] = options.LayerWeights.ToString(),
            ["Diversity"] = options.Diversity.ToString(),
            ["TrainOnlyNewestModules"] = options.NewestModules is { } newest ? Text(newest) : All,
            ["perception network"] = perception.Description,
            ["segmentation network"] = options.Objective.Segmentation == 0 ? None : segmenter is null ? $"trained {options.SegmenterEpochs} epochs" : Hash(segmenter, start: null),
            ["training data"] = Describe(pairs),
            ["validation data"] = validation is null ? None : Describe(validation),
            ["starting point"] = Hash(network, start),
        });
    }

    /// <summary>What differs from <paramref name="other"/>, in words; empty when nothing does.</summary>
    public IReadOnlyList<string> DifferencesTo(TrainingSubject other)
    {
        var differences = Properties.Keys.Union(other.Properties.Keys)
            .Select(name => (name, Was: Value(name), Is: other.Value(name)))
            .Where(property => property.Was != property.Is)
            .Select(property => $"{property.name} was {property.Was} and is {property.Is}")
            .ToList();
        // The starting point follows from the rest but for a warm start: it is news when all else is the same.
        if (differences.Count > 1)
            differences.RemoveAll(difference => difference.StartsWith("starting point", StringComparison.Ordinal));
        return differences;
    }

    private string Value(string name) => Properties.GetValueOrDefault(name) ?? Earlier.GetValueOrDefault(name, "not known");

    private static string Text(IConvertible value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Describe(TrainingPairs pairs) => $"{pairs.Count} pairs of hash {pairs.Fingerprint()[..DigitsOfHash]}";

    private static string Hash(nn.Module network, AdamState? start)
    {
        using var hash = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write, leaveOpen: true))
        {
            Weights.Safetensors.Write(stream, [.. network.named_parameters().Select(named => (named.name, (Tensor)named.parameter))]);
            start?.Write(stream);
        }
        return $"weights of hash {Convert.ToHexString(hash.Hash!)[..DigitsOfHash]}";
    }
}
