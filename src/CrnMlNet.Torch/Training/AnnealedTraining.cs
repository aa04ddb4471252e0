using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>The training of a network that is to look at photos: by Adam, whose learning rate falls to zero along half a cosine.</summary>
internal static class AnnealedTraining
{
    /// <summary>Trains.</summary>
    /// <param name="network">What learns, in place, on its device.</param>
    /// <param name="pairs">What to learn from.</param>
    /// <param name="options">How; the learning rate is that of the beginning.</param>
    /// <param name="lossOf">Makes a scalar of layouts <c>[N, c, H, W]</c> and photos <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <param name="report">Is told of every step, on this thread.</param>
    /// <param name="cancellation">Ends the training after the current step.</param>
    /// <exception cref="TrainingDivergedException">The loss is no longer a number.</exception>
    public static TrainingEnd Run(
        nn.Module network, TrainingPairs pairs, TrainingOptions options, Func<Tensor, Tensor, Tensor> lossOf, Action<TrainingProgress> report, CancellationToken cancellation)
    {
        var device = network.parameters().First().device;
        using var adam = new Adam(network, options.LearningRate);
        using var freed = FreedMemory.Keep();
        using var arena = Arena.Open();
        var loop = new EpochLoop(pairs.Count, options);
        return loop.Run(Step, report, cancellation);

        double Step(ReadOnlySpan<int> indices, ReadOnlySpan<bool> mirrored)
        {
            using var scope = NewDisposeScope();
            var (layouts, photos) = pairs.Batch(indices, mirrored, device);
            adam.LearningRate = options.LearningRate * (1 + Math.Cos(Math.PI * loop.StepsDone / loop.Steps)) / 2;
            adam.ZeroGradients();
            var loss = lossOf(layouts, photos);
            loss.BackPropagate();
            adam.Step();
            return loss.item<float>();
        }
    }
}
