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
public sealed record MemoryEstimate(string What, long Pairs, long Weights, long Activations)
{
    private const int BytesPerNumber = sizeof(float);

    /// <summary>Weights, gradients, and Adam's two moments.</summary>
    private const int NumbersPerTrainedWeight = 4;

    /// <summary>An estimate is within 30%, so what is above the machine's memory by more than this cannot fit.</summary>
    private const double Tolerance = 1.3;

    /// <summary>All of it.</summary>
    public long Total => Pairs + Weights + Activations;

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
            // The two convolutions' inputs, and each convolution and normalisation before what follows it.
            kept += pixels * (module.InputFeatures + labels + architecture.Channels + KeptMaps * module.Features);
            passing = Math.Max(passing, pixels * (module.InputFeatures + labels + PassingMaps * module.Features));
        }
        double size = (double)architecture.Height * architecture.Width;
        double perceived = size * (architecture.Channels + PerceivedMaps);
        return new MemoryEstimate(
            $"Training at {Size(architecture)} with batches of {batchSize}",
            (long)(pairs * size * TrainingPairs.BytesPerPixel),
            BytesPerNumber * (NumbersPerTrainedWeight * architecture.ParameterCount() + Noise(architecture)),
            (long)(BytesPerNumber * batchSize * (kept + passing + perceived)));
    }

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
            (long)(BytesPerNumber * batchSize * (kept + passing)));
    }

    /// <summary>Refuses what is far above the memory that this process can have, before any of it is taken.</summary>
    /// <param name="remedy">What to do about it, as a sentence; null for none.</param>
    /// <exception cref="InsufficientMemoryException">The estimate is far above <see cref="Available"/>.</exception>
    public void CheckRoom(string? remedy = null) => CheckRoom(Available, remedy);

    internal void CheckRoom(long available, string? remedy)
    {
        if (!Fits(available))
            throw new InsufficientMemoryException($"{What} would take about {Show(Total)} of memory; {Show(available)} are there. {remedy}".TrimEnd());
    }

    internal bool Fits(long available) => Total <= available * Tolerance;

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

    private const double KeptMaps = 6;
    private const double PassingMaps = 3;
    private const double PerceivedMaps = 160;
}
