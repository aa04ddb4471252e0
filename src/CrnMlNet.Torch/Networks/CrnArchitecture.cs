namespace CrnMlNet.Torch.Networks;

/// <summary>One refinement module's place in the cascade.</summary>
/// <param name="Rows">The resolution it works at: rows.</param>
/// <param name="Columns">The resolution it works at: columns.</param>
/// <param name="InputFeatures">Feature maps that come from the module before, 0 for the first.</param>
/// <param name="Features">d_i, the feature maps that it makes.</param>
public sealed record ModuleShape(int Rows, int Columns, int InputFeatures, int Features);

/// <summary>
/// What a Cascaded Refinement Network looks like: everything that is needed to build it again. The first module works on
/// a base cell of a few pixels that has the aspect of the target, each further one at twice the resolution, until the
/// target is covered; what lies over is cropped (paper, section 3).
/// </summary>
public sealed record CrnArchitecture
{
    /// <summary>The least height and width of a synthesized image, in pixels.</summary>
    public const int MinimumSize = 16;

    /// <summary>The greatest height and width of a synthesized image, in pixels.</summary>
    public const int MaximumSize = 8192;

    private const int SmallestBase = 3;
    private const int LargestBase = 7;

    /// <summary>c, the channels of the semantic layout: the classes, void included.</summary>
    public required int Channels { get; init; }

    /// <summary>The synthesized image's height in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>The synthesized image's width in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>k, how many images are synthesized for a layout: 9 in the authors' networks that are to be diverse, otherwise 1.</summary>
    public int ImagesPerLayout { get; init; } = 1;

    /// <summary>
    /// Factor on the number of feature maps of every module; 1 is the authors' network (1024 maps in the first five
    /// modules). Compute and memory grow with its square.
    /// </summary>
    public double WidthFactor { get; init; } = 1;

    /// <summary>
    /// Channels of fixed noise that every module gets beside the layout; 0 in the authors' network. Noise gives texture
    /// something to grow from where a layout is flat.
    /// </summary>
    public int NoiseChannels { get; init; }

    /// <summary>The modules, coarsest first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    public IReadOnlyList<ModuleShape> Modules()
    {
        Validate();
        var (rows, columns, doublings) = Cascade();
        var modules = new ModuleShape[doublings + 1];
        int features = 0;
        for (int i = 0; i <= doublings; i++)
        {
            modules[i] = new ModuleShape(rows << i, columns << i, features, FeaturesOf(i));
            features = modules[i].Features;
        }
        return modules;
    }

    /// <summary>How many numbers such a network learns, without building it.</summary>
    /// <param name="newestModules">How many of its modules learn beside the head, counted from the finest one; null: all.</param>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    public long ParameterCount(int? newestModules = null)
    {
        var modules = Modules();
        long head = 3L * ImagesPerLayout * (modules[^1].Features + 1);
        return head + modules.TakeLast(newestModules ?? modules.Count).Sum(module =>
            9L * module.Features * (module.InputFeatures + Channels + NoiseChannels + module.Features) + 4L * module.Features);
    }

    /// <summary>Multiplications in a training step for a pair: once forward, and back once to the weights that learn and once to the maps before them.</summary>
    internal double TrainingWork(int? newestModules)
    {
        var modules = Modules();
        return modules.Select((module, i) => 9.0 * module.Rows * module.Columns * module.Features
            * (module.InputFeatures + Channels + NoiseChannels + module.Features)
            * (modules.Count - i <= (newestModules ?? modules.Count) ? 3 : 1)).Sum();
    }

    /// <summary>Checks every property.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range; the message says which range.</exception>
    public void Validate()
    {
        if (Channels is < 2 or > 65536)
            throw new ArgumentOutOfRangeException(nameof(Channels), Channels, "A layout has 2 to 65536 channels: at least one class and void.");
        CheckSize(nameof(Height), Height);
        CheckSize(nameof(Width), Width);
        if (Math.Max(Height, Width) > 64 * Math.Min(Height, Width))
            throw new ArgumentOutOfRangeException(nameof(Width), Width, $"{Height}x{Width} is too elongated: one side may be at most 64 times the other.");
        if (ImagesPerLayout is < 1 or > 64)
            throw new ArgumentOutOfRangeException(nameof(ImagesPerLayout), ImagesPerLayout, "1 to 64 images per layout can be synthesized.");
        if (NoiseChannels is < 0 or > 64)
            throw new ArgumentOutOfRangeException(nameof(NoiseChannels), NoiseChannels, "A module takes 0 to 64 channels of noise.");
        if (!(WidthFactor is >= 1.0 / 64 and <= 4))
            throw new ArgumentOutOfRangeException(nameof(WidthFactor), WidthFactor, "The width factor must be from 1/64 to 4; 1 is the paper's network.");
    }

    private static void CheckSize(string name, int value)
    {
        if (value is < MinimumSize or > MaximumSize)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be from {MinimumSize} to {MaximumSize} pixels.");
    }

    /// <summary>
    /// The base cell and the number of doublings that cover the target with the fewest pixels; among equals the smallest
    /// cell, so that the paper's 256x512 starts at 4x8 and 96x128 at 3x4.
    /// </summary>
    private (int Rows, int Columns, int Doublings) Cascade()
    {
        (int Rows, int Columns, int Doublings) best = default;
        long bestArea = long.MaxValue;
        int shortSide = Math.Min(Height, Width);
        for (int side = SmallestBase; side <= LargestBase; side++)
        {
            int doublings = 0;
            while (side << doublings < shortSide)
                doublings++;
            int rows = DivideUp(Height, 1 << doublings), columns = DivideUp(Width, 1 << doublings);
            if (Math.Min(rows, columns) < SmallestBase)
                continue;
            long area = ((long)rows << doublings) * ((long)columns << doublings);
            if (area < bestArea)
                (best, bestArea) = ((rows, columns, doublings), area);
        }
        return best;
    }

    private static int DivideUp(int value, int divisor) => (value + divisor - 1) / divisor;

    /// <summary>d_i of the authors' networks: 1024 up to the fifth module, 512 for two more, then 128, then 32.</summary>
    private int FeaturesOf(int module)
    {
        int features = module switch { < 5 => 1024, < 7 => 512, 7 => 128, _ => 32 };
        return Math.Max(8, (int)Math.Round(features * WidthFactor / 8) * 8);
    }
}
