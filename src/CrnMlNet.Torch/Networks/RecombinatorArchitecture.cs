namespace CrnMlNet.Torch.Networks;

/// <summary>
/// What a <see cref="RecombinatorNetwork"/> looks like: the resolutions of the cascade of the same size, and at each of them its number of
/// maps. Noise goes to its first layer.
/// </summary>
public sealed record RecombinatorArchitecture : SynthesisArchitecture
{
    /// <inheritdoc/>
    public override NetworkKind Kind => NetworkKind.Recombinator;

    internal override string Name => "Recombinator network";

    /// <inheritdoc/>
    public override SynthesisNetwork Build(ulong seed = 0) => new RecombinatorNetwork(this, seed);

    /// <summary>The branches, coarsest first.</summary>
    internal IReadOnlyList<ModuleShape> Branches() =>
        new CrnArchitecture { Channels = Channels, Height = Height, Width = Width, WidthFactor = WidthFactor, NoiseChannels = NoiseChannels, ImagesPerLayout = ImagesPerLayout }.Modules();

    internal override IReadOnlyList<ConvolutionShape> Convolutions()
    {
        var branches = Branches();
        return
        [
            .. branches.Select((branch, i) => new ConvolutionShape(
                branch.Rows, branch.Columns, i == branches.Count - 1 ? InputChannels : branches[i + 1].Features, branch.Features, 3, Follows.Normalisation)).Reverse(),
            .. branches.SelectMany(branch => new[]
            {
                new ConvolutionShape(branch.Rows, branch.Columns, branch.InputFeatures + branch.Features, branch.Features, 3, Follows.Normalisation),
                new ConvolutionShape(branch.Rows, branch.Columns, branch.Features, branch.Features, 3, Follows.Normalisation),
            }),
            new ConvolutionShape(branches[^1].Rows, branches[^1].Columns, branches[^1].Features, OutputPlanes, 1, Follows.Bias),
        ];
    }
}
