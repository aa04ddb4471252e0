namespace CrnMlNet.Torch.Networks;

/// <summary>
/// What a <see cref="UNet"/> looks like: as many resolutions as the cascade of the same size, with 64 maps at the finest one and twice as
/// many at each coarser one, up to 1024. Noise goes to its first layer.
/// </summary>
public sealed record UNetArchitecture : SynthesisArchitecture
{
    private const int FinestFeatures = 64;
    private const int MostFeatures = 1024;

    /// <inheritdoc/>
    public override NetworkKind Kind => NetworkKind.UNet;

    internal override string Name => "U-Net";

    /// <inheritdoc/>
    public override SynthesisNetwork Build(ulong seed = 0) => new UNet(this, seed);

    /// <summary>The resolutions, finest first, and their feature maps.</summary>
    internal IReadOnlyList<ModuleShape> Levels()
    {
        Validate();
        var (rows, columns, doublings) = BaseCell.Covering(Height, Width, CrnArchitecture.SmallestBase, CrnArchitecture.LargestBase);
        return [.. Enumerable.Range(0, doublings + 1).Select(level => new ModuleShape(
            rows << doublings - level, columns << doublings - level, level == 0 ? InputChannels : FeaturesOf(level - 1), FeaturesOf(level)))];
    }

    internal override IReadOnlyList<ConvolutionShape> Convolutions()
    {
        var levels = Levels();
        return
        [
            .. levels.SelectMany(level => Two(level, level.InputFeatures)),
            .. levels.SkipLast(1).Zip(levels.Skip(1)).Reverse().SelectMany(pair => new[]
            {
                new ConvolutionShape(pair.Second.Rows, pair.Second.Columns, pair.Second.Features, pair.First.Features, 2, Follows.Bias),
            }.Concat(Two(pair.First, 2 * pair.First.Features))),
            new ConvolutionShape(levels[0].Rows, levels[0].Columns, levels[0].Features, OutputPlanes, 1, Follows.Bias),
        ];
    }

    private static IEnumerable<ConvolutionShape> Two(ModuleShape level, int inputs) =>
    [
        new ConvolutionShape(level.Rows, level.Columns, inputs, level.Features, 3, Follows.Normalisation),
        new ConvolutionShape(level.Rows, level.Columns, level.Features, level.Features, 3, Follows.Normalisation),
    ];

    private int FeaturesOf(int level) => Scaled((int)Math.Min(MostFeatures, (long)FinestFeatures << level));
}
