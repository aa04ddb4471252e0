namespace CrnMlNet.Evaluation.Studies;

/// <summary>The exact binomial distribution of a fair coin: how surprising a preference would be if there were none.</summary>
public static class ExactBinomial
{
    /// <summary>The two-sided p-value of <paramref name="successes"/> against a chance of 1/2: how likely a count at least as far from the half is.</summary>
    /// <param name="successes">How often the one was chosen, 0 to <paramref name="trials"/>.</param>
    /// <param name="trials">How many choices there were.</param>
    /// <returns>Above 0 (below about 1e-308 it is 0) to 1; 1 when there were none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than no trials, or more successes than trials.</exception>
    public static double TwoSided(int successes, int trials)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        // A fair coin is symmetric, so that both tails are the same.
        return Math.Min(1, 2 * AtLeast(Math.Max(successes, trials - successes), trials));
    }

    /// <summary>How likely a fair coin falls to one side at least so often.</summary>
    /// <param name="successes">How often, 0 or more.</param>
    /// <param name="trials">Of how many.</param>
    public static double AtLeast(int successes, int trials)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfNegative(trials);
        if (successes > trials)
            return 0;
        double logarithm = -trials * Math.Log(2);
        for (int i = 1; i <= trials - successes; i++)
            logarithm += Math.Log((double)(successes + i) / i);
        double term = Math.Exp(logarithm), sum = 0;
        for (int i = successes; i <= trials && term > 0; i++)
        {
            sum += term;
            term *= (double)(trials - i) / (i + 1);
        }
        return Math.Min(1, sum);
    }
}
