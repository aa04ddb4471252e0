using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>How a segmentation network is trained.</summary>
public sealed record SegmentationTrainingOptions
{
    /// <summary>How often every pair is seen; at least 1.</summary>
    public int Epochs { get; init; } = 20;

    /// <summary>Pairs in a step; at least 1.</summary>
    public int BatchSize { get; init; } = 4;

    /// <summary>Adam's learning rate at the beginning; it falls to zero along half a cosine. Above 0 and below 1.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>Seeds the order of the pairs and the mirroring.</summary>
    public int Seed { get; init; }

    internal TrainingOptions ForLoop => new() { Epochs = Epochs, BatchSize = BatchSize, LearningRate = LearningRate, Seed = Seed };
}

/// <summary>Trains a <see cref="SegmentationNetwork"/> on real photos and their layouts by pixelwise cross-entropy.</summary>
/// <remarks>
/// Void pixels teach nothing. The classes' weights are the inverse square roots of their shares of the pixels, so that what is rare and
/// small is learned, too. Half of the times a pair is seen it is mirrored.
/// </remarks>
public static class SegmentationTraining
{
    /// <summary>Trains; on the CPU, with as many threads, equal input and seeds give equal weights.</summary>
    /// <param name="network">The network, already on its device; it learns in place.</param>
    /// <param name="pairs">What to learn from, at least one pair; the last of their channels is void, the others the network's classes.</param>
    /// <param name="options">How.</param>
    /// <param name="report">Is told of every step, on this thread; the loss is the mean cross-entropy in nats, classes weighted.</param>
    /// <param name="cancellation">Ends the training after the current step; what was learned stays.</param>
    /// <returns>Why it ended.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="ArgumentException">The classes are not the network's, there is no pair, or all pixels are void.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no longer a number; the network is spoiled then.</exception>
    public static TrainingEnd Train(
        SegmentationNetwork network, TrainingPairs pairs, SegmentationTrainingOptions options, Action<TrainingProgress> report, CancellationToken cancellation)
    {
        options.ForLoop.Validate();
        if (pairs.Channels - 1 != network.Classes)
            throw new ArgumentException($"The pairs have {pairs.Channels - 1} classes and void, the network tells {network.Classes} apart.", nameof(pairs));
        if (pairs.Count == 0)
            throw new ArgumentException("There is no pair to learn from.", nameof(pairs));

        var device = network.parameters().First().device;
        using var weights = ClassWeights(pairs, device);
        network.Learn(true);
        try
        {
            network.train();
            return AnnealedTraining.Run(network, pairs, options.ForLoop, (layouts, photos) => Loss(network.forward(photos), layouts, weights), report, cancellation);
        }
        finally
        {
            network.Learn(false);
            network.eval();
        }
    }

    /// <summary>The weighted mean of the pixels' cross-entropies; a batch in which all is void loses nothing.</summary>
    private static Tensor Loss(Tensor logits, Tensor layouts, Tensor weights)
    {
        // Void is left out: it has no logit and no weight.
        var classes = layouts.narrow(1, 0, weights.shape[1]) * weights;
        return (classes * nn.functional.log_softmax(logits, 1)).sum().neg() / classes.sum().AtLeast(1e-6);
    }

    private static Tensor ClassWeights(TrainingPairs pairs, Device device)
    {
        var shares = new double[pairs.Channels];
        for (int i = 0; i < pairs.Count; i++)
        {
            using var scope = NewDisposeScope();
            var (layouts, _) = pairs.Batch([i], [false], CPU);
            var ofPair = layouts.mean([0, 2, 3]).data<float>();
            for (int channel = 0; channel < shares.Length; channel++)
                shares[channel] += ofPair[channel] / pairs.Count;
        }
        double most = shares.SkipLast(1).Max();
        if (most == 0)
            throw new ArgumentException("All pixels of all pairs are void, so there is nothing to learn.", nameof(pairs));
        // A class that is nowhere needs no weight.
        float[] weights = [.. shares.SkipLast(1).Select(share => share == 0 ? 0 : (float)Math.Sqrt(most / share))];
        return torch.tensor(weights, [1, weights.Length, 1, 1], device: device);
    }
}
