using CrnMlNet.Torch.Backend;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>The distance at one level of the Laplacian pyramid.</summary>
/// <param name="Height">The level's height in pixels.</param>
/// <param name="Width">The level's width in pixels.</param>
/// <param name="Distance">The sliced Wasserstein distance times 1000; lower is nearer.</param>
public sealed record SlicedWassersteinLevel(int Height, int Width, double Distance);

/// <summary>
/// The sliced Wasserstein distance between the local patches of two sets of images, as Karras, Aila, Laine &amp; Lehtinen
/// measure it ("Progressive growing of GANs", ICLR 2018, section 5): how differently textures are distributed at each
/// resolution, whatever image they are in.
/// </summary>
/// <remarks>
/// <para>
/// Each image is split into a Laplacian pyramid whose levels have at least 16 pixels on the shorter side. From each level
/// 128 patches of 7x7 pixels in RGB are drawn per image, and each set's patches are normalised to mean 0 and standard
/// deviation 1 per colour. Both sets are then projected onto 512 random directions; along each, the one-dimensional
/// Wasserstein distance is the mean difference of the sorted projections.
/// </para>
/// <para>
/// Unlike there, patches are drawn at the same places of the i-th image of both sets, so that a set has distance 0 to itself.
/// Values depend on the number of images, so compare only values of equally many.
/// </para>
/// </remarks>
public static class SlicedWasserstein
{
    private const int PatchesPerImage = 128;
    private const int Directions = 512;

    /// <summary>Measures each level.</summary>
    /// <param name="first">One set; at least one image, all of one size, at least 16 pixels on the shorter side.</param>
    /// <param name="second">The other set, of as many images of the same size.</param>
    /// <param name="seed">Decides the patches and the directions; the same seed gives the same distances.</param>
    /// <returns>The levels, finest first. The usual single figure is their mean.</returns>
    /// <exception cref="ArgumentException">The sets are empty or not of equal number and size, or the images are too small.</exception>
    public static IReadOnlyList<SlicedWassersteinLevel> Between(IReadOnlyList<RgbImage> first, IReadOnlyList<RgbImage> second, int seed = 0)
    {
        Check(first, second);
        int levels = Patches.Levels(first[0]);
        var random = new Random(seed);
        var places = new int[levels].Select(_ => random.Next()).ToArray();
        var ones = Cut(first, levels, places);
        var others = Cut(second, levels, places);
        var result = new SlicedWassersteinLevel[levels];
        var (height, width) = (first[0].Height, first[0].Width);
        for (int level = 0; level < levels; level++)
        {
            Normalise(ones[level]);
            Normalise(others[level]);
            result[level] = new SlicedWassersteinLevel(height, width, 1000 * Distance(ones[level], others[level], Patches.Dimensions, Directions, random));
            (height, width) = ((height + 1) / 2, (width + 1) / 2);
        }
        return result;
    }

    /// <summary>The mean over random directions of the Wasserstein distance between two sets of equally many points.</summary>
    /// <param name="first">The points of one set, one after the other.</param>
    /// <param name="second">The points of the other.</param>
    /// <param name="dimensions">Coordinates of a point.</param>
    /// <param name="directions">How many directions.</param>
    /// <param name="random">Draws them.</param>
    internal static double Distance(double[] first, double[] second, int dimensions, int directions, Random random)
    {
        TorchBackend.Start();
        using var scope = NewDisposeScope();
        double[] drawn = [.. Enumerable.Range(0, directions).SelectMany(_ => Direction(dimensions, random))];
        var across = tensor(drawn, [directions, dimensions]);
        return (Sorted(first) - Sorted(second)).abs().mean().item<double>();

        Tensor Sorted(double[] points) => across.matmul(tensor(points, [points.Length / dimensions, dimensions]).transpose(0, 1)).sort(1).Values;
    }

    /// <summary>A unit vector, every direction as likely: normally distributed coordinates (Box &amp; Muller), scaled.</summary>
    private static double[] Direction(int dimensions, Random random)
    {
        var direction = new double[dimensions];
        for (int d = 0; d < dimensions; d++)
            direction[d] = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        double length = Math.Sqrt(direction.Sum(value => value * value));
        return [.. direction.Select(value => value / length)];
    }

    /// <summary>For each level the patches of all images.</summary>
    private static double[][] Cut(IReadOnlyList<RgbImage> images, int levels, int[] seeds)
    {
        Random[] random = [.. seeds.Select(seed => new Random(seed))];
        List<double>[] patches = [.. seeds.Select(_ => new List<double>(images.Count * PatchesPerImage * Patches.Dimensions))];
        foreach (var image in images)
        {
            var pyramid = Patches.Pyramid(image, levels);
            for (int level = 0; level < levels; level++)
            {
                var (height, width) = (pyramid[level][0].Height, pyramid[level][0].Width);
                for (int i = 0; i < PatchesPerImage; i++)
                    Patches.Cut(pyramid[level], random[level].Next(height - Patches.Size + 1), random[level].Next(width - Patches.Size + 1), patches[level]);
            }
        }
        return [.. patches.Select(ofLevel => ofLevel.ToArray())];
    }

    /// <summary>Brings each colour to mean 0 and standard deviation 1; a colour that never changes to 0.</summary>
    private static void Normalise(double[] patches)
    {
        for (int colour = 0; colour < 3; colour++)
        {
            var (mean, deviation) = Patches.Moments(patches, colour);
            // Below this it is rounding of a flat image, not texture.
            Patches.ForEach(patches, colour, i => patches[i] = deviation > 1e-9 ? (patches[i] - mean) / deviation : 0);
        }
    }

    /// <exception cref="ArgumentException">The sets are empty or not of equal number and size, or the images are too small.</exception>
    internal static void Check(IReadOnlyList<RgbImage> first, IReadOnlyList<RgbImage> second)
    {
        if (first.Count == 0 || first.Count != second.Count)
            throw new ArgumentException($"Sets of equally many images, at least one, can be compared, got {first.Count} and {second.Count}.", nameof(second));
        foreach (var image in first.Concat(second))
            RgbImage.CheckSameSize(first[0], image);
        if (Math.Min(first[0].Height, first[0].Width) < Patches.SmallestLevel)
            throw new ArgumentException(
                $"Images need at least {Patches.SmallestLevel}x{Patches.SmallestLevel} pixels, got {first[0].Height}x{first[0].Width}.", nameof(first));
    }
}
