using CrnMlNet.Data;
using CrnMlNet.Persistence;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using TorchSharp;

namespace CrnMlNet;

/// <summary>
/// Learns to paint photographs from semantic label maps with a Cascaded Refinement Network (Chen &amp; Koltun, "Photographic
/// Image Synthesis with Cascaded Refinement Networks", ICCV 2017), or with one of the systems that the paper compares it with:
/// see <see cref="Recipe"/>.
/// </summary>
/// <remarks>
/// <para>Input: a column of labels and, to fit, a column of photos, <see cref="MLImage"/> of any size and of the same aspect as the row's
/// labels. Labels may be</para>
/// <list type="bullet">
/// <item>images, whose gray values are ids or whose colours are classes, of any size;</item>
/// <item>text: the paths of label files, which are read with all that is lost in an <see cref="MLImage"/>: gray values of up to 16 bits,
/// palette PNGs' indices (see <see cref="LabelMap"/>). Relative paths begin in <see cref="Options.LabelFolder"/>;</item>
/// <item>vectors of <see cref="byte"/>, <see cref="ushort"/> or <see cref="int"/>: ids, row by row from the top. A vector type of two dimensions,
/// <c>[height, width]</c>, may be of any size; one of a single dimension has the options' size, height x width;</item>
/// <item>vectors of keys, of the same sizes. A missing key (0) is void. Without <c>KeyValues</c>, key 1 is the palette's first class; with them, they
/// are names of the palette's classes, or ids;</item>
/// <item>soft labels, vectors of <see cref="float"/>: <c>[classes, height, width]</c>, a plane of shares for each of the palette's classes and, if there is one
/// more plane, for void. Each pixel's shares sum to one.</item>
/// </list>
/// <para>Labels of another size than the options' are brought to it by nearest neighbour, whatever they are. A model reads all of these kinds,
/// whichever it learned from. Its output schema has the class names as the label column's <c>KeyValues</c>, in the order of the palette, unless
/// the column has such already.</para>
/// <para>Output: a column of images of the options' height and width, or of vectors; see <see cref="OutputKind"/>. For a network that synthesizes several
/// images for a layout, as many columns, or a chosen one: <see cref="Options.OutputImage"/>.</para>
/// <para>The image columns of ML.NET's <c>LoadImages</c> are read row by row once, before training starts, and kept in
/// memory at the working size: 4 bytes a pixel and pair.</para>
/// <para>Before training the log says how much memory it will take, and after its first steps how much time, both within 30%.
/// What is far above the machine's memory (or the container's) is refused before it is taken.</para>
/// <para>Made by <see cref="SynthesisCatalog"/>.</para>
/// </remarks>
public sealed partial class SynthesizeFromLabelsEstimator : IEstimator<SynthesizeFromLabelsTransformer>
{
    private readonly IHost _host;
    private readonly IHostEnvironment _environment;
    private readonly Options _options;

    internal SynthesizeFromLabelsEstimator(IHostEnvironment environment, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _environment = environment;
        _host = environment.Register(nameof(SynthesizeFromLabelsEstimator));
        _options = options.Copy();
        _options.Validate(_host);
    }

