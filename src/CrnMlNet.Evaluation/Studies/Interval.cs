namespace CrnMlNet.Evaluation.Studies;

/// <summary>From where to where a number probably lies.</summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end.</param>
public sealed record Interval(double Low, double High)
{
    /// <summary>The 0.975 quantile of the normal distribution: 95% of it is nearer to the middle.</summary>
    private const double Z = 1.959963984540054;

    /// <summary>Wilson's 95% interval of a share (E. B. Wilson, 1927), which fits few trials and shares near 0 and 1, too.</summary>
    /// <param name="successes">How often the one was chosen, 0 to <paramref name="trials"/>.</param>
    /// <param name="trials">How many choices there were, at least one.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no trial, or more successes than trials.</exception>
    public static Interval Wilson(int successes, int trials)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(trials);
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        double share = (double)successes / trials, shrink = Z * Z / trials;
        double middle = (share + shrink / 2) / (1 + shrink);
        double half = Z * Math.Sqrt(share * (1 - share) / trials + shrink / trials / 4) / (1 + shrink);
        // Exactly 0 and 1 there, which rounding would miss.
        return new Interval(successes == 0 ? 0 : middle - half, successes == trials ? 1 : middle + half);
    }

    /// <summary>The middle 95% of bootstrap replicates.</summary>
    /// <param name="replicates">What each replicate gave; they are sorted in place.</param>
    /// <returns>Null when there is none.</returns>
    internal static Interval? Percentile(List<double> replicates)
    {
        if (replicates.Count == 0)
            return null;
        replicates.Sort();
        return new Interval(Quantile(0.025), Quantile(0.975));

        // Between the two nearest, as R's default (type 7) has it.
        double Quantile(double share)
        {
            double place = share * (replicates.Count - 1);
            int below = (int)place;
            double above = replicates[Math.Min(below + 1, replicates.Count - 1)];
            return replicates[below] + (place - below) * (above - replicates[below]);
        }
    }
}
