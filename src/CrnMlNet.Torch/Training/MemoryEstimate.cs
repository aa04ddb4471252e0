using System.Globalization;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// How much memory a training or a synthesis will take, in bytes, known before it begins: what it adds to a process in which
/// libtorch already runs. Within 30% of what is then used.
/// </summary>
/// <param name="What">What takes the memory, for messages.</param>
/// <param name="Pairs">Bytes of the pairs to learn from.</param>
/// <param name="Weights">Bytes of the weights and, in training, of their gradients, of Adam's two moments, of the best ones so far, and of their average.</param>
/// <param name="Activations">Bytes of feature maps: in training all that the backward pass needs.</param>
/// <param name="PhotoFeatures">Bytes of what is kept of the perception network's view of photos.</param>
/// <param name="Slack">Bytes that are taken whatever the size.</param>
/// <remarks>
/// The numbers of maps follow from the network; that they suffice was measured, as the growth of a process' peak.
/// </remarks>
public sealed record MemoryEstimate(string What, long Pairs, long Weights, long Activations, long PhotoFeatures, long Slack)
{
    private const int BytesPerNumber = sizeof(float);

    /// <summary>Weights, gradients, Adam's two moments, and what a step passes through in making them.</summary>
    private const int NumbersPerTrainedWeight = 5;

    /// <summary>d_i that the backward pass keeps in a module: what both convolutions gave, and both normalisations, of which leaky ReLUs take the place.</summary>
    private const int KeptMaps = 4;

    /// <summary>d_i in a module at once that paints.</summary>
    private const int PaintedMaps = 6;

    /// <summary>d_i that the backward pass keeps of a module's modulations beside: what is normalised, gains and their product with it, twice.</summary>
    private const int ModulatingMaps = 4;

    /// <summary>d_i of gradients in a module at once.</summary>
    private const int PassingMaps = 3;

    /// <summary>Maps of the photo's size around the perception network, and in it for the photo.</summary>
    private const int PerceivedMaps = 40;

    /// <summary>Maps of the photo's size in the perception network for each synthesized image: 24 filters, kept twice and passing, and so on.</summary>
    private const int PerceivedMapsOfAnImage = 150;

    /// <summary>An image's three planes, as the head gives them and while they are scaled.</summary>
    private const int MapsOfAnImage = 9;

    /// <summary>Maps of the photo's size in VGG-19 and around it for each synthesized image: what the backward pass keeps of its convolutions, the photo's taps, and what is passing.</summary>
    private const int MapsInVgg19 = 800;

    /// <summary>Maps of the photo's size in a self-taught perception network for each synthesized image.</summary>
    private const int MapsInSelfTaught = 200;

    /// <summary>Maps of the photo's size around an image that is compared as it is.</summary>
    private const int ComparedMapsOfAnImage = 20;

    /// <summary>Maps of the photo's size in the segmentation network and around it for each synthesized image.</summary>
    private const int MapsInSegmenter = 400;

    /// <summary>Maps of the photo's size in the comparison of textures, for each synthesized image and for the photo: the filters' at the finest scale, and their gradients.</summary>
    private const int MapsInTexture = 120;

    /// <summary>Numbers that the segmentation network learns, about.</summary>
    private const long SegmenterParameters = 1_950_000;

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
    public long Total => Pairs + Weights + Activations + PhotoFeatures + Slack;

