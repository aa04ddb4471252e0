namespace CrnMlNet.Torch.Networks;

/// <summary>What a network looks like that paints k images of a layout: everything that is needed to build it again.</summary>
public abstract record SynthesisArchitecture
{
    /// <summary>The least height and width of a synthesized image, in pixels.</summary>
    public const int MinimumSize = 16;

    /// <summary>The greatest height and width of a synthesized image, in pixels.</summary>
    public const int MaximumSize = 8192;

    private protected SynthesisArchitecture()
    {
    }

    /// <summary>Which kind of network it is.</summary>
    public abstract NetworkKind Kind { get; }

    /// <summary>c, the channels of the semantic layout: the classes, void included.</summary>
    public required int Channels { get; init; }

    /// <summary>The synthesized image's height in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>The synthesized image's width in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>k, how many images are synthesized for a layout: 9 in the authors' networks that are to be diverse, otherwise 1.</summary>
    public int ImagesPerLayout { get; init; } = 1;

    /// <summary>
    /// Factor on the number of feature maps everywhere; 1 is the published network. Compute and memory grow with its square.
    /// </summary>
    public double WidthFactor { get; init; } = 1;

    /// <summary>
    /// Channels of fixed noise that the network gets beside the layout; 0 in the published networks. Noise gives texture
    /// something to grow from where a layout is flat.
    /// </summary>
    public int NoiseChannels { get; init; }

    /// <summary>The kind in words, for logs and messages.</summary>
    internal abstract string Name { get; }

    /// <summary>Whether the network is a <see cref="ChainedNetwork"/>, so that gradient checkpointing is possible.</summary>
    internal virtual bool IsChain => false;

    /// <summary>The channels that the network gets: the layout's, and noise.</summary>
    internal int InputChannels => Channels + NoiseChannels;

    /// <summary>How many planes the head gives: red of all images, then green, then blue.</summary>
    internal int OutputPlanes => 3 * ImagesPerLayout;

    /// <summary>An architecture of a kind.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="channels">c.</param>
    /// <param name="height">The height in pixels.</param>
    /// <param name="width">The width in pixels.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    public static SynthesisArchitecture Of(NetworkKind kind, int channels, int height, int width) => kind switch
    {
        NetworkKind.CascadedRefinement => new CrnArchitecture { Channels = channels, Height = height, Width = width },
        NetworkKind.FullResolution => new FullResolutionArchitecture { Channels = channels, Height = height, Width = width },
        NetworkKind.UNet => new UNetArchitecture { Channels = channels, Height = height, Width = width },
        NetworkKind.Recombinator => new RecombinatorArchitecture { Channels = channels, Height = height, Width = width },
        NetworkKind.Pix2Pix => new Pix2PixArchitecture { Channels = channels, Height = height, Width = width },
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, $"The network must be one of {string.Join(", ", Enum.GetNames<NetworkKind>())}."),
    };

    /// <summary>How many numbers such a network learns, without building it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    public long ParameterCount() => Convolutions().Sum(convolution => convolution.Parameters);

    /// <summary>Builds it.</summary>
    /// <param name="seed">Seeds the weights; the same seed gives the same weights.</param>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    public abstract SynthesisNetwork Build(ulong seed = 0);

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
        ValidateKind();
    }

    /// <summary>Checks what such a network alone has.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    private protected virtual void ValidateKind()
    {
    }

    /// <summary>The network's convolutions, the head last.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    internal abstract IReadOnlyList<ConvolutionShape> Convolutions();

    /// <summary>A published number of feature maps times the width factor: the nearest multiple of 8, at least 8.</summary>
    internal int Scaled(int features) => Math.Max(8, (int)Math.Round(features * WidthFactor / 8) * 8);

    private static void CheckSize(string name, int value)
    {
        if (value is < MinimumSize or > MaximumSize)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be from {MinimumSize} to {MaximumSize} pixels.");
    }
}