    /// <summary>Trains a network on the pairs of <paramref name="input"/>.</summary>
    /// <param name="input">Data with the label and the photo column.</param>
    /// <returns>The trained transformer, to be disposed when it is no longer needed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a type that is not read, or the options' device is none.</exception>
    /// <exception cref="ArgumentException">The layer weights are for other layers than those of the perception network.</exception>
    /// <exception cref="InvalidOperationException">There are no rows, or one cannot be learned from (the message names row, file, column and
    /// value), or the device asked for is not there.</exception>
    /// <exception cref="TorchBackendException">libtorch does not start.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no longer a number, or the discriminator of an adversarial recipe has collapsed: the learning
    /// rate is too high.</exception>
    /// <exception cref="OperationCanceledException">Training was cancelled before its first step, or later where the options want that
    /// thrown, or ML.NET cancelled the context.</exception>
    /// <exception cref="InsufficientMemoryException">The training is far above this machine's memory, or turns out to be above that of the device;
    /// the message says what would fit.</exception>
    /// <exception cref="IOException">The checkpoint folder cannot be made or another training uses it, or the model to start from cannot
    /// be read.</exception>
    /// <exception cref="FormatException">The model to start from is damaged, or VGG-19's weights are.</exception>
    public SynthesizeFromLabelsTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        CheckColumns(input.Schema, "");
        TorchBackend.Start();
        using var channel = _host.Start("Training");
        if (_options.Stages is not null)
            return new StagedTraining(_environment, _options).Fit(input, message => channel.Info(MessageSensitivity.None, message));
        var device = ComputeDevice.Resolve(
            _options.Device, MLNetInternals.GpuDeviceId(_environment), _options.FallbackToCpu ?? MLNetInternals.FallbackToCpu(_environment),
            message => channel.Info(MessageSensitivity.None, message));

        int seed = _options.Seed ?? MLNetInternals.Seed(_environment) ?? 0;
        using var perception = ChosenPerception.Open(_options, seed, device, message => channel.Info(MessageSensitivity.None, message));
        Check(_options.LayerWeights, perception);
        using var segmenter = GivenSegmenter.Open(_options, device);

        var architecture = _options.Architecture();
        var training = _options.Training(seed);
        // A GPU has memory of its own; pairs and weights are the least of it.
        bool isCpu = device.type == DeviceType.CPU;
        if (isCpu)
            WithinMemory(architecture, training, perception, pairs: 1);
        var network = Guard(() => architecture.Build((ulong)(uint)seed), perception, pairs: 1);
        try
        {
            var (warmStart, adam) = WarmStart.Apply(_options, network, message => channel.Info(MessageSensitivity.None, message));
            using var start = adam;
            var (pairs, encoding) = TrainingRows.Read(_host, input, _options);
            channel.Info(MessageSensitivity.None, $"Read {pairs.Count} pairs at {_options.Height}x{_options.Width}; labels are read as {encoding}.");
            var validation = ReadValidationSet(encoding, channel);

            int kept = pairs.CountByMemory + (validation?.CountByMemory ?? 0);
            if (isCpu)
                training = WithinMemory(architecture, training, perception, kept);
            if (training.GradientCheckpointing && _options.GradientCheckpointing is null)
                channel.Info(MessageSensitivity.None, "Gradient checkpointing is used, as memory would not suffice without: modules run once more in the backward pass, and training takes about a third longer.");
            var memory = MemoryEstimate.OfTraining(architecture, training, kept, _options.ValidationSet is not null, perception);
            channel.Info(MessageSensitivity.None, $"Training will take about {MemoryEstimate.Show(memory.Total)} of memory; how much time, the first steps tell.");
            Guard(() => network.to(device), perception, kept);
            channel.Info(MessageSensitivity.None, $"Training a {architecture.Name} of {network.ParameterCount:N0} parameters on {device}.");
            var decoder = new LabelDecoder(_options.Palette, encoding, _options.UnknownLabels);
            var summary = Train(network, perception, segmenter, pairs, validation, training, decoder, start, channel);
            var record = TrainingRecord.From(_options, pairs.Count, seed, summary, warmStart);
            var model = new SynthesisModel(_options.InputColumnName, _options.OutputColumnName, decoder, architecture, record)
            {
                LabelFolder = _options.LabelFolder,
                OutputKind = _options.OutputKind,
                OutputImage = _options.OutputImage,
            };
            return new SynthesizeFromLabelsTransformer(_environment, model, network) { ScoringBatchSize = _options.ScoringBatchSize, StoresHalfPrecision = _options.StoresHalfPrecision };
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>The schema after this estimator: the input's with the output columns, and with the class names at the label column.</summary>
    /// <param name="inputSchema">A schema with the label and the photo column.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a type that is not read.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var labels = Find(inputSchema, "label", _options.InputColumnName);
        LabelColumn.Check(_host, labels, "label");
        var photo = Find(inputSchema, "photo", _options.PhotoColumnName);
        if (photo.Kind != SchemaShape.Column.VectorKind.Scalar || photo.ItemType is not ImageDataViewType)
            throw MLNetInternals.SchemaMismatch(_host, "inputSchema", "photo", _options.PhotoColumnName, "image", MLNetInternals.TypeString(photo));

        var columns = inputSchema.ToDictionary(column => column.Name);
        columns[_options.InputColumnName] = ClassNames.AddTo(labels);
        var output = _options.Output();
        var kind = output.Kind == OutputKind.Image ? SchemaShape.Column.VectorKind.Scalar : SchemaShape.Column.VectorKind.Vector;
        foreach (var name in output.Names)
            columns[name] = MLNetInternals.CreateColumn(name, kind, output.Type is VectorDataViewType vector ? vector.ItemType : output.Type);
        return new SchemaShape(columns.Values);
    }

