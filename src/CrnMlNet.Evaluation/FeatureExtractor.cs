using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>
/// Gives each photo a vector of features, in which sets of photos are compared. Distances compare only where the extractor is the same,
/// so it has a name and a hash.
/// </summary>
public sealed class FeatureExtractor
{
    private const int BatchSize = 8;
    private const double ColourUnit = 64;

    private readonly Func<Tensor, Tensor> _features;
    private readonly Device _device;

    private FeatureExtractor(string name, string? hash, Device device, Func<Tensor, Tensor> features)
        => (Name, Hash, _device, _features) = (name, hash, device, features);

    /// <summary>What it is, in a word: <c>CrnSeg</c>, <c>VGG-19</c>, <c>Inception</c>, <c>CrnFilters</c>.</summary>
    public string Name { get; }

    /// <summary>The SHA-256 of its weights' file, in small hexadecimal digits; null: it has no weights, and its version is the tool's.</summary>
    public string? Hash { get; }

    /// <summary>The size to which photos are brought first, by antialiased bicubic resampling in float; null: they stay as they are.</summary>
    public (int Height, int Width)? Size { get; private init; }

    /// <summary>Whether the kernel distance is the KID and the Frechet distance the FID; in other features they must not be called so.</summary>
    public bool IsInception { get; private init; }

    /// <summary>Name, hash and size, for tables.</summary>
    public override string ToString() =>
        $"{Name}{(Hash is null ? "" : $" {HashedTensorFile.Short(Hash)}")}{(Size is { } size ? $" at {size.Height}x{size.Width}, bicubic antialiased" : "")}";

    /// <summary>The means of a segmenter's coarsest maps.</summary>
    /// <param name="segmenter">The segmenter, which must live on.</param>
    public static FeatureExtractor Of(Segmenter segmenter) => new("CrnSeg", segmenter.Hash, segmenter.Device, segmenter.Features);

    /// <summary>The means of VGG-19's conv5_2 maps after ReLU.</summary>
    /// <param name="vgg19">The network, which must live on.</param>
    public static FeatureExtractor Of(Vgg19 vgg19) => new("VGG-19", vgg19.Source.Sha256, vgg19.Weights.Values.First().device, photos => Means(vgg19.Features(photos)[^1]));

    /// <summary>Inception's 2,048 features, of photos at 299x299: in these the kernel distance is the KID and the Frechet distance the FID.</summary>
    /// <param name="inception">The network, which must live on, on the CPU.</param>
    /// <param name="sha256">The SHA-256 of its file, as <see cref="CrnMlNet.Torch.Weights.InceptionFile.Read"/> gives it.</param>
    public static FeatureExtractor Of(Inception inception, string sha256) =>
        new("Inception", sha256, CPU, inception.Features) { Size = (Inception.Side, Inception.Side), IsInception = true };

    /// <summary>
    /// The means of all maps of the bank of frequency filters, brought to numbers of a few units, as the kernel distance wants them: of strengths s in gray levels
    /// log(1 + s), of colours a 64th.
    /// </summary>
    /// <param name="filters">The filters, which must live on, on the CPU.</param>
    public static FeatureExtractor Of(FilterBankPerception filters) => new("CrnFilters", null, CPU, photos =>
    {
        Tensor[] means = [.. filters.Features(photos).Select(Means)];
        return cat([.. means.SkipLast(1).Select(strengths => strengths.log1p()), means[^1].Times(1 / ColourUnit)], 1);
    });

    /// <summary>Looks at photos.</summary>
    /// <param name="photos">Photos of one size, at least one.</param>
    /// <returns><c>[N, d]</c>, float64, on the CPU, the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">There is no photo, or they differ in size.</exception>
    public Tensor Features(IReadOnlyList<RgbImage> photos)
    {
        if (photos.Count == 0)
            throw new ArgumentException("There is no photo to look at.", nameof(photos));
        foreach (var photo in photos)
            RgbImage.CheckSameSize(photos[0], photo);
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        List<Tensor> features = [];
        foreach (var batch in photos.Chunk(BatchSize))
        {
            using var step = NewDisposeScope();
            var pixels = cat([.. batch.Select(photo => photo.ToTensor(_device))], 0);
            if (Size is { } size)
                pixels = AntialiasedResize.Bicubic(pixels, size.Height, size.Width);
            features.Add(_features(pixels).to(ScalarType.Float64).cpu().MoveToOuterDisposeScope());
        }
        return cat(features, 0).MoveToOuterDisposeScope();
    }

    private static Tensor Means(Tensor maps) => maps.mean([2, 3]);
}
