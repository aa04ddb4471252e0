namespace AutoSynthesis;

/// <summary>Tries the defaults, then settings at random, each for the same number of epochs.</summary>
public sealed class RandomSearch(SearchSpace space, int candidates, int epochs, int seed) : ITuner
{
    private readonly Random _random = new(seed);
    private int _next;

    public TrialSettings? Propose() => _next == candidates
        ? null
        : new TrialSettings(_next, _next == 0 ? space.Default : space.Sample(_random), epochs, Candidate: _next++);

    public void Update(TrialResult result)
    {
    }
}