    /// <summary>The memory that this process can have: the machine's, or the container's if that is less.</summary>
    public static long Available => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>The memory that <see cref="Trainer.Train"/> takes, the perception network included.</summary>
    /// <param name="architecture">The network.</param>
    /// <param name="options">How it is trained.</param>
    /// <param name="pairs">Pairs to learn from, and to validate on.</param>
    /// <param name="validates">Whether there is a validation set, and so a copy of the best weights.</param>
    /// <param name="perception">What the photos are compared in; null: the bank of frequency filters.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public static MemoryEstimate OfTraining(SynthesisArchitecture architecture, TrainingOptions options, int pairs, bool validates, IPerceptionNetwork? perception = null)
    {
        var objective = options.Objective;
        var (kept, passing) = architecture is CrnArchitecture cascade ? OfCascade(cascade, options) : OfConvolutions(architecture.Convolutions());
        IReadOnlyList<ConvolutionShape> discriminator = objective.Adversarial > 0 ? Discriminator.Convolutions(objective.Discriminator, architecture) : [];
        double size = (double)architecture.Height * architecture.Width;
        double judged = size * PerceivedMapsOf(objective, perception, architecture.ImagesPerLayout) + OfDiscriminator(discriminator, architecture.ImagesPerLayout);
        // With checkpointing all that judges the images is done when the modules run again.
        double most = options.GradientCheckpointing ? Math.Max(passing, judged) : passing + judged;
        long learning = (architecture as CrnArchitecture)?.ParameterCount(options.NewestModules) ?? architecture.ParameterCount(), resting = architecture.ParameterCount() - learning;
        learning += discriminator.Sum(convolution => convolution.Parameters);
        resting += (perception as Vgg19)?.Weights.Values.Sum(weight => weight.numel()) ?? 0;
        resting += objective.Segmentation > 0 ? NumbersPerTrainedWeight * SegmenterParameters : 0;
        return new MemoryEstimate(
            $"Training at {Size(architecture)} with batches of {options.BatchSize}{(options.GradientCheckpointing ? " and gradient checkpointing" : "")}",
            (long)(pairs * size * TrainingPairs.BytesPerPixel),
            BytesPerNumber * ((NumbersPerTrainedWeight + (validates ? 1 : 0) + (options.AverageDecay > 0 ? 1 : 0)) * learning + resting + Noise(architecture)),
            (long)(Holes * BytesPerNumber * options.BatchSize * (kept + most + size * architecture.Channels)),
            options.Objective.Comparison == Comparison.Features ? Math.Min(options.PhotoFeatureMemory, (long)(pairs * (options.Mirror ? 2 : 1) * size * BytesPerNumber * MapsOfAPhoto(perception))) : 0,
            TrainingSlack);
    }

    /// <summary>Numbers in the feature maps of a training step for a pair: those kept for the backward pass, and those passing beside them.</summary>
    private static (double Kept, double Passing) OfCascade(CrnArchitecture architecture, TrainingOptions options)
    {
        var modules = architecture.Modules();
        int labels = architecture.InputChannels, keptMaps = KeptMaps + (architecture.Modulation == Modulation.None ? 0 : ModulatingMaps);
        int shared = architecture.Modulation == Modulation.Spade ? 2 * 2 * architecture.Scaled(LayoutModulation.SharedMaps) : 0;
        int firstLearning = modules.Count - Math.Min(options.NewestModules ?? modules.Count, modules.Count);
        double kept = 0, passing = 0;
        for (int i = 0; i < modules.Count; i++)
        {
            var module = modules[i];
            double pixels = (double)module.Rows * module.Columns;
            int input = module.InputFeatures + labels;
            // The layouts.
            kept += pixels * (module == modules[^1] ? 0 : architecture.Channels);
            if (i < firstLearning)
            {
                kept += pixels * module.Features;
                passing = Math.Max(passing, pixels * (module.InputFeatures + input + PassingMaps * module.Features));
            }
            else if (options.GradientCheckpointing)
            {
                kept += pixels * module.Features;
                passing = Math.Max(passing, pixels * (module.InputFeatures + input + shared + (keptMaps + PassingMaps) * module.Features));
            }
            else
            {
                // The two convolutions' inputs, and each convolution and normalisation before what follows it.
                kept += pixels * (input + shared + keptMaps * module.Features);
                passing = Math.Max(passing, pixels * (input + PassingMaps * module.Features));
            }
        }
        return (kept, passing);
    }

    /// <summary>The same of any network, roughly: of each convolution its maps, and what follows them; and its input where that is put together first.</summary>
    private static (double Kept, double Passing) OfConvolutions(IReadOnlyList<ConvolutionShape> convolutions)
    {
        double kept = 0, passing = 0;
        int before = 0;
        foreach (var convolution in convolutions)
        {
            int joined = convolution.Inputs > before ? convolution.Inputs : 0;
            kept += convolution.Pixels * (joined + KeptMaps / 2.0 * convolution.Outputs);
            passing = Math.Max(passing, convolution.Pixels * (convolution.Inputs + PassingMaps * convolution.Outputs));
            before = convolution.Outputs;
        }
        return (kept, passing);
    }

