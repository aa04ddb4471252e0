using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>What a training did.</summary>
/// <param name="Steps">Steps taken, those before a continuation included.</param>
/// <param name="EpochsBegun">Epochs begun.</param>
/// <param name="End">Why it ended.</param>
/// <param name="LossByEpoch">The mean loss of every epoch begun.</param>
/// <param name="ValidationLossByEpoch">The loss on the validation set after every epoch done; empty without such a set.</param>
/// <param name="LayerWeights">lambda; where it was rescaled, the last.</param>
/// <param name="RescaledAfter">The epoch after which lambda was rescaled: losses before and after do not compare. Null: it was not.</param>
/// <param name="Objective">What was minimized.</param>
/// <param name="Perception">What the perception network was.</param>
/// <param name="Elapsed">How long it took, the time before a continuation included.</param>
public sealed record TrainingSummary(
    long Steps, int EpochsBegun, TrainingEnd End, IReadOnlyList<double> LossByEpoch, IReadOnlyList<double> ValidationLossByEpoch,
    LayerWeights LayerWeights, int? RescaledAfter, string Objective, string Perception, TimeSpan Elapsed)
{
    /// <summary>Whether it was stopped before its end.</summary>
    public bool Cancelled => End == TrainingEnd.Cancelled;

    /// <summary>The epoch, from 1, whose weights the network has because its validation loss is the least; null: it has the last weights.</summary>
    public int? BestEpoch => TrainingState.BestEpoch(ValidationLossByEpoch, RescaledAfter) is > 0 and var epoch ? epoch : null;
}

/// <summary>Trains a <see cref="SynthesisNetwork"/> with Adam: as the paper does, by feature matching (Eq. 1), or for several images by diversity (Eq. 3); or by another <see cref="Objective"/>.</summary>
public static class Trainer
{
    private const int CalibrationPairs = 32;

    /// <summary>What sets the discriminator's weights apart from the painter's, which are of the same seed.</summary>
    private const ulong DiscriminatorSeed = 1UL << 32;

    /// <summary>The most of an estimate that is taken to be there after it did not fit.</summary>
    private const double FailedShare = 0.75;

    /// <summary>
    /// Trains. With a validation set the network ends with the weights of the epoch that does best there, otherwise with the
    /// last ones; with <see cref="TrainingOptions.AverageDecay"/> both are averages. With <see cref="TrainingOptions.CheckpointFolder"/>, the training found there is continued: on the CPU, with
    /// as many threads, it then comes to the same weights bit for bit as one that was never interrupted. The checkpoints are
    /// deleted when the training ends by itself, and stay when it is cancelled or fails.
    /// </summary>
    /// <param name="network">The network, already on its device; it learns in place.</param>
    /// <param name="perception">Phi.</param>
    /// <param name="pairs">What to learn from; at least one pair.</param>
    /// <param name="options">How.</param>
    /// <param name="report">Is told of every step, on this thread.</param>
    /// <param name="log">Gets the few lines that are worth keeping.</param>
    /// <param name="cancellation">Ends the training after the current step; what was learned stays.</param>
    /// <param name="validation">Pairs of the same size that are not learned from, and looked at after every epoch; null: none.</param>
    /// <param name="warn">Gets what is amiss but no error; null: <paramref name="log"/> does.</param>
    /// <param name="start">Where Adam begins; null: anew. It is disposed when it has been copied.</param>
    /// <param name="segmenter">
    /// The segmentation network, on the network's device, where the objective asks for one; null: one is trained on the pairs first. Stays the
    /// caller's to dispose.
    /// </param>
    /// <param name="reportSegmenter">Is told of every step of the segmentation network's training, where there is one.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="ArgumentException">There is a patience, but no validation set, or that is empty; or the layer weights are for other layers.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no longer a number, or the discriminator has collapsed; the network is spoiled then.</exception>
    /// <exception cref="InvalidOperationException">The checkpoint folder holds another training.</exception>
    /// <exception cref="IOException">The checkpoint folder cannot be made, or another training uses it.</exception>
    /// <exception cref="InsufficientMemoryException">The device's memory does not suffice; the message says what would fit.</exception>
    public static TrainingSummary Train(
        SynthesisNetwork network, IPerceptionNetwork perception, TrainingPairs pairs, TrainingOptions options,
        Action<TrainingProgress> report, Action<string> log, CancellationToken cancellation,
        TrainingPairs? validation = null, Action<string>? warn = null, AdamState? start = null, SegmentationNetwork? segmenter = null,
        Action<TrainingProgress>? reportSegmenter = null)
    {
        options.Validate();
        options.CheckFor(network.Architecture);
        if (validation?.Count == 0)
            throw new ArgumentException("The validation set is empty.", nameof(validation));
        if (options.EarlyStoppingPatience is not null && validation is null)
            throw new ArgumentException("EarlyStoppingPatience needs a validation set to look at.", nameof(options));
        if (validation is not null && !options.Objective.Measures)
            throw new ArgumentException("A validation set needs an objective that measures: a comparison or segmentation beside the adversarial term.", nameof(options));
        if (segmenter is not null && segmenter.Classes != network.Architecture.Channels - 1)
            throw new ArgumentException($"The segmentation network tells {segmenter.Classes} classes apart, and the layouts have {network.Architecture.Channels - 1}.", nameof(segmenter));
        return DeviceMemory.Guard(
            () => TrainOn(network, perception, segmenter, pairs, validation, options, start, report, reportSegmenter ?? (_ => { }), log, warn ?? log, network.parameters().First().device, cancellation),
            capacity => WhatFits(
                network.Architecture, options, pairs.CountByMemory + (validation?.CountByMemory ?? 0), validation is not null, capacity, perception));
    }

