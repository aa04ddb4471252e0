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
        Of(values.Count, drawn => drawn.Sum(i => values[i]) / drawn.Length, resamples, seed);

    /// <summary>The interval of any measure.</summary>
    /// <param name="count">How many pairs there are.</param>
    /// <param name="measure">Takes the measure of the pairs of these indices, some of which come more than once.</param>
    /// <param name="resamples">How often it is taken; 0 for no interval.</param>
    /// <param name="seed">Seeds the drawing.</param>
    public static Interval? Of(int count, Func<int[], double> measure, int resamples, int seed)
    {
        if (count < 2 || resamples < 1)
            return null;
        var random = new Random(seed);
        var drawn = new int[count];
        var measured = new double[resamples];
        for (int i = 0; i < resamples; i++)
        {
            for (int j = 0; j < count; j++)
                drawn[j] = random.Next(count);
            measured[i] = measure(drawn);
        }
        return new Interval(Quantiles.Of(measured, Tail), Quantiles.Of(measured, 1 - Tail));
    }
}
