namespace CrnMlNet.Evaluation;

/// <summary>
/// The multi-scale structural similarity of Wang, Simoncelli &amp; Bovik, "Multiscale structural similarity for image quality
/// assessment" (Asilomar 2003), of the luma (ITU-R BT.601).
/// </summary>
/// <remarks>
/// At each scale an 11x11 Gaussian window (sigma 1.5) slides over all places where it fits, with K1 = 0.01, K2 = 0.03 and
/// L = 255. Contrast-structure is averaged at each scale, and luminance times contrast-structure at the coarsest; the
/// averages are multiplied to the powers 0.0448, 0.2856, 0.3001, 0.2363 and 0.1333, finest first. From scale to scale 2x2
/// pixels are averaged, an odd last row or column dropped. Images whose shorter side is below 176 have fewer scales, as many
/// as leave an 11x11 window, and the powers are scaled to sum to one. A negative average counts as 0.
/// </remarks>
public static class MultiScaleSsim
{
    private const int WindowSize = 11;
    private const double Sigma = 1.5;
    private const double C1 = 0.01 * 255 * (0.01 * 255);
    private const double C2 = 0.03 * 255 * (0.03 * 255);

    private static readonly double[] Powers = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
    private static readonly double[] Window = GaussianWindow();

    /// <summary>Compares two images.</summary>
    /// <param name="first">One image, at least 11x11 pixels.</param>
    /// <param name="second">The other, of the same size.</param>
    /// <returns>0 to 1; 1 for equal lumas.</returns>
    /// <exception cref="ArgumentException">The images differ in size or are smaller than 11x11.</exception>
    public static double Between(RgbImage first, RgbImage second)
    {
        RgbImage.CheckSameSize(first, second);
        int scales = Scales(first.Height, first.Width);
        double sumOfPowers = Powers.Take(scales).Sum();
        var (one, other) = (first.Luma(), second.Luma());
        double product = 1;
        for (int scale = 0; scale < scales; scale++)
        {
            if (scale > 0)
                (one, other) = (Halve(one), Halve(other));
            var (similarity, contrastStructure) = Means(one, other);
            double mean = scale == scales - 1 ? similarity : contrastStructure;
            product *= Math.Pow(Math.Max(0, mean), Powers[scale] / sumOfPowers);
        }
        return product;
    }

    /// <summary>How many scales an image of that size has, 1 to 5.</summary>
    /// <param name="height">Height in pixels, at least 11.</param>
    /// <param name="width">Width in pixels, at least 11.</param>
    /// <exception cref="ArgumentException">A side is shorter than the window.</exception>
    public static int Scales(int height, int width)
    {
        int side = Math.Min(height, width);
        if (side < WindowSize)
            throw new ArgumentException($"SSIM needs at least {WindowSize}x{WindowSize} pixels, got {height}x{width}.", nameof(height));
        int scales = 1;
        while (scales < Powers.Length && side >> scales >= WindowSize)
            scales++;
        return scales;
    }

    /// <summary>The means of luminance times contrast-structure, and of contrast-structure alone.</summary>
    private static (double Similarity, double ContrastStructure) Means(Plane one, Plane other)
    {
        var meanOne = Blur(one);
        var meanOther = Blur(other);
        var squareOne = Blur(Product(one, one));
        var squareOther = Blur(Product(other, other));
        var mixed = Blur(Product(one, other));
        double similarity = 0, contrastStructure = 0;
        int places = meanOne.Values.Length;
        for (int i = 0; i < places; i++)
        {
            double a = meanOne.Values[i], b = meanOther.Values[i];
            double variances = squareOne.Values[i] - a * a + squareOther.Values[i] - b * b;
            double covariance = mixed.Values[i] - a * b;
            double structure = (2 * covariance + C2) / (variances + C2);
            contrastStructure += structure;
            similarity += structure * (2 * a * b + C1) / (a * a + b * b + C1);
        }
        return (similarity / places, contrastStructure / places);
    }

    private static Plane Product(Plane one, Plane other)
    {
        var product = new Plane(one.Height, one.Width);
        for (int i = 0; i < product.Values.Length; i++)
            product.Values[i] = one.Values[i] * other.Values[i];
        return product;
    }

    /// <summary>The window's weighted mean wherever it fits: along the rows, then along the columns.</summary>
    private static Plane Blur(Plane plane)
    {
        var rows = new Plane(plane.Height, plane.Width - WindowSize + 1);
        for (int y = 0; y < rows.Height; y++)
            for (int x = 0; x < rows.Width; x++)
                for (int k = 0; k < WindowSize; k++)
                    rows[y, x] += Window[k] * plane[y, x + k];
        var both = new Plane(plane.Height - WindowSize + 1, rows.Width);
        for (int y = 0; y < both.Height; y++)
            for (int k = 0; k < WindowSize; k++)
                for (int x = 0; x < both.Width; x++)
                    both[y, x] += Window[k] * rows[y + k, x];
        return both;
    }

    private static Plane Halve(Plane plane)
    {
        var half = new Plane(plane.Height / 2, plane.Width / 2);
        for (int y = 0; y < half.Height; y++)
            for (int x = 0; x < half.Width; x++)
                half[y, x] = (plane[2 * y, 2 * x] + plane[2 * y, 2 * x + 1] + plane[2 * y + 1, 2 * x] + plane[2 * y + 1, 2 * x + 1]) / 4;
        return half;
    }

    private static double[] GaussianWindow()
    {
        double[] weights = [.. Enumerable.Range(-WindowSize / 2, WindowSize).Select(x => Math.Exp(-x * x / (2 * Sigma * Sigma)))];
        double sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }
}
