namespace CrnMlNet;

/// <summary>What becomes of a training that is cancelled by its <see cref="SynthesizeFromLabelsEstimator.Options.CancellationToken"/>.</summary>
public enum CancellationPolicy
{
    /// <summary>
    /// The result is a model: with a validation set that of the best epoch so far, otherwise, or when no epoch is done, the state
    /// after the last step. When there was no step, <see cref="OperationCanceledException"/> is thrown.
    /// </summary>
    BestSoFar,

    /// <summary><see cref="OperationCanceledException"/> is thrown. Checkpoints stay, so that training can be continued.</summary>
    Throw,
}
