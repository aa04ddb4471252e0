namespace AutoSynthesis;

/// <summary>
/// Tries the defaults and settings at random for a few epochs, goes on with the better third of them three times as long, and so on
/// until the last few have had all epochs (Jamieson &amp; Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
/// Optimization", 2016).
/// </summary>
public sealed class SuccessiveHalving : ITuner
{
    /// <summary>Of how many candidates one goes on, and how much longer.</summary>
    public const int Reduction = 3;

    private readonly int _epochs;
    private readonly List<(int Candidate, Parameter Parameter, double Loss)> _measured = [];
    private Queue<(int Candidate, Parameter Parameter)> _waiting;
    private int _rungsLeft;
    private int _nextTrial;

    /// <param name="space">The space.</param>
    /// <param name="candidates">How many settings to begin with, the defaults among them.</param>
    /// <param name="epochs">What the last ones get.</param>
    /// <param name="seed">The same seed tries the same settings.</param>
    public SuccessiveHalving(SearchSpace space, int candidates, int epochs, int seed)
    {
        var random = new Random(seed);
        _epochs = epochs;
        _waiting = new(Enumerable.Range(0, candidates).Select(candidate => (candidate, candidate == 0 ? space.Default : space.Sample(random))));
        for (int left = candidates, share = epochs; left >= Reduction && share >= Reduction; left /= Reduction, share /= Reduction)
            _rungsLeft++;
    }

    public TrialSettings? Propose()
    {
        if (_waiting.Count == 0 && !Climb())
            return null;
        var (candidate, parameter) = _waiting.Dequeue();
        return new TrialSettings(_nextTrial++, parameter, _epochs / (int)Math.Pow(Reduction, _rungsLeft), candidate);
    }

    public void Update(TrialResult result) => _measured.Add((result.Settings.Candidate, result.Settings.Parameter, result.Loss));

    /// <summary>The better third goes on; failed trials do not.</summary>
    private bool Climb()
    {
        if (_rungsLeft == 0)
            return false;
        _rungsLeft--;
        _waiting = new(_measured.Where(trial => !double.IsNaN(trial.Loss)).OrderBy(trial => trial.Loss).Take(Math.Max(1, _measured.Count / Reduction))
            .Select(trial => (trial.Candidate, trial.Parameter)));
        _measured.Clear();
        return _waiting.Count > 0;
    }
}