    /// <summary>Numbers in the feature maps of a discriminator while it learns from a photo and the images beside.</summary>
    private static double OfDiscriminator(IReadOnlyList<ConvolutionShape> convolutions, int images)
    {
        var (kept, passing) = OfConvolutions(convolutions);
        return (1 + images) * (kept + passing);
    }

    /// <summary>The memory that a network takes for synthesizing, once its weights are there: for weights and one step.</summary>
    /// <param name="architecture">The network.</param>
    /// <param name="batchSize">Layouts in a step.</param>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public static MemoryEstimate OfSynthesis(SynthesisArchitecture architecture, int batchSize = 1)
    {
        var (kept, passing) = architecture is CrnArchitecture cascade ? PaintingOfCascade(cascade) : PaintingOfConvolutions(architecture);
        // The first image is within what is measured.
        kept += (double)architecture.Height * architecture.Width * MapsOfAnImage * (architecture.ImagesPerLayout - 1);
        return new MemoryEstimate(
            $"Synthesis at {Size(architecture)}",
            0,
            BytesPerNumber * (architecture.ParameterCount() + Noise(architecture)),
            (long)(Holes * BytesPerNumber * batchSize * (kept + passing)),
            0,
            SynthesisSlack);
    }

    private static (double Kept, double Passing) PaintingOfCascade(CrnArchitecture architecture)
    {
        int labels = architecture.InputChannels, paintedMaps = PaintedMaps + (architecture.Modulation == Modulation.None ? 0 : ModulatingMaps);
        double kept = 0, passing = 0;
        foreach (var module in architecture.Modules())
        {
            double pixels = (double)module.Rows * module.Columns;
            kept += pixels * (architecture.Channels + labels + module.Features);
            passing = Math.Max(passing, pixels * (2 * module.InputFeatures + labels + paintedMaps * module.Features));
        }
        return (kept, passing);
    }

    /// <summary>Roughly: what one convolution passes, and the maps that skip it, which are at most half as many as are put together.</summary>
    private static (double Kept, double Passing) PaintingOfConvolutions(SynthesisArchitecture architecture)
    {
        double kept = (double)architecture.Height * architecture.Width * (architecture.Channels + architecture.InputChannels), passing = 0;
        int before = 0;
        foreach (var convolution in architecture.Convolutions())
        {
            kept += convolution.Inputs > before ? convolution.Pixels * convolution.Inputs / 2 : 0;
            passing = Math.Max(passing, convolution.Pixels * (convolution.Inputs + PassingMaps * convolution.Outputs));
            before = convolution.Outputs;
        }
        return (kept, passing);
    }

    /// <summary>Refuses a training that is far above the memory that this process can have, before any of it is taken.</summary>
    /// <param name="architecture">The network.</param>
    /// <param name="options">How it is trained.</param>
    /// <param name="pairs">Pairs to learn from, and to validate on.</param>
    /// <param name="validates">Whether there is a validation set.</param>
    /// <param name="perception">What the photos are compared in; null: the bank of frequency filters.</param>
    /// <exception cref="InsufficientMemoryException">It is; the message says what would fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public static void CheckTraining(SynthesisArchitecture architecture, TrainingOptions options, int pairs, bool validates, IPerceptionNetwork? perception = null) =>
        OfTraining(architecture, options, pairs, validates, perception).CheckRoom(Available, available => TrainingThatFits(architecture, options, pairs, validates, available, perception));

    /// <summary>Refuses a network that is far above the memory that this process can have, before any of it is taken.</summary>
    /// <param name="architecture">The network.</param>
    /// <exception cref="InsufficientMemoryException">It is.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The architecture is out of range.</exception>
    public static void CheckSynthesis(SynthesisArchitecture architecture) =>
        OfSynthesis(architecture).CheckRoom(Available, _ => "Use a machine with more memory, or train a smaller model.");

    internal void CheckRoom(long available, Func<long, string> remedy)
    {
        if (Total > available * Tolerance)
            throw new InsufficientMemoryException($"{What} takes about {Show(Total)} of memory, and {Show(available)} are there. {remedy(available)}");
    }

