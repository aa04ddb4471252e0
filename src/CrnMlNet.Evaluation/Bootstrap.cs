namespace CrnMlNet.Evaluation;

/// <summary>Where a measure would lie with other pairs of the same kind, with a confidence of 95%.</summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end.</param>
public readonly record struct Interval(double Low, double High);

/// <summary>The percentile bootstrap (Efron, 1979): pairs are drawn anew, with putting back, and the measure is taken of them each time.</summary>
internal static class Bootstrap
{
    private const double Tail = 0.025;

    /// <summary>The interval of a mean; null of fewer than two values, of which it says nothing.</summary>
    public static Interval? OfMean(IReadOnlyList<double> values, int resamples, int seed) =>
        IntervalOf(Draws(values.Count, resamples, seed).Select(drawn => drawn.Sum(i => values[i]) / drawn.Length));

    /// <summary>Draws pairs.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="resamples">How often as many are drawn.</param>
    /// <param name="seed">Seeds the drawing.</param>
    /// <returns>The drawn indices, some of them more than once, in an array that the next draw overwrites; nothing for fewer than two pairs.</returns>
    public static IEnumerable<int[]> Draws(int count, int resamples, int seed)
    {
        var random = new Random(seed);
        var drawn = new int[count];
        for (int i = 0; i < resamples && count > 1; i++)
        {
            for (int j = 0; j < count; j++)
                drawn[j] = random.Next(count);
            yield return drawn;
        }
    }

    /// <summary>What 95% of the measures lie in, those left out that are no number; null: there is none.</summary>
    public static Interval? IntervalOf(IEnumerable<double> measures)
    {
        double[] numbers = [.. measures.Where(measure => !double.IsNaN(measure))];
        return numbers.Length == 0 ? null : new Interval(Quantiles.Of(numbers, Tail), Quantiles.Of(numbers, 1 - Tail));
    }
}
