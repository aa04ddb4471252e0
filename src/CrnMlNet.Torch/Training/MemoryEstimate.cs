using System.Globalization;
using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// How much memory a training or a synthesis will take, in bytes, known before it begins: what it adds to a process in which
/// libtorch already runs. Within 30% of what is then used.
/// </summary>
/// <param name="What">What takes the memory, for messages.</param>
/// <param name="Pairs">Bytes of the pairs to learn from.</param>
/// <param name="Weights">Bytes of the weights and, in training, of their gradients and of Adam's two moments.</param>
/// <param name="Activations">Bytes of feature maps: in training all that the backward pass needs.</param>
/// <param name="Slack">Bytes that are taken whatever the size.</param>
/// <remarks>
/// The numbers of maps follow from the network; that they suffice was measured, as the growth of a process' peak.
/// </remarks>
public sealed record MemoryEstimate(string What, long Pairs, long Weights, long Activations, long Slack)
{
    private const int BytesPerNumber = sizeof(float);

    /// <summary>Weights, gradients, Adam's two moments, and what a step passes through in making them.</summary>
    private const int NumbersPerTrainedWeight = 5;

    /// <summary>d_i that the backward pass keeps in a module: both convolutions, normalisations and leaky ReLUs.</summary>
    private const int KeptMaps = 6;

    /// <summary>d_i of gradients in a module at once.</summary>
    private const int PassingMaps = 3;

    /// <summary>Maps of the photo's size in the perception network (24 filters, kept twice and passing) and around it.</summary>
    private const int PerceivedMaps = 190;

    /// <summary>As many in VGG-19 and around it: what the backward pass keeps of its convolutions, the photo's taps, and what is passing.</summary>
    private const int MapsInVgg19 = 800;

    /// <summary>Holes in the native heap.</summary>
    private const double Holes = 1.1;

    // What is added whatever the size: the garbage collector's heap, the native one's arenas, kernels.
    private const long TrainingSlack = 40 << 20;
    private const long SynthesisSlack = 20 << 20;

    /// <summary>An estimate is within 30%, so what is above the machine's memory by more than this cannot fit.</summary>
    private const double Tolerance = 1.3;

    /// <summary>A width factor that trains on a CPU.</summary>
    private const double NarrowWidth = 0.125;

    private const int FewHalvings = 3;

    /// <summary>All of it.</summary>
    public long Total => Pairs + Weights + Activations + Slack;

    /// <summary>The memory that this process can have: the machine's, or the container's if that is less.</summary>
    public static long Available => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>The memory that <see cref="Trainer.Train"/> takes with the perception network that needs no weights.</summary>
    /// <param name="architecture">The network.</param>
    /// <param name="batchSize">Pairs in a step.</param>
    /// <param name="pairs">Pairs to learn from.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public static MemoryEstimate OfTraining(CrnArchitecture architecture, int batchSize, int pairs)
    {
        var modules = architecture.Modules();
        int labels = architecture.Channels + architecture.NoiseChannels;
        double kept = 0, passing = 0;
        foreach (var module in modules)
        {
            double pixels = (double)module.Rows * module.Columns;
            // The layouts, the two convolutions' inputs, and each convolution and normalisation before what follows it.
            kept += pixels * (module.InputFeatures + labels + (module == modules[^1] ? 0 : architecture.Channels) + KeptMaps * module.Features);
            passing = Math.Max(passing, pixels * (module.InputFeatures + labels + PassingMaps * module.Features));
        }
        double size = (double)architecture.Height * architecture.Width;
        double perceived = size * (architecture.Channels + PerceivedMaps);
        return new MemoryEstimate(
            $"Training at {Size(architecture)} with batches of {batchSize}",
            (long)(pairs * size * TrainingPairs.BytesPerPixel),
            BytesPerNumber * (NumbersPerTrainedWeight * architecture.ParameterCount() + Noise(architecture)),
            (long)(Holes * BytesPerNumber * batchSize * (kept + passing + perceived)),
            TrainingSlack);
    }

    /// <summary>
    /// What comparing in a perception network takes beyond the bank of frequency filters, which <see cref="OfTraining"/> counts
    /// in: bytes of its weights and activations.
    /// </summary>
    /// <param name="perception">Phi.</param>
    /// <param name="architecture">The network that is trained.</param>
    /// <param name="batchSize">Pairs in a step.</param>
    public static long OfComparing(IPerceptionNetwork perception, CrnArchitecture architecture, int batchSize)
    {
        if (perception is not Vgg19 vgg19)
            return 0;
        double images = (double)batchSize * architecture.ImagesPerLayout * architecture.Height * architecture.Width;
        return BytesPerNumber * vgg19.Weights.Values.Sum(weight => weight.numel()) + (long)(Holes * BytesPerNumber * images * (MapsInVgg19 - PerceivedMaps));
    }

    /// <summary>The estimate with what <see cref="OfComparing"/> adds.</summary>
    /// <param name="comparing">Bytes.</param>
    public MemoryEstimate With(long comparing) => this with { Activations = Activations + comparing };

