using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// A perception network made from the training pairs alone, for use where no VGG-19 weights are at hand: a narrow
/// <see cref="VggTrunk"/> that learns, at every tap but the first, to tell the class proportions of each cell of the photo
/// and the mean and spread of its colours. The classes make it see objects, the colours make it see colour and texture.
/// </summary>
public sealed class SelfTrainedPerception : IPerceptionNetwork
{
    private const double WidthFactor = 0.25;
    private const int FirstSupervisedTap = 1;
    private const int ColourTargets = 6;

    // The means that the authors subtract for VGG-19; the scale brings pixels to about unit variance for He initialisation.
    private static readonly float[] ChannelMeans = [123.68f, 116.779f, 103.939f];
    private const float ChannelScale = 60;

    private readonly VggTrunk _trunk;
    private readonly Tensor _means;

    private SelfTrainedPerception(VggTrunk trunk, Tensor means) => (_trunk, _means) = (trunk, means);

    /// <inheritdoc/>
    public string Description => "a perception network trained on these pairs (no VGG-19 weights given)";

    /// <inheritdoc/>
    public IReadOnlyList<string> Taps => VggTrunk.Taps;

    /// <summary>Trains one.</summary>
    /// <param name="pairs">The pairs to learn from.</param>
    /// <param name="options">How long and how; a learning rate around 1e-3 suits.</param>
    /// <param name="device">Where.</param>
    /// <param name="report">Is told of every step.</param>
    /// <param name="cancellation">Ends the training early.</param>
    /// <returns>The network, fixed from now on.</returns>
    public static SelfTrainedPerception Train(
        TrainingPairs pairs, TrainingOptions options, Device device, Action<TrainingProgress> report, CancellationToken cancellation)
    {
        using var generator = new Generator((ulong)options.Seed);
        var trunk = new VggTrunk(WidthFactor, generator);
        Conv2d[] heads = [.. trunk.Features.Skip(FirstSupervisedTap).Select(features => Head(features, pairs.Channels + ColourTargets, generator))];
        var network = new SelfTrainedPerception(trunk.to(device), torch.tensor(ChannelMeans, [1, 3, 1, 1], device: device));
        foreach (var head in heads)
            head.to(device);
        try
        {
            using var adam = optim.Adam([.. trunk.parameters(), .. heads.SelectMany(head => head.parameters())], options.LearningRate);
            new EpochLoop(TrainingStage.Perception, pairs.Count, options).Run(
                (indices, mirrored) =>
                {
                    using var scope = NewDisposeScope();
                    var (layouts, photos) = pairs.Batch(indices, mirrored, device);
                    adam.zero_grad();
                    var loss = network.Loss(heads, layouts, photos);
                    loss.backward();
                    adam.step();
                    return loss.item<float>();
                },
                report, cancellation);
            foreach (var parameter in trunk.parameters())
                parameter.requires_grad = false;
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
        finally
        {
            foreach (var head in heads)
                head.Dispose();
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Features(Tensor images) => _trunk.forward((images - _means) / ChannelScale);

    /// <inheritdoc/>
    public void Dispose()
    {
        _trunk.Dispose();
        _means.Dispose();
    }

    private Tensor Loss(Conv2d[] heads, Tensor layouts, Tensor photos)
    {
        var taps = Features(photos);
        var proportions = layouts;
        var mean = photos / 255;
        var square = mean.square();
        Tensor loss = torch.zeros(1, device: photos.device);
        for (int tap = FirstSupervisedTap; tap < taps.Count; tap++)
        {
            proportions = nn.functional.avg_pool2d(proportions, 2);
            mean = nn.functional.avg_pool2d(mean, 2);
            square = nn.functional.avg_pool2d(square, 2);
            var spread = (square - mean.square()).clamp(min: 0).sqrt();

            var said = heads[tap - FirstSupervisedTap].forward(taps[tap]);
            long classes = proportions.shape[1];
            var logProbabilities = nn.functional.log_softmax(said.narrow(1, 0, classes), 1);
            var colours = said.narrow(1, classes, ColourTargets);
            loss += -(proportions * logProbabilities).sum(1).mean()
                + 10 * (colours - torch.cat([mean, spread], 1)).abs().mean();
        }
        return loss;
    }

    private static Conv2d Head(int features, int outputs, Generator generator)
    {
        var head = nn.Conv2d(features, outputs, 1);
        using var _ = no_grad();
        head.weight.normal_(0, Math.Sqrt(1.0 / features), generator);
        head.bias!.zero_();
        return head;
    }
}
