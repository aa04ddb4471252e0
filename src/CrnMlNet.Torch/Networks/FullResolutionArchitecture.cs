namespace CrnMlNet.Torch.Networks;

/// <summary>What a <see cref="FullResolutionNetwork"/> looks like; noise goes to its first layer.</summary>
public sealed record FullResolutionArchitecture : SynthesisArchitecture
{
    private const int Layers = 10;
    private const int PublishedFeatures = 256;
    private const int LargestDilation = 128;

    /// <inheritdoc/>
    public override NetworkKind Kind => NetworkKind.FullResolution;

    internal override string Name => "full-resolution network";

    internal override bool IsChain => true;

    /// <summary>Feature maps of every layer.</summary>
    internal int Features => Scaled(PublishedFeatures);

    /// <summary>
    /// Each layer's dilation: half of the image's shorter side or the power of two below, at most 128; then half of that and so on; 1 in
    /// all layers that are left. At 256x512: 128, 64, 32, 16, 8, 4, 2, 1, 1, 1.
    /// </summary>
    public IReadOnlyList<int> Dilations()
    {
        Validate();
        int first = LargestDilation;
        while (first > Math.Min(Height, Width) / 2)
            first /= 2;
        return [.. Enumerable.Range(0, Layers).Select(layer => Math.Max(1, first >> layer))];
    }

    /// <inheritdoc/>
    public override SynthesisNetwork Build(ulong seed = 0) => new FullResolutionNetwork(this, seed);

    internal override IReadOnlyList<ConvolutionShape> Convolutions() =>
    [
        .. Dilations().Select((_, layer) => new ConvolutionShape(Height, Width, layer == 0 ? InputChannels : Features, Features, 3, Follows.Normalisation)),
        new ConvolutionShape(Height, Width, Features, OutputPlanes, 1, Follows.Bias),
    ];
}
