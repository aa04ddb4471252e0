using CrnMlNet.Torch.Backend;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>What a discriminator looks at.</summary>
public enum DiscriminatorKind
{
    /// <summary>Patches of the image beside those of its layout, each by itself: the PatchGAN of Pix2pix (Isola et al., CVPR 2017).</summary>
    Patches,

    /// <summary>Patches of the image, and of the image at half and a quarter of the resolution, each by a discriminator of its own: as in pix2pixHD (Wang et al., CVPR 2018).</summary>
    MultiScalePatches,

    /// <summary>
    /// Patches at several scales likewise, each judged by its class: whether it is a tree of a photo where the layout has trees, a wall's where it has walls. A projection discriminator
    /// (Miyato &amp; Koyama, ICLR 2018) of patches. Where all are judged by one measure, what is right for walls, upright and level edges, is soon drawn over trees, too.
    /// </summary>
    ClassPatches,

    /// <summary>The image as a whole, without its layout: the discriminator of DCGAN (Radford et al., ICLR 2016).</summary>
    WholeImage,
}

/// <summary>
/// Tells real photos from synthesized ones: 4x4 convolutions, all but the first and the last one normalised, with leaky ReLUs of slope 0.2
/// between them. Weights are drawn from N(0, 0.02), and scales from N(1, 0.02).
/// </summary>
/// <remarks>
/// <para>Of patches: three convolutions of stride 2 with 64, 128 and 256 maps, one of stride 1 with 512, and one to a logit for each place, which
/// sees 70x70 pixels; as <c>NLayerDiscriminator</c> in junyanz/pytorch-CycleGAN-and-pix2pix. An image of less than 24 pixels has less of stride 2.</para>
/// <para>Of patches at several scales: so at each, as long as the shorter side has 32 pixels there, of three scales at most.</para>
/// <para>Of patches by class: so at several scales, of twice as many maps, and with a logit for each class at each place, of which the layout takes the one of the class that is there; of several classes
/// their mean, weighted by how much of each is there.</para>
/// <para>Of whole images: convolutions of stride 2 with 64, 128, 256 and then always 512 maps, until the shorter side has 4 to 7 pixels,
/// and one of all that is left to one logit; as in DCGAN, which begins at 64x64.</para>
/// <para>Where those normalise by the statistics of the batch, here each map of each image is normalised by itself, as in Pix2pix with batches
/// of 1: a batch of real or of synthesized photos alone would otherwise give itself away.</para>
/// </remarks>
internal sealed class Discriminator : nn.Module<Tensor, Tensor, Tensor[]>
{
    private const int KernelSize = 4;
    private const int FirstMaps = 64;
    private const int MostMaps = 512;
    private const int WideningByClass = 2;
    private const int MostPatchHalvings = 3;
    private const int LeastPatchSide = 3;
    private const int WholeSide = 8;
    private const int LeastScaleSide = 32;
    private const int MostScales = 3;

    private readonly Conv2d[] _convolutions;
    private readonly GroupNorm?[] _norms;
    private readonly bool _seesLayout;
    private readonly bool _judgesByClass;
    private readonly Discriminator? _coarser;

    /// <param name="kind">What it looks at.</param>
    /// <param name="architecture">Whose images: their size, their layouts' channels, and the factor on the numbers of maps.</param>
    /// <param name="seed">Seeds the weights.</param>
    public Discriminator(DiscriminatorKind kind, SynthesisArchitecture architecture, ulong seed) : this(kind, Scales(kind, architecture), seed)
    {
    }

    private Discriminator(DiscriminatorKind kind, ReadOnlySpan<SynthesisArchitecture> scales, ulong seed) : base(nameof(Discriminator))
    {
        using var scope = NewDisposeScope();
        var architecture = scales[0];
        _seesLayout = kind != DiscriminatorKind.WholeImage;
        _judgesByClass = kind == DiscriminatorKind.ClassPatches;
        var layers = Layers(kind, architecture);
        _convolutions = [.. layers.Select(layer => nn.Conv2d(
            layer.Inputs, layer.Outputs, layer.Kernel, stride: (layer.Stride, layer.Stride), padding: (layer.Padding, layer.Padding), bias: layer.Follows == Follows.Bias))];
        _norms = [.. layers.Select(layer => layer.Follows == Follows.Normalisation ? Pix2PixGenerator.Norm(layer.Outputs) : null)];
        for (int i = 0; i < _convolutions.Length; i++)
        {
            register_module($"conv{i + 1}", _convolutions[i]);
            if (_norms[i] is { } norm)
                register_module($"norm{i + 1}", norm);
        }
        Pix2PixGenerator.DrawNormal(this, seed);
        if (scales.Length > 1)
            register_module("coarser", _coarser = new Discriminator(kind, scales[1..], seed + 1));
    }