    /// <summary>What would fit where a training turned out not to, as a sentence.</summary>
    /// <param name="architecture">The network.</param>
    /// <param name="options">How it is trained.</param>
    /// <param name="pairs">Pairs in memory.</param>
    /// <param name="validates">Whether there is a validation set.</param>
    /// <param name="capacity">The device's memory in bytes; null: not known.</param>
    /// <param name="perception">What the photos are compared in; null: the bank of frequency filters.</param>
    internal static string WhatFits(
        SynthesisArchitecture architecture, TrainingOptions options, int pairs, bool validates, long? capacity, IPerceptionNetwork? perception = null)
    {
        // It did not fit, whatever the estimate was: so what is there is less than that.
        long estimate = MemoryEstimate.OfTraining(architecture, options, pairs, validates, perception).Total;
        return MemoryEstimate.TrainingThatFits(
            architecture, options, pairs, validates, Math.Min(capacity ?? MemoryEstimate.Available, (long)(FailedShare * estimate)), perception);
    }

    private static TrainingSummary TrainOn(
        SynthesisNetwork network, IPerceptionNetwork perception, SegmentationNetwork? given, TrainingPairs pairs, TrainingPairs? validation, TrainingOptions options,
        AdamState? start, Action<TrainingProgress> report, Action<TrainingProgress> reportSegmenter, Action<string> log, Action<string> warn, Device device, CancellationToken cancellation)
    {
        using var freed = FreedMemory.Keep();
        using var arena = Arena.Open();
        using var precision = MixedPrecision.Use(options.Precision == TrainingPrecision.BFloat16 || options.Precision == TrainingPrecision.Auto && device.type == DeviceType.CUDA);
        (network as CascadedRefinementNetwork)?.LearnOnly(options.NewestModules);
        bool isAdversarial = options.Objective.Adversarial > 0;
        using var adam = new Adam(network, options.LearningRate, isAdversarial ? Adversary.MeanDecay : Adam.MeanDecay);
        using var adversary = isAdversarial
            ? new Adversary(options.Objective, network.Architecture, options.LearningRate, (ulong)(uint)options.Seed + DiscriminatorSeed, device)
            : null;
        using var trained = options.Objective.Segmentation > 0 && given is null ? new SegmentationNetwork(network.Architecture.Channels - 1, (ulong)(uint)options.Seed) : null;
        trained?.to(device);
        var segmenter = options.Objective.Segmentation > 0 ? given ?? trained : null;
        using var best = new BestWeights(network);
        using var average = options.AverageDecay > 0 ? new WeightAverage(network, options.AverageDecay) : null;
        if (start is not null)
            adam.GoOnFrom(start);
        using var progress = TrainingCheckpoints.Open(
            network, adam, best, [.. adversary?.State ?? [], .. SegmenterState(trained), .. average?.State ?? [], .. PerceptionState(perception)],
            TrainingSubject.Of(network, perception, given, pairs, validation, options, start), pairs.Count, options, warn);
        start?.Dispose();
        if (progress?.State is { } state)
            log($"Training is continued after step {state.Steps} from '{options.CheckpointFolder}'.");
        if (trained is not null && progress?.State is null)
            TrainSegmenter(trained, pairs, options, reportSegmenter, log, cancellation);
        if (SelfTaughtPerception.In(perception) is { } own && progress?.State is null)
            TrainPerception(own, pairs, options, log, cancellation);
        var lambda = new LayerWeightSchedule(
            options.LayerWeights, progress?.LayerWeights ?? options.LayerWeights.StartFor(perception) ?? Calibrate(perception, pairs, device), progress?.TermSums);
        using var photoFeatures = new PhotoFeatures(perception, device.type == DeviceType.CPU ? options.PhotoFeatureMemory : 0, options.PhotoFeatureFolder, pairs.Count * (options.Mirror ? 2 : 1));
        var objective = new TrainingLoss(photoFeatures, network.Architecture.ImagesPerLayout, options, lambda, adversary, segmenter);
        log(options.Objective.Comparison == Comparison.None
            ? $"Learning by {objective.Description}."
            : $"Learning by {objective.Description}, compared in {perception.Description}; layer weights ({options.LayerWeights}): {lambda.Weights}.");
        if (options.LayerWeights.DoubtAbout(perception) is { } doubt)
            warn(doubt);
        if (options.LayerWeights.RescaleAfter >= options.Epochs)
            warn($"Layer weights are rescaled after epoch {options.LayerWeights.RescaleAfter}, and Epochs is {options.Epochs}: so they never are. Name an earlier epoch: paper:N.");

        EpochLoop loop = null!;
        loop = new EpochLoop(pairs.Count, options, progress?.State)
        {
            Begin = epoch =>
            {
                if (objective.BeginEpoch(epoch))
                    log($"Layer weights are rescaled after epoch {epoch - 1}: {lambda.Weights}.");
            },
            Validate = validation is null ? null : Validate,
            Keep = isEpochEnd =>
            {
                if (isEpochEnd && TrainingState.BestEpoch(loop.ValidationLossByEpoch, options.LayerWeights.RescaleAfter) is > 0 and var epoch && epoch == loop.ValidationLossByEpoch.Count)
                {
                    using var shown = average?.Shown();
                    best.Keep();
                }
                // A finite loss may have gradients that are not; they must not become the checkpoint or the model.
                if (isEpochEnd && !HasFiniteWeights(network))
                    throw new TrainingDivergedException($"The weights are no longer numbers after step {loop.StepsDone}. Lower the learning rate ({options.LearningRate}).");
                progress?.AfterStep(loop, lambda, isEpochEnd);
            },
        };
        network.train();
        var end = loop.Run(Step, average is null ? report : progress => report(progress with { ShowOutcome = average.Shown }), cancellation);
        network.eval();
        progress?.AtEnd(loop, lambda, end);
        average?.Exchange();
        best.Restore();
        (network as CascadedRefinementNetwork)?.LearnOnly(null);
        return new TrainingSummary(
            loop.StepsDone, loop.LossByEpoch.Count, end, loop.LossByEpoch, loop.ValidationLossByEpoch,
            lambda.Weights, loop.LossByEpoch.Count > options.LayerWeights.RescaleAfter ? options.LayerWeights.RescaleAfter : null,
            objective.Description, perception.Description, loop.Elapsed);

        double Step(ReadOnlySpan<int> indices, ReadOnlySpan<bool> mirrored)
        {
            using var scope = NewDisposeScope();
            var (layouts, photos) = pairs.Batch(indices, mirrored, device);
            // Photos in other light are never the same again, so nothing is to be remembered of them.
            if (options.ColourJitter > 0)
                photos = ColourJitter.Apply(photos, options.ColourJitter, TrainingLoss.SeedOf(options.Seed, loop.StepsDone));
            else
                photoFeatures.Expect(photos, indices, mirrored);
            network.BeginStep(((ulong)(uint)options.Seed << 32) + (ulong)loop.StepsDone);
            using var noise = options.NoiseSamples > 0 ? NearestNoise.Of(network, objective, layouts, photos, options, loop.StepsDone) : null;
            LearnAt(options.LearningRateAfter(loop.ShareDone));
            adam.ZeroGradients();
            double loss = options.GradientCheckpointing
                ? BackwardPass.Checkpointed((ChainedNetwork)network, layouts, LossOf)
                : BackwardPass.Plain(network, layouts, LossOf);
            if (adversary?.Collapse is { } collapse)
                throw new TrainingDivergedException(FormattableString.Invariant($"The training collapsed at step {loop.StepsDone + 1}: {collapse}. Lower the learning rate ({options.LearningRate}), or do without the adversarial term."));
            adam.Step();
            average?.Add(loop.StepsDone);
            return loss;

            Tensor LossOf(Tensor images) => objective.OfStep(images, layouts, photos, loop.StepsDone);
        }

        void LearnAt(double rate)
        {
            adam.LearningRate = rate;
            if (adversary is not null)
                adversary.LearningRate = rate;
        }

        double Validate()
        {
            using var shown = average?.Shown();
            return Loss(network, objective, validation!, options.BatchSize, device);
        }
    }

