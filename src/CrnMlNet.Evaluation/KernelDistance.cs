using CrnMlNet.Torch.Backend;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>
/// The kernel distance of Binkowski et al., "Demystifying MMD GANs" (ICLR 2018): the unbiased squared maximum mean discrepancy under the kernel
/// <c>(x . y / d + 1)^3</c>. With Inception's features it is their KID. Its expectation does not depend on the number of photos, so it
/// may be taken of few, where a Frechet distance is biased.
/// </summary>
/// <param name="Mean">The mean over the subsets; lower is nearer, and below zero by chance where the sets are alike.</param>
/// <param name="Deviation">The standard deviation over the subsets.</param>
/// <param name="Subsets">How many subsets were drawn.</param>
/// <param name="SubsetSize">How many of either set each has.</param>
public sealed record KernelDistance(double Mean, double Deviation, int Subsets, int SubsetSize)
{
    /// <summary>As in the paper.</summary>
    public const int DefaultSubsets = 100;

    private const int LargestSubset = 1000;

    // Of the normal distribution, for 95%.
    private const double Quantile = 1.96;

    /// <summary>The photos of the smaller set.</summary>
    public int Photos { get; init; }

    /// <summary>
    /// Where the distance would lie with other photos of the same kind, by subsampling (Politis, Romano &amp; Wolf, 1999): subsets of b out of n photos deviate by
    /// sqrt((n - b) / b) times what the whole does, half of them by as much. Null: there is one subset, or it is the whole.
    /// </summary>
    public Interval? Interval
    {
        get
        {
            if (Subsets == 1 || SubsetSize >= Photos)
                return null;
            double reach = Quantile * Deviation * Math.Sqrt((double)SubsetSize / (Photos - SubsetSize));
            return new Interval(Mean - reach, Mean + reach);
        }
    }

    /// <summary>Compares two sets of features.</summary>
    /// <param name="first">One set <c>[N, d]</c>.</param>
    /// <param name="second">The other <c>[M, d]</c>.</param>
    /// <param name="subsets">How many subsets are drawn.</param>
    /// <param name="subsetSize">How many of either set each has, at least 2; null: half of the smaller set, at most 1000, so that the deviation says something.</param>
    /// <param name="seed">Seeds the drawing.</param>
    /// <exception cref="ArgumentException">A set has less than two rows, or fewer than a subset; or the numbers of features differ.</exception>
    public static KernelDistance Between(Tensor first, Tensor second, int subsets = DefaultSubsets, int? subsetSize = null, int seed = 0)
    {
        Check(first, second);
        ArgumentOutOfRangeException.ThrowIfLessThan(subsets, 1);
        int smaller = (int)Math.Min(first.shape[0], second.shape[0]), size = subsetSize ?? Math.Max(2, Math.Min(LargestSubset, smaller / 2));
        if (size < 2 || size > smaller)
            throw new ArgumentException($"A subset has from 2 to {smaller}, the photos of the smaller set; got {size}.", nameof(subsetSize));

        using var scope = NewDisposeScope();
        var (one, other) = (first.to(ScalarType.Float64).cpu(), second.to(ScalarType.Float64).cpu());
        var random = new Random(seed);
        double[] distances = [.. Enumerable.Range(0, subsets).Select(_ => Unbiased(Draw(one, size, random), Draw(other, size, random)))];
        double mean = distances.Average();
        return new KernelDistance(mean, Math.Sqrt(distances.Average(distance => (distance - mean) * (distance - mean))), subsets, size) { Photos = smaller };
    }

    /// <summary>The unbiased estimate for two sets as they are.</summary>
    internal static double Unbiased(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        long n = first.shape[0], m = second.shape[0];
        return WithoutDiagonal(first) / (n * (n - 1)) + WithoutDiagonal(second) / (m * (m - 1)) - 2 * Kernel(first, second).sum().item<double>() / (n * m);
    }

    internal static void Check(Tensor first, Tensor second)
    {
        if (first.dim() != 2 || second.dim() != 2 || first.shape[1] != second.shape[1] || Math.Min(first.shape[0], second.shape[0]) < 2)
            throw new ArgumentException(
                $"Two sets [N, d] and [M, d] of at least two photos' features can be compared, got [{string.Join(", ", first.shape)}] and [{string.Join(", ", second.shape)}].", nameof(second));
    }

    private static double WithoutDiagonal(Tensor features)
    {
        var kernel = Kernel(features, features);
        return kernel.sum().item<double>() - kernel.trace().item<double>();
    }

    private static Tensor Kernel(Tensor first, Tensor second)
    {
        var product = first.matmul(second.transpose(0, 1)).Times(1.0 / first.shape[1]).Plus(1);
        return product * product * product;
    }

    private static Tensor Draw(Tensor features, int size, Random random)
    {
        long[] rows = [.. Enumerable.Range(0, (int)features.shape[0]).Select(row => (long)row)];
        random.Shuffle(rows);
        return features.index_select(0, tensor(rows[..size]));
    }
}