    /// <summary>Refuses what cannot fit into this machine's memory, before any work.</summary>
    /// <exception cref="InsufficientMemoryException">It cannot.</exception>
    internal void CheckMemory()
    {
        TorchBackend.Start();
        var device = ComputeDevice.Resolve(
            _options.Device, MLNetInternals.GpuDeviceId(_environment), _options.FallbackToCpu ?? MLNetInternals.FallbackToCpu(_environment), log: null);
        if (device.type == DeviceType.CPU)
            WithinMemory(_options.Architecture(), _options.Training(seed: 0), perception: null, pairs: 1);
    }

    /// <summary>The training, by gradient checkpointing if that is left open and it does not fit without.</summary>
    /// <exception cref="InsufficientMemoryException">It is far above this machine's memory all the same.</exception>
    private TrainingOptions WithinMemory(SynthesisArchitecture architecture, TrainingOptions training, IPerceptionNetwork? perception, int pairs)
    {
        bool validates = _options.ValidationSet is not null;
        if (_options.GradientCheckpointing is null && architecture.IsChain && MemoryEstimate.OfTraining(architecture, training, pairs, validates, perception).Total > MemoryEstimate.Available)
            training = training with { GradientCheckpointing = true };
        MemoryEstimate.CheckTraining(architecture, training, pairs, validates, perception);
        return training;
    }

    private T Guard<T>(Func<T> work, IPerceptionNetwork perception, int pairs)
        => DeviceMemory.Guard(work, capacity => Trainer.WhatFits(
            _options.Architecture(), _options.Training(seed: 0), pairs, _options.ValidationSet is not null, capacity, perception));

    private TrainingPairs? ReadValidationSet(LabelEncoding encoding, IChannel channel)
    {
        if (_options.ValidationSet is not { } set)
            return null;
        var options = _options.Copy();
        options.LabelEncoding = encoding;
        try
        {
            CheckColumns(set.Schema, "validation ");
            var (pairs, _) = TrainingRows.Read(_host, set, options);
            channel.Info(MessageSensitivity.None, $"Read {pairs.Count} pairs to validate on.");
            return pairs;
        }
        catch (InvalidOperationException e)
        {
            throw _host.Process(new InvalidOperationException($"Validation set: {e.Message}", e));
        }
    }