    /// <summary>Trains the segmentation network that the objective asks for, on the pairs themselves.</summary>
    private static void TrainSegmenter(SegmentationNetwork segmenter, TrainingPairs pairs, TrainingOptions options, Action<TrainingProgress> report, Action<string> log, CancellationToken cancellation)
    {
        var how = new SegmentationTrainingOptions { Seed = options.Seed, Epochs = options.SegmenterEpochs };
        log($"Training a segmentation network on the pairs first, {how.Epochs} epochs.");
        double loss = 0;
        SegmentationTraining.Train(segmenter, pairs, how, Report, cancellation);
        log(FormattableString.Invariant($"The segmentation network's loss in its last epoch is {loss:0.000} nats."));

        void Report(TrainingProgress progress)
        {
            loss = progress.Loss;
            report(progress);
        }
    }

    /// <summary>Has a perception network that teaches itself do that, on the pairs.</summary>
    private static void TrainPerception(SelfTaughtPerception perception, TrainingPairs pairs, TrainingOptions options, Action<string> log, CancellationToken cancellation)
    {
        log($"Training the perception network on the pairs first, {perception.Epochs} epochs.");
        double loss = 0;
        PerceptionTraining.Train(perception, pairs, options.Seed, progress => loss = progress.Loss, cancellation);
        log(FormattableString.Invariant($"The perception network's loss in its last epoch is {loss:0.000}."));
    }

