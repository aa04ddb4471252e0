using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>Has a <see cref="SelfTaughtPerception"/> learn from real pairs.</summary>
internal static class PerceptionTraining
{
    private const int BatchSize = 4;

    /// <summary>Adam's learning rate at the beginning; it falls to zero along half a cosine.</summary>
    private const double LearningRate = 1e-3;

    /// <summary>Trains; on the CPU, with as many threads, equal input and seeds give equal weights. Half of the times a pair is seen it is mirrored.</summary>
    /// <param name="perception">The network; it learns in place.</param>
    /// <param name="pairs">What to learn from, at least one pair.</param>
    /// <param name="seed">Decides order and mirroring.</param>
    /// <param name="report">Is told of every step, on this thread.</param>
    /// <param name="cancellation">Ends the training after the current step; what was learned stays.</param>
    /// <exception cref="ArgumentException">The pairs' classes are not the network's.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no longer a number.</exception>
    public static void Train(SelfTaughtPerception perception, TrainingPairs pairs, int seed, Action<TrainingProgress> report, CancellationToken cancellation)
    {
        if (pairs.Channels - 1 != perception.Classes)
            throw new ArgumentException($"The pairs have {pairs.Channels - 1} classes and void, the perception network learns {perception.Classes}.", nameof(pairs));
        perception.Learn(true);
        try
        {
            var options = new TrainingOptions { Epochs = perception.Epochs, BatchSize = BatchSize, LearningRate = LearningRate, Seed = seed };
            AnnealedTraining.Run(perception.Network, pairs, options, (layouts, photos) => perception.Loss(photos, layouts), report, cancellation);
        }
        finally
        {
            perception.Learn(false);
        }
    }
}
