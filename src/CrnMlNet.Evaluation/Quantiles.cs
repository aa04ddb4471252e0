namespace CrnMlNet.Evaluation;

/// <summary>Quantiles of numbers.</summary>
internal static class Quantiles
{
    /// <summary>The quantile, interpolated between the two numbers around it.</summary>
    /// <param name="values">At least one number, in any order.</param>
    /// <param name="share">0 for the least, 1 for the greatest.</param>
    public static double Of(double[] values, double share)
    {
        double[] sorted = [.. values.Order()];
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        return below + 1 == sorted.Length ? sorted[below] : sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
    }
}
