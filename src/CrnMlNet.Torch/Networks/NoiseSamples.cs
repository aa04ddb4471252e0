using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>Which of all possible noises networks get that run on this thread, until it is disposed; otherwise it is that of seed 0.</summary>
internal sealed class NoiseSamples : IDisposable
{
    [ThreadStatic]
    private static NoiseSamples? _current;

    private readonly ulong[] _seeds;
    private readonly NoiseSamples? _before;

    /// <param name="seeds">A seed for all layouts that are painted at once, or one for each.</param>
    public NoiseSamples(params ulong[] seeds)
    {
        (_seeds, _before) = (seeds, _current);
        _current = this;
    }

    /// <summary>What was chosen for this thread; null: nothing.</summary>
    public static NoiseSamples? Current => _current;

    /// <summary>The noise for layouts.</summary>
    /// <param name="labels">The layouts <c>[N, c, rows, columns]</c>.</param>
    /// <param name="channels">Channels of noise.</param>
    /// <param name="place">Numbers the resolutions that get noise, from 0.</param>
    /// <returns><c>[N, channels, rows, columns]</c>, or <c>[1, ...]</c> where it is the same for all.</returns>
    public Tensor On(Tensor labels, int channels, int place)
    {
        if (_seeds.Length != 1 && _seeds.Length != labels.shape[0])
            throw new InvalidOperationException($"There are {_seeds.Length} seeds for the noise of {labels.shape[0]} layouts.");
        using var scope = NewDisposeScope();
        var planes = _seeds.Select(seed => FixedNoise.Plane(channels, (int)labels.shape[2], (int)labels.shape[3], place, seed)).ToArray();
        return torch.cat(planes).to(labels.device).MoveToOuterDisposeScope();
    }

    /// <summary>Gives back what was chosen before.</summary>
    public void Dispose() => _current = _before;
}
