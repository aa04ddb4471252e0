namespace CrnMlNet.Torch.Networks;

/// <summary>One refinement module's place in the cascade.</summary>
/// <param name="Rows">The resolution it works at: rows.</param>
/// <param name="Columns">The resolution it works at: columns.</param>
/// <param name="InputFeatures">Feature maps that come from the module before, 0 for the first.</param>
/// <param name="Features">d_i, the feature maps that it makes.</param>
public sealed record ModuleShape(int Rows, int Columns, int InputFeatures, int Features);

/// <summary>
/// What a Cascaded Refinement Network looks like. The first module works on a base cell of a few pixels that has the aspect
/// of the target, each further one at twice the resolution, until the target is covered; what lies over is cropped (paper,
/// section 3). At <see cref="SynthesisArchitecture.WidthFactor"/> 1 it is the authors' network, with 1024 maps in the first
/// five modules; noise goes to every module.
/// </summary>
public sealed record CrnArchitecture : SynthesisArchitecture
{
    internal const int SmallestBase = 3;
    internal const int LargestBase = 7;

    /// <inheritdoc/>
    public override NetworkKind Kind => NetworkKind.CascadedRefinement;

    /// <summary>What scales and shifts the maps after they were normalised; <see cref="Modulation.None"/> in the published networks.</summary>
    public Modulation Modulation { get; init; }

    internal override string Name => "cascaded refinement network";

    internal override bool IsChain => true;

    /// <summary>The modules, coarsest first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    public IReadOnlyList<ModuleShape> Modules()
    {
        Validate();
        var (rows, columns, doublings) = BaseCell.Covering(Height, Width, SmallestBase, LargestBase);
        var modules = new ModuleShape[doublings + 1];
        int features = 0;
        for (int i = 0; i <= doublings; i++)
        {
            modules[i] = new ModuleShape(rows << i, columns << i, features, FeaturesOf(i));
            features = modules[i].Features;
        }
        return modules;
    }

    /// <summary>How many numbers such a network learns when only some modules do, without building it.</summary>
    /// <param name="newestModules">How many of its modules learn beside the head, counted from the finest one; null: all.</param>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    public long ParameterCount(int? newestModules)
    {
        var convolutions = Convolutions();
        return convolutions.Skip(FirstLearning(convolutions.Count, newestModules)).Sum(convolution => convolution.Parameters);
    }

    /// <inheritdoc/>
    public override SynthesisNetwork Build(ulong seed = 0) => new CascadedRefinementNetwork(this, seed);

    /// <summary>Multiplications in a training step for a pair: once forward, and back once to the weights that learn and once to the maps before them.</summary>
    internal double TrainingWork(int? newestModules)
    {
        var convolutions = Convolutions();
        int first = FirstLearning(convolutions.Count, newestModules);
        return convolutions.Select((convolution, i) => convolution.Work * (i < first ? 1 : 3)).Sum();
    }

    private protected override void ValidateKind()
    {
        if (!Enum.IsDefined(Modulation))
            throw new ArgumentOutOfRangeException(nameof(Modulation), Modulation, $"The modulation must be one of {string.Join(", ", Enum.GetNames<Modulation>())}.");
    }

    internal override IReadOnlyList<ConvolutionShape> Convolutions()
    {
        var modules = Modules();
        var finest = modules[^1];
        return
        [
            .. modules.SelectMany(module => Half(module, module.InputFeatures + InputChannels).Concat(Half(module, module.Features))),
            new ConvolutionShape(finest.Rows, finest.Columns, finest.Features, OutputPlanes, 1, Follows.Bias),
        ];
    }

    /// <summary>A convolution of a module, and what follows it.</summary>
    private IEnumerable<ConvolutionShape> Half(ModuleShape module, int inputs) => LayoutModulation.Convolutions(this, module).Prepend(
        new ConvolutionShape(module.Rows, module.Columns, inputs, module.Features, 3, Modulation == Modulation.None ? Follows.Normalisation : Follows.Nothing));

    // Two halves in each module, and the head.
    private int FirstLearning(int convolutions, int? newestModules) =>
        newestModules is { } newest ? Math.Max(0, convolutions - 1 - 2 * newest * (1 + LayoutModulation.Convolutions(this, Modules()[0]).Count())) : 0;

    /// <summary>d_i of the authors' networks: 1024 up to the fifth module, 512 for two more, then 128, then 32.</summary>
    private int FeaturesOf(int module) => Scaled(module switch { < 5 => 1024, < 7 => 512, 7 => 128, _ => 32 });
}
