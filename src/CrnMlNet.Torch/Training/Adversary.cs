using System.Runtime.InteropServices;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// The discriminator of a training with an adversarial term: it learns along, one step before each of the painter's, by its own Adam. One that is sure of all that it sees rests:
/// of few pairs it would learn by heart which they are, and the painter could no longer follow. It is watched for collapse.
/// </summary>
internal sealed class Adversary : IDisposable
{
    /// <summary>Adam's decay of the mean in adversarial trainings, the painter's too: DCGAN's and Pix2pix' beta_1.</summary>
    public const double MeanDecay = 0.5;

    /// <summary>For how many steps in a row a discriminator is sure or blind before that counts as collapse.</summary>
    public const int CollapsedSteps = 500;

    /// <summary>A mean cross-entropy below which the discriminator is sure of every photo: it is right with a probability of 0.99.</summary>
    private const double Sure = 1e-2;

    /// <summary>A mean difference between the logits of real and synthesized photos below which it does not tell them apart at all.</summary>
    private const double Blind = 1e-4;

    /// <summary>The most that the discriminator's learning rate is, Pix2pix' and DCGAN's; a painter may learn faster by its other terms.</summary>
    private const double MostLearningRate = 2e-4;

    private const string Prefix = "discriminator.";

    private readonly Discriminator _discriminator;
    private readonly Adam _adam;
    private readonly Objective _objective;

    /// <param name="objective">What is minimized; with an adversarial term.</param>
    /// <param name="architecture">The painter.</param>
    /// <param name="learningRate">The painter's.</param>
    /// <param name="seed">Seeds the weights.</param>
    /// <param name="device">Where photos will be.</param>
    public Adversary(Objective objective, SynthesisArchitecture architecture, double learningRate, ulong seed, Device device)
    {
        _objective = objective;
        _discriminator = new Discriminator(objective.Discriminator, architecture, seed);
        _discriminator.to(device);
        _adam = new Adam(_discriminator, learningRate, MeanDecay);
        LearningRate = learningRate;
        Pinned = torch.zeros(2, ScalarType.Int64).DetachFromDisposeScope();
    }

    /// <summary>All that is needed to go on: weights, Adam's moments, and for how many steps in a row it was sure and was blind.</summary>
    public IEnumerable<(string Name, Tensor Value)> State =>
    [
        .. _discriminator.named_parameters().Select(named => ($"{Prefix}weights.{named.name}", (Tensor)named.parameter)),
        .. _adam.Moments.Select(moment => ($"{Prefix}mean.{moment.Name}", moment.Mean)),
        .. _adam.Moments.Select(moment => ($"{Prefix}square.{moment.Name}", moment.Square)),
        ($"{Prefix}steps", _adam.Steps),
        ($"{Prefix}pinned", Pinned),
    ];

    /// <summary>The painter's learning rate of this moment: it learns at the same, but at <see cref="MostLearningRate"/> at most.</summary>
    public double LearningRate
    {
        set => _adam.LearningRate = Math.Min(value, MostLearningRate);
    }

    /// <summary>Steps in a row in which it was sure, and in which it was blind, <c>[2]</c>, int64, on the CPU.</summary>
    private Tensor Pinned { get; }

    /// <summary>What has become of the discriminator, in words; null: it does its work.</summary>
    public string? Collapse => Steps(0) >= CollapsedSteps
        ? $"the discriminator has been sure of every photo for {CollapsedSteps} steps, so that there is nothing to learn from it"
        : Steps(1) >= CollapsedSteps ? $"the discriminator has told nothing apart for {CollapsedSteps} steps" : null;

    /// <summary>Learns to tell photos from images: one step, unless it is sure of these.</summary>
    /// <param name="images">The synthesized images <c>[N, k, 3, H, W]</c>. No gradient flows to them.</param>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="photos">The photos <c>[N, 3, H, W]</c>.</param>
    public void Learn(Tensor images, Tensor layouts, Tensor photos)
    {
        using var scope = NewDisposeScope();
        _adam.ZeroGradients();
        Tensor[] real = [.. _discriminator.Look(layouts, photos).Select(layers => layers[^1])];
        Tensor[] synthesized = [.. _discriminator.Look(Repeated(layouts, images), images.detach().flatten(0, 1)).Select(layers => layers[^1])];
        var loss = Mean(real.Zip(synthesized, AdversarialLoss.OfDiscriminator));
        double nats = loss.item<float>();
        if (nats >= Sure)
        {
            loss.BackPropagate();
            _adam.Step();
        }
        Watch(nats, Mean(real.Zip(synthesized, (one, other) => one.mean() - other.mean())).item<float>());
    }

    /// <summary>The adversarial term and that of feature matching, weighted.</summary>
    /// <param name="images">The synthesized images <c>[N, k, 3, H, W]</c>. Gradients flow to these alone.</param>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="photos">The photos <c>[N, 3, H, W]</c>.</param>
    /// <param name="step">How many steps the training has taken: in the first ones the weights may still grow.</param>
    /// <returns>A scalar tensor.</returns>
    public Tensor Loss(Tensor images, Tensor layouts, Tensor photos, long step)
    {
        double grown = Math.Min(1, (step + 1.0) / Math.Max(1, _objective.AdversarialGrowth));
        Learns(false);
        try
        {
            var synthesized = _discriminator.Look(Repeated(layouts, images), images.flatten(0, 1));
            var loss = Mean(synthesized.Select(layers => AdversarialLoss.OfPainter(layers[^1]))).Times(grown * _objective.Adversarial);
            if (_objective.DiscriminatorFeatures == 0)
                return loss;
            IEnumerable<Tensor[]> real;
            using (no_grad())
                real = [.. _discriminator.Look(layouts, photos).Select(layers => layers.Select(layer => layer.repeat_interleave(images.shape[1], 0)).ToArray())];
            return loss.Plus(Mean(real.Zip(synthesized, AdversarialLoss.FeatureMatching)).Times(grown * _objective.DiscriminatorFeatures));
        }
        finally
        {
            Learns(true);
        }
    }

    /// <summary>Frees the discriminator and its optimizer.</summary>
    public void Dispose()
    {
        _discriminator.Dispose();
        _adam.Dispose();
        Pinned.Dispose();
    }

    /// <summary>The mean over scales of a scalar.</summary>
    private static Tensor Mean(IEnumerable<Tensor> scales) => scales.ToArray() is var each && each.Length == 1 ? each[0] : torch.stack(each).mean();

    private static Tensor Repeated(Tensor layouts, Tensor images) => images.shape[1] == 1 ? layouts : layouts.repeat_interleave(images.shape[1], 0);

    private void Learns(bool learns)
    {
        foreach (var parameter in _discriminator.parameters())
            parameter.requires_grad = learns;
    }

    private void Watch(double loss, double difference)
    {
        Count(0, loss < Sure);
        Count(1, Math.Abs(difference) < Blind);
    }

    private long Steps(int place) => MemoryMarshal.Cast<byte, long>(Pinned.bytes)[place];

    private void Count(int place, bool isPinned)
    {
        ref long steps = ref MemoryMarshal.Cast<byte, long>(Pinned.bytes)[place];
        steps = isPinned ? steps + 1 : 0;
    }
}
