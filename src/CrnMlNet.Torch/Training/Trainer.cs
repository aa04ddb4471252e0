using System.Diagnostics;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>What a training did.</summary>
/// <param name="Steps">Steps taken.</param>
/// <param name="EpochsBegun">Epochs begun.</param>
/// <param name="Cancelled">Whether it was stopped before its end.</param>
/// <param name="LossByEpoch">The mean loss of every epoch begun.</param>
/// <param name="LayerWeights">lambda.</param>
/// <param name="Perception">What the perception network was.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record TrainingSummary(
    long Steps, int EpochsBegun, bool Cancelled, IReadOnlyList<double> LossByEpoch, LayerWeights LayerWeights, string Perception, TimeSpan Elapsed);

/// <summary>Trains a <see cref="CascadedRefinementNetwork"/> by feature matching (Eq. 1) with Adam, as the paper does.</summary>
public static class Trainer
{
    private const int CalibrationPairs = 32;

    /// <summary>Trains.</summary>
    /// <param name="network">The network, already on its device; it learns in place.</param>
    /// <param name="perception">Phi.</param>
    /// <param name="pairs">What to learn from; at least one pair.</param>
    /// <param name="options">How.</param>
    /// <param name="report">Is told of every step, on this thread.</param>
    /// <param name="log">Gets the few lines that are worth keeping.</param>
    /// <param name="cancellation">Ends the training after the current step; what was learned stays.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="ArithmeticException">The loss is no longer a number; the network is spoiled then.</exception>
    public static TrainingSummary Train(
        CascadedRefinementNetwork network, IPerceptionNetwork perception, TrainingPairs pairs, TrainingOptions options,
        Action<TrainingProgress> report, Action<string> log, CancellationToken cancellation)
    {
        options.Validate();
        var clock = Stopwatch.StartNew();
        var device = network.parameters().First().device;
        var objective = new FeatureMatching(perception, Calibrate(perception, pairs, device));
        log($"Feature matching (Eq. 1) with {perception.Description}; layer weights: {objective.Weights}.");

        using var adam = optim.Adam(network.parameters(), options.LearningRate);
        var loop = new EpochLoop(pairs.Count, options);
        network.train();
        loop.Run(
            (indices, mirrored) =>
            {
                using var scope = NewDisposeScope();
                var (layouts, photos) = pairs.Batch(indices, mirrored, device);
                adam.zero_grad();
                var loss = objective.Loss(network.forward(layouts).select(1, 0), photos);
                loss.backward();
                adam.step();
                return loss.item<float>();
            },
            report, cancellation);
        network.eval();
        return new TrainingSummary(
            loop.StepsDone, loop.LossByEpoch.Count, loop.StepsDone < loop.Steps, loop.LossByEpoch,
            objective.Weights, perception.Description, clock.Elapsed);
    }

    /// <summary>
    /// The inverse of each layer's expected contribution, before anything is learned: the mean difference between photos
    /// and the best constant guess, their own mean colours.
    /// </summary>
    private static LayerWeights Calibrate(IPerceptionNetwork perception, TrainingPairs pairs, Device device)
    {
        var layers = FeatureMatching.LayersOf(perception);
        var expected = new double[layers.Count];
        int count = Math.Min(CalibrationPairs, pairs.Count);
        using var _ = no_grad();
        for (int i = 0; i < count; i++)
        {
            using var scope = NewDisposeScope();
            int index = (int)((long)i * pairs.Count / count);
            var (layouts, photos) = pairs.Batch([index], [false], device);
            var terms = FeatureMatching.Terms(perception, ClassMeanColours.Paint(layouts, photos), photos);
            for (int layer = 0; layer < expected.Length; layer++)
                expected[layer] += terms[layer].item<float>() / count;
        }
        return LayerWeights.Balance(layers, expected);
    }
}