    private static IEnumerable<(string Name, Tensor Value)> PerceptionState(IPerceptionNetwork perception) =>
        SelfTaughtPerception.In(perception)?.Network.named_parameters().Select(named => ($"perception.{named.name}", (Tensor)named.parameter)) ?? [];

    private static IEnumerable<(string Name, Tensor Value)> SegmenterState(SegmentationNetwork? segmenter) =>
        segmenter?.named_parameters().Select(named => ($"segmenter.{named.name}", (Tensor)named.parameter)) ?? [];

    private static bool HasFiniteWeights(SynthesisNetwork network)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return network.parameters().All(parameter => parameter.isfinite().all().item<bool>());
    }

    /// <summary>The mean loss over all pairs, none mirrored.</summary>
    private static double Loss(SynthesisNetwork network, TrainingLoss objective, TrainingPairs pairs, int batchSize, Device device)
    {
        using var _ = no_grad();
        var unmirrored = new bool[batchSize];
        double sum = 0;
        for (int first = 0; first < pairs.Count; first += batchSize)
        {
            using var scope = NewDisposeScope();
            int[] indices = [.. Enumerable.Range(first, Math.Min(batchSize, pairs.Count - first))];
            var (layouts, photos) = pairs.Batch(indices, unmirrored.AsSpan(0, indices.Length), device);
            sum += indices.Length * objective.OfValidation(network.forward(layouts), layouts, photos).item<float>();
        }
        return sum / pairs.Count;
    }

    /// <summary>
    /// The inverse of each layer's expected contribution, before anything is learned: the mean difference between photos
    /// and the best constant guess, their own mean colours.
    /// </summary>
    private static LayerWeights Calibrate(IPerceptionNetwork perception, TrainingPairs pairs, Device device)
    {
        var objective = new FeatureMatching(perception, LayerWeights.Even(FeatureObjective.LayersOf(perception)));
        var expected = new double[objective.Weights.Layers.Count];
        int count = Math.Min(CalibrationPairs, pairs.Count);
        using var _ = no_grad();
        for (int i = 0; i < count; i++)
        {
            using var scope = NewDisposeScope();
            int index = (int)((long)i * pairs.Count / count);
            var (layouts, photos) = pairs.Batch([index], [false], device);
            var terms = objective.Terms(ClassMeanColours.Paint(layouts, photos).unsqueeze(1), layouts, photos);
            for (int layer = 0; layer < expected.Length; layer++)
                expected[layer] += terms[layer].item<float>() / count;
        }
        return LayerWeights.Balance(objective.Weights.Layers, expected);
    }
}
