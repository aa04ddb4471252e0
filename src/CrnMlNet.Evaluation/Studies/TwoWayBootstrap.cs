namespace CrnMlNet.Evaluation.Studies;

/// <summary>
/// Resamples workers and layouts, each with replacement and independently of each other; an answer counts as often as its worker
/// times as often as its layout was drawn (A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 2007). Answers of
/// one worker, or about one layout, are alike, and so say less than as many independent ones. Where they are not alike at all, these
/// intervals are too wide, by a factor of up to the square root of 3.
/// </summary>
internal sealed class TwoWayBootstrap
{
    private readonly Dictionary<string, int> _workers;
    private readonly Dictionary<string, int> _layouts;
    private readonly int _replicates;
    private readonly int _seed;

    public TwoWayBootstrap(IReadOnlyList<Judgement> judgements, int replicates, int seed)
    {
        _workers = Number(judgements.Select(judgement => judgement.Worker));
        _layouts = Number(judgements.Select(judgement => judgement.Layout));
        (_replicates, _seed) = (replicates, seed);
    }

    /// <summary>The 95% intervals of statistics of some of the answers.</summary>
    /// <param name="judgements">The answers.</param>
    /// <param name="statistics">Computes the statistics of the answers, each of which counts as often as its weight says; null: they
    /// cannot be told of this sample, which is passed over.</param>
    /// <returns>Null when there is nothing to resample: not two workers and two layouts.</returns>
    public IReadOnlyList<Interval?>? Of(IReadOnlyList<Judgement> judgements, Func<int[], IReadOnlyList<double>?> statistics)
    {
        if (_replicates == 0 || _workers.Count < 2 || _layouts.Count < 2)
            return null;
        // The same samples for all statistics, whichever is asked for first.
        var random = new Random(_seed);
        int[] worker = [.. judgements.Select(judgement => _workers[judgement.Worker])], layout = [.. judgements.Select(judgement => _layouts[judgement.Layout])];
        var (workers, layouts, weights) = (new int[_workers.Count], new int[_layouts.Count], new int[judgements.Count]);
        List<double>[]? values = null;
        for (int replicate = 0; replicate < _replicates; replicate++)
        {
            Draw(workers, random);
            Draw(layouts, random);
            for (int i = 0; i < weights.Length; i++)
                weights[i] = workers[worker[i]] * layouts[layout[i]];
            if (statistics(weights) is not { } computed)
                continue;
            values ??= [.. computed.Select(_ => new List<double>())];
            for (int i = 0; i < values.Length; i++)
                values[i].Add(computed[i]);
        }
        return values?.Select(Bootstrap.IntervalOf).ToArray();
    }

    /// <summary>How often each of as many as there are is drawn.</summary>
    private static void Draw(int[] counts, Random random)
    {
        Array.Clear(counts);
        for (int i = 0; i < counts.Length; i++)
            counts[random.Next(counts.Length)]++;
    }

    private static Dictionary<string, int> Number(IEnumerable<string> names)
        => names.Distinct().Order(StringComparer.Ordinal).Select((name, number) => (name, number)).ToDictionary(entry => entry.name, entry => entry.number);
}
