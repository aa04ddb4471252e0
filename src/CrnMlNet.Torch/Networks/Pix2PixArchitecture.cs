namespace CrnMlNet.Torch.Networks;

/// <summary>
/// What a <see cref="Pix2PixGenerator"/> looks like: the image is halved until 1 to 3 pixels of its shorter side are left, at 256x256 eight
/// times, with 64, 128, 256 and then always 512 maps; what lies over the image on the way back is cropped. Noise goes to its first layer.
/// </summary>
public sealed record Pix2PixArchitecture : SynthesisArchitecture
{
    private const int SmallestBase = 1;
    private const int LargestBase = 3;
    private const int FinestFeatures = 64;
    private const int MostFeatures = 512;

    /// <inheritdoc/>
    public override NetworkKind Kind => NetworkKind.Pix2Pix;

    internal override string Name => "Pix2pix generator";

    /// <inheritdoc/>
    public override SynthesisNetwork Build(ulong seed = 0) => new Pix2PixGenerator(this, seed);

    /// <summary>What the halvings give, finest first: at each <see cref="ModuleShape.Features"/> maps of half the rows and columns of the one before.</summary>
    internal IReadOnlyList<ModuleShape> Halvings()
    {
        Validate();
        var (rows, columns, doublings) = BaseCell.Covering(Height, Width, SmallestBase, LargestBase);
        return [.. Enumerable.Range(0, doublings).Select(halving => new ModuleShape(
            rows << doublings - 1 - halving, columns << doublings - 1 - halving, halving == 0 ? InputChannels : FeaturesOf(halving - 1), FeaturesOf(halving)))];
    }

    internal override IReadOnlyList<ConvolutionShape> Convolutions()
    {
        var halvings = Halvings();
        int last = halvings.Count - 1;
        return
        [
            .. halvings.Select((halving, i) => new ConvolutionShape(
                halving.Rows, halving.Columns, halving.InputFeatures, halving.Features, Pix2PixGenerator.KernelSize, i == 0 || i == last ? Follows.Nothing : Follows.Normalisation)),
            .. Enumerable.Range(0, halvings.Count).Reverse().Select(i => new ConvolutionShape(
                halvings[i].Rows, halvings[i].Columns, (i == last ? 1 : 2) * halvings[i].Features, i == 0 ? OutputPlanes : halvings[i - 1].Features,
                Pix2PixGenerator.KernelSize, i == 0 ? Follows.Bias : Follows.Normalisation)),
        ];
    }

    private int FeaturesOf(int halving) => Scaled((int)Math.Min(MostFeatures, (long)FinestFeatures << halving));
}
