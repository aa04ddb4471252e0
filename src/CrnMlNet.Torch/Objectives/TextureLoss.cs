using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>
/// How far the texture in each class's area is from the photo's there: the sliced Wasserstein distance between their patches, at several scales. No
/// pixel is to be where the photo has it, but as much of everything is to be there: so leaves, grain and masonry can grow where comparing
/// pixels would leave fog, and without a network that was trained elsewhere.
/// </summary>
/// <remarks>
/// <para>A patch distribution is compared as in Elnekave &amp; Weiss, "Generating natural images with direct patch distributions matching" (ECCV 2022):
/// random filters project all patches onto random directions, and along each the one-dimensional Wasserstein distance is the mean difference of the
/// sorted projections. Here of each class by itself, as image and photo show the same layout, at the same places of both; and of its inside and its edge each by itself, as
/// what is strong at edges, a dark coat before a bright sky, would otherwise be as good inside.</para>
/// <para>24 filters of 5x5 pixels (<see cref="RandomFilterBank"/>) and 128 places of an area (<see cref="ClassPlaces"/>) are drawn anew in each step and at each scale: the image
/// averaged over 1x1, 2x2, 4x4, ... pixels, as long as it has 8 on the shorter side. Filters see no mean: colour and brightness are another term's. A distance counts in
/// standard deviations of the photo's projections there, less what is not seen: <see cref="Unseen"/> gray levels are added to them.</para>
/// <para>How strong a texture is, its layout does not tell, and among strengths that are all as likely such distances prefer one below the middle, which is fog again. So strengths are compared, too
/// (<see cref="Divergence"/>), by a measure that is least at the mean of their squares.</para>
/// </remarks>
internal static class TextureLoss
{
    /// <summary>Filters at each scale.</summary>
    public const int Filters = 24;

    /// <summary>A deviation in gray levels that is hardly seen.</summary>
    public const double Unseen = 2;

    /// <summary>The weight of strengths beside the sorted projections.</summary>
    public const double StrengthWeight = 2;

    // From four times as much power on, more lack of it pulls no stronger: in the beginning, when all is fog, it would drown everything else.
    private const double LargestLack = 4;

    private const int Margin = RandomFilterBank.Size / 2;
    private const int Scales = 4;
    private const int SmallestSide = 8;

    /// <summary>The loss, a mean over layouts, scales and filters.</summary>
    /// <param name="images">The synthesized images <c>[N, k, 3, H, W]</c>, 0 to 255. Gradients flow to these alone.</param>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="photos">The photos <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <param name="random">Draws filters and places.</param>
    /// <returns>A scalar tensor, in deviations of the photos' textures.</returns>
    public static Tensor Of(Tensor images, Tensor layouts, Tensor photos, Random random)
    {
        Tensor[] painted = images.unbind(1);
        var losses = new List<Tensor>();
        for (int scale = 0; scale < Scales && Math.Min(photos.shape[2], photos.shape[3]) >= SmallestSide; scale++)
        {
            if (OfScale(painted, layouts, photos, random) is { } loss)
                losses.Add(loss);
            (layouts, photos) = (Halved(layouts), Halved(photos));
            painted = [.. painted.Select(Halved)];
        }
        return losses.Count == 0 ? images.Times(0).sum() : torch.stack(losses).mean();
    }

    /// <returns>Null where no area is large enough.</returns>
    private static Tensor? OfScale(Tensor[] painted, Tensor layouts, Tensor photos, Random random)
    {
        var drawn = ClassPlaces.Draw(layouts, Margin, random);
        var filters = RandomFilterBank.Draw(Filters, random).to(photos.dtype).to(photos.device);
        if (drawn.Areas == 0)
            return null;
        var places = torch.tensor(drawn.Places, device: photos.device);
        var weights = torch.tensor(drawn.Weights, device: photos.device).to(photos.dtype);
        Tensor real, power, scales;
        using (no_grad())
        {
            real = Sorted(photos);
            power = Power(real);
            var around = real - real.mean([2], keepdim: true);
            scales = (around * around).mean([2]).sqrt().Plus(Unseen).reciprocal();
        }
        return torch.stack(painted.Select(image => (Distance(Sorted(image)) * weights).sum(1).mean())).mean();

        // [filters, areas], as all that is not per place.
        Tensor Distance(Tensor ours) => ((ours - real).abs().mean([2]) * scales).Plus(Divergence(power, Power(ours)).Times(StrengthWeight));

        // Patches at the border see it repeated, so that no pixel is left out.
        Tensor Sorted(Tensor pictures) => nn.functional.conv2d(nn.functional.pad(pictures, [Margin, Margin, Margin, Margin], PaddingModes.Replicate), filters).transpose(0, 1).flatten(1)
            .gather(1, places.expand(Filters, -1)).reshape(Filters, drawn.Areas, ClassPlaces.PerArea).sort(2).Values;
    }

    /// <summary>
    /// The Kullback-Leibler divergence between centred normal distributions, <c>(p/q - ln(p/q) - 1) / 2</c>: over many photos it is least where an image's power is the mean of theirs.
    /// From p = 4 q on it is its tangent.
    /// </summary>
    /// <param name="photos">p, the mean squares of what filters see in the photo.</param>
    /// <param name="images">q, the same in the image.</param>
    internal static Tensor Divergence(Tensor photos, Tensor images)
    {
        var lack = photos.log() - images.log();
        var most = lack.AtMost(Math.Log(LargestLack));
        return (most.exp().Plus((lack - most).Times(LargestLack)) - lack).Plus(-1).Times(0.5);
    }

    private static Tensor Power(Tensor responses) => (responses * responses).mean([2]).Plus(Unseen * Unseen);

    private static Tensor Halved(Tensor pictures) => nn.functional.avg_pool2d(pictures, 2);
}
