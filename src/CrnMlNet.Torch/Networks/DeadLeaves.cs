using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// A fixed picture to look at a perception network's activations with: discs of many sizes that lie on each other, the "dead
/// leaves" model, which has the statistics of natural images (Lee, Mumford &amp; Huang, IJCV 2001): plain faces, sharp edges,
/// corners where things cover each other, at every scale.
/// </summary>
internal static class DeadLeaves
{
    private const int Leaves = 600;
    private const double SmallestRadius = 2, LargestRadius = 40;

    /// <summary>The picture, the same wherever it is made.</summary>
    /// <param name="size">Height and width in pixels.</param>
    /// <returns>RGB <c>[1, 3, size, size]</c>, whole numbers from 0 to 255 as float32.</returns>
    public static Tensor Picture(int size)
    {
        var pixels = new float[3 * size * size];
        uint state = 1;
        for (int leaf = 0; leaf < Leaves; leaf++)
        {
            double row = Next() * size, column = Next() * size;
            // The radius r has density r^-3 between its limits: the picture looks the same at every scale.
            double radius = 1 / Math.Sqrt(1 / (SmallestRadius * SmallestRadius) - Next() * (1 / (SmallestRadius * SmallestRadius) - 1 / (LargestRadius * LargestRadius)));
            // Colours of the world are mostly shades: a brightness, and a third as much of each colour by itself.
            double brightness = Next();
            var colour = new float[3];
            for (int c = 0; c < colour.Length; c++)
                colour[c] = (float)Math.Floor(256 * (0.75 * brightness + 0.25 * Next()));
            Paint(pixels, size, row, column, radius, colour);
        }
        return tensor(pixels, [1, 3, size, size]);

        // Numerical Recipes' linear congruential generator: whole numbers alone, so that no library decides.
        double Next() => (state = 1664525 * state + 1013904223) / (double)(1L << 32);
    }

    private static void Paint(float[] pixels, int size, double row, double column, double radius, float[] colour)
    {
        for (int y = Math.Max(0, (int)Math.Ceiling(row - radius)); y < size && y <= row + radius; y++)
            for (int x = Math.Max(0, (int)Math.Ceiling(column - radius)); x < size && x <= column + radius; x++)
                if ((y - row) * (y - row) + (x - column) * (x - column) <= radius * radius)
                    for (int c = 0; c < colour.Length; c++)
                        pixels[(c * size + y) * size + x] = colour[c];
    }
}
