using CrnMlNet.Torch.Objectives;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// lambda over a training: rescaled once where the weighting wants that, to what the layers contributed in the epoch before.
/// </summary>
/// <param name="weighting">How the weights are chosen.</param>
/// <param name="weights">The weights to begin with, or those of the training that is continued.</param>
/// <param name="sums">What the layers contributed so far in the epoch that is continued; null: nothing.</param>
internal sealed class LayerWeightSchedule(LayerWeighting weighting, LayerWeights weights, IReadOnlyList<double>? sums = null)
{
    private double[] _sums = sums is { Count: > 0 } ? [.. sums] : new double[weights.Layers.Count];

    /// <summary>lambda now.</summary>
    public LayerWeights Weights { get; private set; } = weights;

    /// <summary>For each layer the sum over this epoch's pairs so far of what it contributed, not weighted; between two epochs over the last one's.</summary>
    public IReadOnlyList<double> Sums => _sums;

    /// <summary>To be told before the first step of an epoch.</summary>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <returns>Whether the weights are others now.</returns>
    public bool BeginEpoch(int epoch)
    {
        bool isRescaled = epoch - 1 == weighting.RescaleAfter;
        if (isRescaled)
            Weights = LayerWeights.Balance(Weights.Layers, _sums);
        _sums = new double[_sums.Length];
        return isRescaled;
    }

    /// <summary>To be told what the layers contributed in a step.</summary>
    /// <param name="terms">The objective's terms.</param>
    /// <param name="pairs">Of how many pairs they are the mean.</param>
    public void Add(ReadOnlySpan<float> terms, int pairs)
    {
        for (int layer = 0; layer < _sums.Length; layer++)
            _sums[layer] += (double)terms[layer] * pairs;
    }
}