    private TrainingSummary Train(
        SynthesisNetwork network, IPerceptionNetwork perception, SegmentationNetwork? segmenter, TrainingPairs pairs, TrainingPairs? validation, TrainingOptions options,
        LabelDecoder decoder, AdamState? start, IChannel channel)
    {
        using var synthesizer = Synthesizer.WhileLearning(network);
        int validationBatches = ((validation?.Count ?? 0) + _options.BatchSize - 1) / _options.BatchSize;
        var time = new TimeEstimate(message => channel.Info(MessageSensitivity.None, message), validationBatches);
        void Report(TrainingProgress progress)
        {
            MLNetInternals.CheckAlive(_host);
            time.Report(progress);
            if (progress.ValidationLoss is { } loss)
                channel.Info(MessageSensitivity.None, FormattableString.Invariant($"Epoch {progress.Epoch}: loss {progress.Loss:0.000}, validation loss {loss:0.000}."));
            _options.Progress?.Invoke(new SynthesisProgress(progress, decoder, synthesizer, _options.PhotoPreprocessing));
        }

        void ReportSegmenter(TrainingProgress progress)
        {
            MLNetInternals.CheckAlive(_host);
            _options.SegmenterProgress?.Invoke(progress);
        }

        var summary = Trainer.Train(
            network, perception, pairs, options, Report, message => channel.Info(MessageSensitivity.None, message),
            _options.CancellationToken, validation, message => channel.Warning(MessageSensitivity.None, message), start, segmenter, ReportSegmenter);
        Conclude(summary, channel);
        return summary;
    }

    private void Conclude(TrainingSummary summary, IChannel channel)
    {
        string stays = (_options.WholeCheckpointFolder ?? _options.CheckpointFolder) is { } folder ? $" To continue, fit again with the same checkpoint folder '{folder}'." : "";
        if (summary.Cancelled && (summary.Steps == 0 || _options.OnCancellation == CancellationPolicy.Throw))
            throw new OperationCanceledException($"Training was cancelled after {summary.Steps} steps.{stays}", _options.CancellationToken);
        if (summary.Cancelled)
            channel.Warning(MessageSensitivity.None, $"Training was stopped after {summary.Steps} steps; the model is what was learned until then.{stays}");
        else if (summary.End == TrainingEnd.OutOfTime)
            channel.Info(MessageSensitivity.None, $"The time budget of {_options.TimeBudget} is spent after {summary.Steps} steps.");
        else if (summary.End == TrainingEnd.OutOfPatience)
            channel.Info(MessageSensitivity.None, $"The validation loss has not fallen for {_options.EarlyStoppingPatience} epochs; training ends after epoch {summary.EpochsBegun}.");
        if (summary.BestEpoch is { } best)
            channel.Info(MessageSensitivity.None, FormattableString.Invariant(
                $"The model is that of epoch {best}, with the least validation loss, {summary.ValidationLossByEpoch[best - 1]:0.000}."));
    }

    private void Check(LayerWeighting weights, IPerceptionNetwork perception)
    {
        try
        {
            weights.Check(perception);
        }
        catch (ArgumentException e)
        {
            throw _host.Process(e);
        }
    }

    private SchemaShape.Column Find(SchemaShape schema, string role, string name)
        => MLNetInternals.TryFindColumn(schema, name, out var column) ? column : throw MLNetInternals.SchemaMismatch(_host, "inputSchema", role, name);

    private void CheckColumns(DataViewSchema schema, string set)
    {
        _options.LabelColumn(_host, Find(schema, set + "label", _options.InputColumnName), set + "label", _options.LabelEncoding);
        var photo = Find(schema, set + "photo", _options.PhotoColumnName);
        if (photo.Type is not ImageDataViewType)
            throw MLNetInternals.SchemaMismatch(_host, "inputSchema", set + "photo", photo.Name, "image", photo.Type.ToString()!);
    }

    private DataViewSchema.Column Find(DataViewSchema schema, string role, string name)
        => schema.GetColumnOrNull(name) ?? throw _host.Process(new ArgumentOutOfRangeException(
            "inputSchema", $"Could not find {role} column '{name}'. If it was there: ML.NET's Cache, AppendCacheCheckpoint and ShuffleRows leave "
            + "image columns out without a word, so use them before LoadImages."));
}