    /// <summary>Each way by itself to make a training fit, by halving a few times; or all of them together.</summary>
    internal static string TrainingThatFits(SynthesisArchitecture architecture, TrainingOptions options, int pairs, bool validates, long available, IPerceptionNetwork? perception = null)
    {
        var ways = new List<string>();
        bool canCheckpoint = architecture.IsChain;
        if (canCheckpoint && Fits(architecture, options with { GradientCheckpointing = true }))
            ways.Add("gradient checkpointing");
        int smaller = options.BatchSize / 2;
        while (smaller >= 1 && !Fits(architecture, options with { BatchSize = smaller }))
            smaller /= 2;
        if (smaller >= 1)
            ways.Add($"batches of {smaller}");
        if (Halve(architecture, Narrower, FewHalvings) is { } narrow)
            ways.Add(FormattableString.Invariant($"width factor {narrow.WidthFactor:0.####}"));
        if (Halve(architecture, Smaller, FewHalvings) is { } small)
            ways.Add($"{small.Height}x{small.Width}");
        if (ways.Count > 0)
            return $"This would fit: {string.Join(", or ", ways)}.";

        options = options with { BatchSize = 1, GradientCheckpointing = canCheckpoint };
        return Halve(architecture with { WidthFactor = Math.Min(architecture.WidthFactor, NarrowWidth) }, Smaller, int.MaxValue) is { } both
            ? FormattableString.Invariant($"This would fit: {both.Height}x{both.Width} with width factor {both.WidthFactor:0.####}{(canCheckpoint ? ", batches of 1 and gradient checkpointing" : " and batches of 1")}.")
            : "Learn from fewer pairs.";

        bool Fits(SynthesisArchitecture candidate, TrainingOptions way) => OfTraining(candidate, way, pairs, validates, perception).Total <= available;

        SynthesisArchitecture? Halve(SynthesisArchitecture candidate, Func<SynthesisArchitecture, SynthesisArchitecture?> half, int most)
        {
            for (var next = half(candidate); next is not null && most > 0; next = half(next), most--)
                if (Fits(next, options))
                    return next;
            return null;
        }
    }

    private static SynthesisArchitecture? Narrower(SynthesisArchitecture wide) =>
        wide.WidthFactor / 2 >= 1.0 / 64 ? wide with { WidthFactor = wide.WidthFactor / 2 } : null;

    private static SynthesisArchitecture? Smaller(SynthesisArchitecture large) =>
        Math.Min(large.Height, large.Width) / 2 >= SynthesisArchitecture.MinimumSize ? large with { Height = large.Height / 2, Width = large.Width / 2 } : null;

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

    private static int PerceivedMapsOf(Objective objective, IPerceptionNetwork? perception, int images)
    {
        int segmented = objective.Segmentation > 0 ? images * MapsInSegmenter : 0;
        int textured = objective.Texture > 0 ? images * MapsInTexture : 0;
        return segmented + textured + (objective.Comparison != Comparison.Features ? images * ComparedMapsOfAnImage
            : MapsOf(perception, images));
    }

    /// <summary>Maps of the photo's size that a photo's taps fill.</summary>
    private static double MapsOfAPhoto(IPerceptionNetwork? perception) => perception switch
    {
        Vgg19 => 64 + 128 / 4.0 + 256 / 16.0 + 512 / 64.0 + 512 / 256.0,
        SelfTaughtPerception => 16 + 32 / 4.0 + 64 / 16.0 + 128 / 64.0,
        CombinedPerception combined => combined.Parts.Sum(MapsOfAPhoto),
        _ => 24 / 4.0 * (1 + 1 / 4.0 + 1 / 16.0 + 1 / 64.0) + 3 / 16.0,
    };

    private static int MapsOf(IPerceptionNetwork? perception, int images) => perception switch
    {
        Vgg19 => images * MapsInVgg19,
        SelfTaughtPerception => PerceivedMaps + images * MapsInSelfTaught,
        CombinedPerception combined => combined.Parts.Sum(part => MapsOf(part, images)),
        _ => PerceivedMaps + images * PerceivedMapsOfAnImage,
    };

    private static string Size(SynthesisArchitecture architecture) =>
        FormattableString.Invariant($"{architecture.Height}x{architecture.Width}, width factor {architecture.WidthFactor:0.####},");

    // Of the cascade every module's; otherwise the finest resolution's is nearly all there can be.
    private static long Noise(SynthesisArchitecture architecture) => architecture.NoiseChannels * (architecture is CrnArchitecture cascade
        ? cascade.Modules().Sum(module => (long)module.Rows * module.Columns)
        : 2L * architecture.Height * architecture.Width);
}