    /// <summary>Looks at images at every scale that it has.</summary>
    /// <param name="layouts">Their layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="images">The images <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <returns>What <see cref="forward"/> gives at each scale, finest first.</returns>
    public IReadOnlyList<Tensor[]> Look(Tensor layouts, Tensor images) =>
        [forward(layouts, images), .. _coarser?.Look(nn.functional.avg_pool2d(layouts, 2), nn.functional.avg_pool2d(images, 2)) ?? []];

    /// <summary>Looks at images, at the finest scale.</summary>
    /// <param name="layouts">Their layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="images">The images <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <returns>What each layer gives <c>[N, C_l, H_l, W_l]</c>; the last one's are logits, above 0 where an image looks real.</returns>
    public override Tensor[] forward(Tensor layouts, Tensor images)
    {
        var x = images.Times(1 / 127.5).Plus(-1);
        if (_seesLayout)
            x = torch.cat([layouts, x], 1);
        var layers = new Tensor[_convolutions.Length];
        for (int i = 0; i < layers.Length; i++)
        {
            x = _convolutions[i].forward(x);
            if (_norms[i] is { } norm)
                x = norm.forward(x);
            if (i < layers.Length - 1)
                x = x.LeakyReLU(RefinementModule.NegativeSlope);
            layers[i] = x;
        }
        if (_judgesByClass)
            layers[^1] = (x * nn.functional.adaptive_avg_pool2d(layouts, [x.shape[2], x.shape[3]])).sum(1, keepdim: true);
        return layers;
    }

    /// <summary>Such a discriminator's convolutions, to tell beforehand what it costs; of a whole image, the last one's kernel is taken to be 4x4, as at 64x64.</summary>
    public static IReadOnlyList<ConvolutionShape> Convolutions(DiscriminatorKind kind, SynthesisArchitecture architecture) =>
        [.. Scales(kind, architecture).SelectMany(scale => Layers(kind, scale)).Select(layer => new ConvolutionShape(layer.Rows, layer.Columns, layer.Inputs, layer.Outputs, KernelSize, layer.Follows))];

    private static SynthesisArchitecture[] Scales(DiscriminatorKind kind, SynthesisArchitecture architecture)
    {
        List<SynthesisArchitecture> scales = [architecture];
        if (kind is DiscriminatorKind.Patches or DiscriminatorKind.WholeImage)
            return [.. scales];
        while (scales.Count < MostScales && Math.Min(scales[^1].Height, scales[^1].Width) / 2 >= LeastScaleSide)
            scales.Add(scales[^1] with { Height = scales[^1].Height / 2, Width = scales[^1].Width / 2 });
        return [.. scales];
    }

    private static List<Layer> Layers(DiscriminatorKind kind, SynthesisArchitecture architecture)
    {
        var layers = new List<Layer>();
        bool isOfPatches = kind != DiscriminatorKind.WholeImage, isByClass = kind == DiscriminatorKind.ClassPatches;
        int widening = isByClass ? WideningByClass : 1;
        int maps = 3 + (isOfPatches ? architecture.Channels : 0), next = widening * FirstMaps;
        var (rows, columns) = (architecture.Height, architecture.Width);
        while (isOfPatches ? layers.Count < MostPatchHalvings && Math.Min(rows, columns) / 2 >= LeastPatchSide : Math.Min(rows, columns) >= WholeSide)
            Add(stride: 2);
        if (isOfPatches)
            Add(stride: 1);
        layers.Add(isOfPatches
            ? new Layer(rows - 1, columns - 1, maps, isByClass ? architecture.Channels : 1, (KernelSize, KernelSize), 1, 1, Follows.Bias)
            : new Layer(1, 1, maps, 1, (rows, columns), 1, 0, Follows.Bias));
        return layers;

        void Add(int stride)
        {
            (rows, columns) = stride == 2 ? (rows / 2, columns / 2) : (rows - 1, columns - 1);
            int wide = architecture.Scaled(next);
            layers.Add(new Layer(rows, columns, maps, wide, (KernelSize, KernelSize), stride, 1, layers.Count == 0 ? Follows.Bias : Follows.Normalisation));
            (maps, next) = (wide, Math.Min(widening * MostMaps, 2 * next));
        }
    }

    private sealed record Layer(int Rows, int Columns, int Inputs, int Outputs, (long Rows, long Columns) Kernel, int Stride, int Padding, Follows Follows);
}
