using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// The exponential moving average of those weights of a network that learn (Polyak &amp; Juditsky, 1992): what the last steps have in common, without
/// their to and fro.
/// </summary>
/// <param name="network">The network, on its device; the average begins with its weights of this moment.</param>
/// <param name="decay">
/// What a step leaves of the average before, at most: of the first steps less, (1 + t) / (10 + t) after t of them, so that where training began is soon
/// forgotten (as TensorFlow's <c>ExponentialMovingAverage</c> with <c>num_updates</c>).
/// </param>
internal sealed class WeightAverage(SynthesisNetwork network, double decay) : IDisposable
{
    private const string Prefix = "average.";

    private readonly (string Name, Tensor Parameter, Tensor Average)[] _learned = Beginning(network);

    /// <summary>The average, to go on from.</summary>
    public IEnumerable<(string Name, Tensor Value)> State => _learned.Select(learned => (Prefix + learned.Name, learned.Average));

    /// <summary>Takes the weights of this moment into the average.</summary>
    /// <param name="before">How often that was done before.</param>
    public void Add(long before)
    {
        double stays = Math.Min(decay, (1.0 + before) / (10.0 + before));
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using Scalar old = stays, share = 1 - stays;
        foreach (var (_, parameter, average) in _learned)
            average.mul_(old).add_(parameter, share);
    }

    /// <summary>Gives the network the average, and keeps its weights instead; and the other way round.</summary>
    public void Exchange()
    {
        using var _ = no_grad();
        foreach (var (_, parameter, average) in _learned)
        {
            using var scope = NewDisposeScope();
            var weights = parameter.clone();
            parameter.copy_(average);
            average.copy_(weights);
        }
    }

    /// <summary>Has the network be the average for a while.</summary>
    /// <returns>To be disposed when it is to be itself again.</returns>
    public IDisposable Shown()
    {
        Exchange();
        return new Showing(this);
    }

    /// <summary>Frees the average.</summary>
    public void Dispose()
    {
        foreach (var (_, _, average) in _learned)
            average.Dispose();
    }

    private static (string Name, Tensor Parameter, Tensor Average)[] Beginning(SynthesisNetwork network)
    {
        using var scope = NewDisposeScope();
        return
        [
            .. network.named_parameters().Where(named => named.parameter.requires_grad)
                .Select(named => (named.name, (Tensor)named.parameter, named.parameter.detach().clone().DetachFromDisposeScope())),
        ];
    }

    private sealed class Showing(WeightAverage average) : IDisposable
    {
        public void Dispose() => average.Exchange();
    }
}
