namespace CrnMlNet.Evaluation.Studies;

/// <summary>Wilson's 95% interval of a share (E. B. Wilson, 1927), which fits few trials and shares near 0 and 1, too.</summary>
public static class WilsonInterval
{
    /// <summary>The 0.975 quantile of the normal distribution: 95% of it is nearer to the middle.</summary>
    private const double Z = 1.959963984540054;

    /// <summary>The interval of the share that <paramref name="successes"/> are of <paramref name="trials"/>.</summary>
    /// <param name="successes">How often the one was chosen, 0 to <paramref name="trials"/>.</param>
    /// <param name="trials">How many choices there were, at least one.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no trial, or more successes than trials.</exception>
    public static Interval Of(int successes, int trials)
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
}
