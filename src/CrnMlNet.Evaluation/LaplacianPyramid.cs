namespace CrnMlNet.Evaluation;

/// <summary>
/// The Laplacian pyramid of Burt &amp; Adelson (1983) as Karras et al. (2018) compute it: the filter is 1 4 6 4 1 over 16 in
/// both directions, the border mirrored without repeating its last pixel.
/// </summary>
internal static class LaplacianPyramid
{
    private static readonly double[] Filter = [1 / 16.0, 4 / 16.0, 6 / 16.0, 4 / 16.0, 1 / 16.0];

    /// <summary>Splits a plane into what each resolution adds; the last level holds what is left, a small image.</summary>
    public static Plane[] Of(Plane plane, int levels)
    {
        var pyramid = new Plane[levels];
        for (int level = 0; level < levels - 1; level++)
        {
            var half = Down(plane);
            var coarse = Up(half, plane.Height, plane.Width);
            pyramid[level] = new Plane(plane.Height, plane.Width);
            for (int i = 0; i < plane.Values.Length; i++)
                pyramid[level].Values[i] = plane.Values[i] - coarse.Values[i];
            plane = half;
        }
        pyramid[^1] = plane;
        return pyramid;
    }

    /// <summary>Blurs, and keeps every second pixel from the first.</summary>
    internal static Plane Down(Plane plane)
    {
        var blurred = Blur(plane);
        var half = new Plane((plane.Height + 1) / 2, (plane.Width + 1) / 2);
        for (int y = 0; y < half.Height; y++)
            for (int x = 0; x < half.Width; x++)
                half[y, x] = blurred[2 * y, 2 * x];
        return half;
    }

    /// <summary>Spreads the pixels with zeros between, and blurs to four times that.</summary>
    internal static Plane Up(Plane plane, int height, int width)
    {
        var spread = new Plane(height, width);
        for (int y = 0; y < plane.Height; y++)
            for (int x = 0; x < plane.Width; x++)
                spread[2 * y, 2 * x] = 4 * plane[y, x];
        return Blur(spread);
    }

    private static Plane Blur(Plane plane)
    {
        var rows = new Plane(plane.Height, plane.Width);
        for (int y = 0; y < plane.Height; y++)
            for (int x = 0; x < plane.Width; x++)
                for (int k = 0; k < Filter.Length; k++)
                    rows[y, x] += Filter[k] * plane[y, Mirror(x + k - 2, plane.Width)];
        var both = new Plane(plane.Height, plane.Width);
        for (int y = 0; y < plane.Height; y++)
            for (int k = 0; k < Filter.Length; k++)
                for (int x = 0; x < plane.Width; x++)
                    both[y, x] += Filter[k] * rows[Mirror(y + k - 2, plane.Height), x];
        return both;
    }

    private static int Mirror(int i, int length) => i < 0 ? -i : i >= length ? 2 * (length - 1) - i : i;
}
