namespace CrnMlNet.Evaluation;

/// <summary>The peak signal-to-noise ratio: <c>10 log10(255^2 / MSE)</c>, the mean squared error taken over all pixels and colours.</summary>
public static class Psnr
{
    /// <summary>Compares two images.</summary>
    /// <param name="first">One image.</param>
    /// <param name="second">The other, of the same size.</param>
    /// <returns>Decibels; higher is nearer, and positive infinity for equal images.</returns>
    /// <exception cref="ArgumentException">The images differ in size.</exception>
    public static double Between(RgbImage first, RgbImage second)
    {
        RgbImage.CheckSameSize(first, second);
        var one = first.Planes;
        var other = second.Planes;
        double sum = 0;
        for (int i = 0; i < one.Length; i++)
        {
            double difference = one[i] - other[i];
            sum += difference * difference;
        }
        return Of(sum / one.Length);
    }

    internal static double Of(double meanSquaredError) => 10 * Math.Log10(255.0 * 255.0 / meanSquaredError);
}
