using System.Diagnostics;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>Keeps one training in its <see cref="CheckpointFolder"/>, and brings it back from there.</summary>
internal sealed class TrainingCheckpoints : IDisposable
{
    private const string Weights = "weights.";
    private const string Means = "adam.mean.";
    private const string Squares = "adam.square.";
    private const string Steps = "adam.steps";
    private const string Best = "best.";

    private readonly CheckpointFolder _folder;
    private readonly TrainingSubject _subject;
    private readonly TrainingOptions _options;
    private readonly SynthesisNetwork _network;
    private readonly Adam _adam;
    private readonly BestWeights _best;
    private readonly IReadOnlyList<(string Name, Tensor Value)> _others;
    private readonly Action<string> _warn;
    private readonly Stopwatch _sinceLast = Stopwatch.StartNew();
    private long _stepsKept;

    private TrainingCheckpoints(
        CheckpointFolder folder, TrainingSubject subject, TrainingOptions options, SynthesisNetwork network, Adam adam, BestWeights best,
        IReadOnlyList<(string Name, Tensor Value)> others, Action<string> warn)
        => (_folder, _subject, _options, _network, _adam, _best, _others, _warn) = (folder, subject, options, network, adam, best, others, warn);

    /// <summary>Where the training that was found stood; null when none was.</summary>
    public TrainingState? State { get; private set; }

    /// <summary>lambda of the training that was found.</summary>
    public LayerWeights? LayerWeights { get; private set; }

    /// <summary>What the layers contributed in the epoch in which the training that was found stood.</summary>
    public IReadOnlyList<double>? TermSums { get; private set; }

    /// <summary>Takes the options' folder, and puts network and optimizer where the training in it stood.</summary>
    /// <param name="network">What learns.</param>
    /// <param name="adam">Its optimizer.</param>
    /// <param name="best">Its best weights so far.</param>
    /// <param name="others">All else that changes while training or was learned before it, by name.</param>
    /// <param name="subject">What is trained on what, and how.</param>
    /// <param name="pairs">How many pairs are learned from.</param>
    /// <param name="options">How is trained.</param>
    /// <param name="warn">Gets what is amiss but no error.</param>
    /// <returns>Null when the options name no folder.</returns>
    public static TrainingCheckpoints? Open(
        SynthesisNetwork network, Adam adam, BestWeights best, IReadOnlyList<(string Name, Tensor Value)> others,
        TrainingSubject subject, int pairs, TrainingOptions options, Action<string> warn)
    {
        if (options.CheckpointFolder is null)
            return null;
        var folder = new CheckpointFolder(options.CheckpointFolder);
        try
        {
            var checkpoints = new TrainingCheckpoints(folder, subject, options, network, adam, best, others, warn);
            if (folder.Read(subject, warn) is var (checkpoint, tensors))
                checkpoints.Restore(checkpoint, tensors, pairs);
            return checkpoints;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Writes a checkpoint when it is time for one.</summary>
    public void AfterStep(EpochLoop loop, LayerWeightSchedule lambda, bool isEpochEnd)
    {
        if (isEpochEnd || _sinceLast.Elapsed >= _options.CheckpointInterval)
            Write(loop.State, lambda);
    }

    /// <summary>Keeps a training that was cancelled, to be continued; leaves nothing of one that came to its end, unless told to.</summary>
    public void AtEnd(EpochLoop loop, LayerWeightSchedule lambda, TrainingEnd end)
    {
        if (end != TrainingEnd.Cancelled && !_options.KeepCheckpoint)
            _folder.Clear();
        else if (loop.StepsDone > _stepsKept)
            Write(loop.State, lambda);
    }

    /// <summary>Gives the folder back.</summary>
    public void Dispose() => _folder.Dispose();

    private void Write(TrainingState state, LayerWeightSchedule lambda)
    {
        _sinceLast.Restart();
        try
        {
            _folder.Write(new Checkpoint(_subject, state, lambda.Weights) { TermSums = lambda.Sums }, [.. Tensors()]);
            _stepsKept = state.Steps;
        }
        catch (IOException e)
        {
            // A full disk must not cost the training; there may be room again when the next checkpoint is due.
            _warn($"{e.Message} Training goes on; until a checkpoint can be written, it can be continued from step {_stepsKept} only.");
        }
    }

    private void Restore(Checkpoint checkpoint, Dictionary<string, Tensor> tensors, int pairs)
    {
        try
        {
            CheckEpochs(checkpoint.State, pairs);
            if (checkpoint.State.ValidationLossByEpoch.Count > 0)
                _best.Keep();
            using var _ = no_grad();
            using var scope = NewDisposeScope();
            // As a checkpoint without them has it: every parameter was changed in every step.
            _adam.Steps.Fill(checkpoint.State.Steps);
            foreach (var (name, target) in Tensors().Where(tensor => tensor.Name != Steps || tensors.ContainsKey(Steps)))
                target.copy_(tensors[name]);
        }
        finally
        {
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
        }
        (State, LayerWeights, TermSums) = (checkpoint.State, checkpoint.LayerWeights, checkpoint.TermSums);
        _stepsKept = checkpoint.State.Steps;
    }

    private void CheckEpochs(TrainingState state, int pairs)
    {
        long stepsPerEpoch = (pairs + _options.BatchSize - 1) / _options.BatchSize;
        if (state.Steps > stepsPerEpoch * _options.Epochs)
            throw new InvalidOperationException(
                $"The checkpoint folder '{_options.CheckpointFolder}' holds a training that is in its epoch {(state.Steps + stepsPerEpoch - 1) / stepsPerEpoch}, "
                + $"and Epochs is {_options.Epochs}. To continue it, ask for more epochs; to begin anew, delete the folder or name another one.");
    }

    private IEnumerable<(string Name, Tensor Value)> Tensors() =>
    [
        .. _network.named_parameters().Select(named => (Weights + named.name, (Tensor)named.parameter)),
        .. _adam.Moments.Select(moment => (Means + moment.Name, moment.Mean)),
        .. _adam.Moments.Select(moment => (Squares + moment.Name, moment.Square)),
        (Steps, _adam.Steps),
        .. _others,
        .. _best.Copies.Select(copy => (Best + copy.Name, copy.Value)),
    ];
}
