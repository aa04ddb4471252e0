using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>
/// Resizes images in float, without rounding to bytes, as Pillow does (Resample.c): each axis by itself, and when shrinking the kernel
/// is widened by the factor, so that every pixel counts. Without that, or with other kernels, Frechet distances are off by whole points
/// (Parmar et al., "On Aliased Resizing and Surprising Subtleties in GAN Evaluation", CVPR 2022).
/// </summary>
public static class AntialiasedResize
{
    /// <summary>Pillow's BICUBIC: Keys' cubic convolution with a = -1/2.</summary>
    /// <param name="images">Images <c>[N, C, H, W]</c>, of a floating-point type.</param>
    /// <param name="height">The new height, at least 1.</param>
    /// <param name="width">The new width, at least 1.</param>
    /// <returns><c>[N, C, height, width]</c>, not clamped: edges may overshoot.</returns>
    public static Tensor Bicubic(Tensor images, int height, int width) => Resize(images, height, width, support: 2, Cubic);

    /// <summary>Pillow's BILINEAR: the triangle.</summary>
    /// <param name="images">Images <c>[N, C, H, W]</c>, of a floating-point type.</param>
    /// <param name="height">The new height, at least 1.</param>
    /// <param name="width">The new width, at least 1.</param>
    /// <returns><c>[N, C, height, width]</c>.</returns>
    public static Tensor Bilinear(Tensor images, int height, int width) => Resize(images, height, width, support: 1, distance => Math.Max(0, 1 - Math.Abs(distance)));

    /// <summary>The weight of each source pixel in each target pixel, row by row <c>[to, from]</c>.</summary>
    internal static double[,] Weights(int from, int to, double support, Func<double, double> kernel)
    {
        var weights = new double[to, from];
        double step = (double)from / to, widening = Math.Max(1, step);
        for (int target = 0; target < to; target++)
        {
            double centre = (target + 0.5) * step;
            int first = Math.Max(0, (int)(centre - support * widening + 0.5)), end = Math.Min(from, (int)(centre + support * widening + 0.5));
            double sum = 0;
            for (int source = first; source < end; source++)
                sum += weights[target, source] = kernel((source + 0.5 - centre) / widening);
            for (int source = first; source < end; source++)
                weights[target, source] /= sum;
        }
        return weights;
    }

    internal static double Cubic(double distance)
    {
        const double a = -0.5;
        double x = Math.Abs(distance);
        return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1
            : x < 2 ? (((x - 5) * x + 8) * x - 4) * a
            : 0;
    }

    private static Tensor Resize(Tensor images, int height, int width, double support, Func<double, double> kernel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        using var scope = NewDisposeScope();
        return Matrix(images.shape[2], height).matmul(images).matmul(Matrix(images.shape[3], width).transpose(0, 1)).MoveToOuterDisposeScope();

        Tensor Matrix(long from, int to) => tensor(Weights((int)from, to, support, kernel)).to(images.dtype).to(images.device);
    }
}