    /// <summary>The memory that a network takes for synthesizing, once its weights are there: for weights and one step.</summary>
    /// <param name="architecture">The network.</param>
    /// <param name="batchSize">Layouts in a step.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public static MemoryEstimate OfSynthesis(CrnArchitecture architecture, int batchSize = 1)
    {
        int labels = architecture.Channels + architecture.NoiseChannels;
        double kept = 0, passing = 0;
        foreach (var module in architecture.Modules())
        {
            double pixels = (double)module.Rows * module.Columns;
            kept += pixels * (architecture.Channels + labels + module.Features);
            passing = Math.Max(passing, pixels * (2 * module.InputFeatures + labels + KeptMaps * module.Features));
        }
        return new MemoryEstimate(
            $"Synthesis at {Size(architecture)}",
            0,
            BytesPerNumber * (architecture.ParameterCount() + Noise(architecture)),
            (long)(Holes * BytesPerNumber * batchSize * (kept + passing)),
            SynthesisSlack);
    }

    /// <summary>Refuses a training that is far above the memory that this process can have, before any of it is taken.</summary>
    /// <param name="architecture">The network.</param>
    /// <param name="batchSize">Pairs in a step.</param>
    /// <param name="pairs">Pairs to learn from.</param>
    /// <param name="comparing">What <see cref="OfComparing"/> adds, in bytes.</param>
    /// <exception cref="InsufficientMemoryException">It is; the message says what would fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public static void CheckTraining(CrnArchitecture architecture, int batchSize, int pairs, long comparing = 0) =>
        OfTraining(architecture, batchSize, pairs).With(comparing).CheckRoom(Available, available => TrainingThatFits(architecture, batchSize, pairs, available - comparing));

    /// <summary>Refuses a network that is far above the memory that this process can have, before any of it is taken.</summary>
    /// <param name="architecture">The network.</param>
    /// <exception cref="InsufficientMemoryException">It is.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public static void CheckSynthesis(CrnArchitecture architecture) =>
        OfSynthesis(architecture).CheckRoom(Available, _ => "Use a machine with more memory, or train a smaller model.");

    internal void CheckRoom(long available, Func<long, string> remedy)
    {
        if (Total > available * Tolerance)
            throw new InsufficientMemoryException($"{What} takes about {Show(Total)} of memory, and {Show(available)} are there. {remedy(available)}");
    }

    /// <summary>Each way by itself to make a training fit, by halving a few times; or all of them together.</summary>
    internal static string TrainingThatFits(CrnArchitecture architecture, int batchSize, int pairs, long available)
    {
        var ways = new List<string>();
        for (int batch = batchSize / 2; batch >= 1 && ways.Count == 0; batch /= 2)
            if (Fits(architecture, batch))
                ways.Add($"batches of {batch}");
        if (Halve(architecture, Narrower, FewHalvings) is { } narrow)
            ways.Add(FormattableString.Invariant($"width factor {narrow.WidthFactor:0.####}"));
        if (Halve(architecture, Smaller, FewHalvings) is { } small)
            ways.Add($"{small.Height}x{small.Width}");
        if (ways.Count > 0)
            return $"This would fit: {string.Join(", or ", ways)}.";

        batchSize = 1;
        return Halve(architecture with { WidthFactor = Math.Min(architecture.WidthFactor, NarrowWidth) }, Smaller, int.MaxValue) is { } both
            ? FormattableString.Invariant($"This would fit: {both.Height}x{both.Width} with width factor {both.WidthFactor:0.####} and batches of 1.")
            : "Learn from fewer pairs.";

        bool Fits(CrnArchitecture candidate, int batch) => OfTraining(candidate, batch, pairs).Total <= available;

        CrnArchitecture? Halve(CrnArchitecture candidate, Func<CrnArchitecture, CrnArchitecture?> half, int most)
        {
            for (var next = half(candidate); next is not null && most > 0; next = half(next), most--)
                if (Fits(next, batchSize))
                    return next;
            return null;
        }
    }

    private static CrnArchitecture? Narrower(CrnArchitecture wide) =>
        wide.WidthFactor / 2 >= 1.0 / 64 ? wide with { WidthFactor = wide.WidthFactor / 2 } : null;

    private static CrnArchitecture? Smaller(CrnArchitecture large) =>
        Math.Min(large.Height, large.Width) / 2 >= CrnArchitecture.MinimumSize ? large with { Height = large.Height / 2, Width = large.Width / 2 } : null;

    /// <summary>Bytes as people read them: <c>380 MiB</c>, <c>1.5 GiB</c>.</summary>
    public static string Show(long bytes)
    {
        string[] units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        double value = bytes;
        int unit = 0;
        for (; value >= 1000 && unit < units.Length - 1; unit++)
            value /= 1024;
        return value.ToString(value < 10 && unit > 0 ? "0.0" : "0", CultureInfo.InvariantCulture) + " " + units[unit];
    }

    private static string Size(CrnArchitecture architecture) =>
        FormattableString.Invariant($"{architecture.Height}x{architecture.Width}, width factor {architecture.WidthFactor:0.####},");

    private static long Noise(CrnArchitecture architecture) =>
        architecture.NoiseChannels * architecture.Modules().Sum(module => (long)module.Rows * module.Columns);
}
