using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Layouts;

/// <summary>
/// A semantic layout L: for every pixel a distribution over the semantic classes, one channel each (void is a class, too).
/// A layout tensor is <c>[N, C, H, W]</c>, float, each pixel's channels summing to one.
/// </summary>
public static class SemanticLayout
{
    /// <summary>Turns class ids into a layout with a single one per pixel.</summary>
    /// <param name="ids">Class ids <c>[N, H, W]</c>, integral, each in <c>[0, channels)</c>.</param>
    /// <param name="channels">C, the number of classes including void.</param>
    /// <returns>The layout <c>[N, C, H, W]</c>, float32, on the device of <paramref name="ids"/>.</returns>
    /// <exception cref="ArgumentException"><paramref name="ids"/> does not have three dimensions.</exception>
    public static Tensor OneHot(Tensor ids, int channels)
    {
        if (ids.dim() != 3)
            throw new ArgumentException($"Class ids must be [N, H, W], got {ids.dim()} dimensions.", nameof(ids));
        using var index = ids.to(ScalarType.Int64).unsqueeze(1);
        using var ones = torch.ones_like(index, dtype: ScalarType.Float32);
        return torch.zeros([ids.shape[0], channels, ids.shape[1], ids.shape[2]], ScalarType.Float32, ids.device)
            .scatter_(1, index, ones);
    }

    /// <summary>
    /// The layout at half the resolution and so on, area-averaged: each cell holds the class proportions of the pixels under it.
    /// The authors' code does the same with <c>tf.image.resize_area</c>.
    /// </summary>
    /// <param name="layout">The layout <c>[N, C, H, W]</c>; H and W divisible by 2^(levels-1).</param>
    /// <param name="levels">How many resolutions, the given one included.</param>
    /// <returns>The layouts, coarsest first; the last one is <paramref name="layout"/> itself.</returns>
    /// <exception cref="ArgumentException">H or W cannot be halved that often.</exception>
    public static Tensor[] Pyramid(Tensor layout, int levels)
    {
        long divisor = 1L << (levels - 1);
        if (layout.shape[2] % divisor != 0 || layout.shape[3] % divisor != 0)
            throw new ArgumentException(
                $"A layout of {layout.shape[2]}x{layout.shape[3]} cannot be halved {levels - 1} times.", nameof(layout));

        var pyramid = new Tensor[levels];
        pyramid[^1] = layout;
        for (int level = levels - 2; level >= 0; level--)
            pyramid[level] = nn.functional.avg_pool2d(pyramid[level + 1], 2);
        return pyramid;
    }

    /// <summary>The layout at any coarser resolution, area-averaged: each cell holds the class proportions of the pixels under it.</summary>
    /// <param name="layout">The layout <c>[N, C, H, W]</c>.</param>
    /// <param name="height">The new height, at most H.</param>
    /// <param name="width">The new width, at most W.</param>
    /// <returns>
    /// The layout <c>[N, C, height, width]</c>; <paramref name="layout"/> itself when the size is the same. Where H or W is
    /// not a multiple, a cell takes all pixels that it touches.
    /// </returns>
    public static Tensor AreaAverage(Tensor layout, long height, long width) =>
        layout.shape[2] == height && layout.shape[3] == width ? layout : nn.functional.adaptive_avg_pool2d(layout, [height, width]);

    /// <summary>Extends a layout to a larger size by repeating its border, the original in the middle.</summary>
    /// <param name="layout">The layout <c>[N, C, H, W]</c>.</param>
    /// <param name="height">The new height, at least H.</param>
    /// <param name="width">The new width, at least W.</param>
    /// <returns>The layout <c>[N, C, height, width]</c>; <paramref name="layout"/> itself when the size is the same.</returns>
    public static Tensor Extend(Tensor layout, long height, long width)
    {
        var (top, left) = Margin(layout.shape[2], layout.shape[3], height, width);
        long bottom = height - layout.shape[2] - top, right = width - layout.shape[3] - left;
        return top == 0 && left == 0 && bottom == 0 && right == 0
            ? layout
            : nn.functional.pad(layout, [left, right, top, bottom], PaddingModes.Replicate);
    }

    /// <summary>Cuts what <see cref="Extend"/> added off again.</summary>
    /// <param name="image">A tensor <c>[N, C, H', W']</c> of the extended size.</param>
    /// <param name="height">The original height.</param>
    /// <param name="width">The original width.</param>
    /// <returns>A view <c>[N, C, height, width]</c>; <paramref name="image"/> itself when the size is the same.</returns>
    public static Tensor Crop(Tensor image, long height, long width)
    {
        var (top, left) = Margin(height, width, image.shape[2], image.shape[3]);
        return image.shape[2] == height && image.shape[3] == width
            ? image
            : image.narrow(2, top, height).narrow(3, left, width);
    }

    /// <summary>What <see cref="Extend"/> adds above and on the left.</summary>
    internal static (long Top, long Left) Margin(long height, long width, long outerHeight, long outerWidth) =>
        ((outerHeight - height) / 2, (outerWidth - width) / 2);
}
