using CrnMlNet.Data;
using CrnMlNet.Persistence;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using TorchSharp;

namespace CrnMlNet;

/// <summary>
/// Learns to paint photographs from semantic label maps with a Cascaded Refinement Network (Chen &amp; Koltun, "Photographic
/// Image Synthesis with Cascaded Refinement Networks", ICCV 2017).
/// </summary>
/// <remarks>
/// <para>Input: a column of label images and, to fit, a column of photos; both <see cref="MLImage"/> of any size, of the same
/// aspect in a row. Output: a column of images of the options' height and width.</para>
/// <para>The image columns of ML.NET's <c>LoadImages</c> are read row by row once, before training starts, and kept in
/// memory at the working size: 4 bytes a pixel and pair.</para>
/// <para>Before training the log says how much memory it will take, and after its first steps how much time, both within 30%.
/// What is far above the machine's memory (or the container's) is refused before it is taken.</para>
/// <para>Made by <see cref="SynthesisCatalog"/>.</para>
/// </remarks>
public sealed class SynthesizeFromLabelsEstimator : IEstimator<SynthesizeFromLabelsTransformer>
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
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or is not an image column, or the options' device is none.</exception>
    /// <exception cref="InvalidOperationException">There are no rows, or one cannot be learned from (the message names row, file, column and
    /// value), or the device asked for is not there.</exception>
    /// <exception cref="TorchBackendException">libtorch does not start.</exception>
    /// <exception cref="ArithmeticException">The loss is no longer a number: the learning rate is too high.</exception>
    /// <exception cref="OperationCanceledException">Training was cancelled before its first step, or later where the options want that
    /// thrown, or ML.NET cancelled the context.</exception>
    /// <exception cref="InsufficientMemoryException">The training is far above this machine's memory, or turns out to be above that of the device;
    /// the message says what would fit.</exception>
    /// <exception cref="IOException">The checkpoint folder cannot be made or another training uses it, or the model to start from cannot
    /// be read.</exception>
    /// <exception cref="FormatException">The model to start from is damaged.</exception>
    public SynthesizeFromLabelsTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        CheckImageColumn(input.Schema, "label", _options.InputColumnName);
        CheckImageColumn(input.Schema, "photo", _options.PhotoColumnName);
        TorchBackend.Start();
        using var channel = _host.Start("Training");
        var device = ComputeDevice.Resolve(
            _options.Device, MLNetInternals.GpuDeviceId(_environment), _options.FallbackToCpu ?? MLNetInternals.FallbackToCpu(_environment),
            message => channel.Info(MessageSensitivity.None, message));

        // A GPU has memory of its own; pairs and weights are the least of it.
        bool isCpu = device.type == DeviceType.CPU;
        if (isCpu)
            MemoryEstimate.CheckTraining(_options.Architecture(), _options.BatchSize, pairs: 1);
        var (pairs, encoding) = TrainingRows.Read(_host, input, _options);
        channel.Info(MessageSensitivity.None, $"Read {pairs.Count} pairs at {_options.Height}x{_options.Width}; label images are read as {encoding}.");
        var validation = ReadValidationSet(encoding, channel);

        var decoder = new LabelDecoder(_options.Palette, encoding, _options.UnknownLabels);
        var architecture = _options.Architecture();
        int kept = pairs.Count + (validation?.Count ?? 0);
        var memory = MemoryEstimate.OfTraining(architecture, _options.BatchSize, kept);
        channel.Info(MessageSensitivity.None, $"Training will take about {MemoryEstimate.Show(memory.Total)} of memory; how much time, the first steps tell.");
        if (isCpu)
            MemoryEstimate.CheckTraining(architecture, _options.BatchSize, kept);
        int seed = _options.Seed ?? MLNetInternals.Seed(_environment) ?? 0;
        var network = Guard(() => new CascadedRefinementNetwork(architecture, (ulong)(uint)seed), kept);
        try
        {
            string? warmStart = WarmStart.Apply(_options, network, message => channel.Info(MessageSensitivity.None, message));
            Guard(() => network.to(device), kept);
            channel.Info(MessageSensitivity.None, $"Training a cascaded refinement network of {network.ParameterCount:N0} parameters on {device}.");
            var summary = Train(network, pairs, validation, decoder, seed, channel);
            var model = new SynthesisModel(_options.InputColumnName, _options.OutputColumnName, decoder, architecture, TrainingRecord.From(_options, pairs.Count, seed, summary, warmStart));
            return new SynthesizeFromLabelsTransformer(_environment, model, network) { ScoringBatchSize = _options.ScoringBatchSize };
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>The schema after this estimator: the input's with the output column, an image.</summary>
    /// <param name="inputSchema">A schema with the label and the photo column.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or is not an image column.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        CheckImageColumn(inputSchema, "label", _options.InputColumnName);
        CheckImageColumn(inputSchema, "photo", _options.PhotoColumnName);
        var columns = inputSchema.ToDictionary(column => column.Name);
        columns[_options.OutputColumnName] = MLNetInternals.CreateColumn(
            _options.OutputColumnName, SchemaShape.Column.VectorKind.Scalar, new ImageDataViewType(_options.Height, _options.Width), isKey: false);
        return new SchemaShape(columns.Values);
    }

    private T Guard<T>(Func<T> work, int pairs)
        => DeviceMemory.Guard(work, capacity => Trainer.WhatFits(_options.Architecture(), _options.BatchSize, pairs, capacity));

    private TrainingPairs? ReadValidationSet(LabelEncoding encoding, IChannel channel)
    {
        if (_options.ValidationSet is not { } set)
            return null;
        var options = _options.Copy();
        options.LabelEncoding = encoding;
        try
        {
            CheckImageColumn(set.Schema, "validation label", _options.InputColumnName);
            CheckImageColumn(set.Schema, "validation photo", _options.PhotoColumnName);
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
        CascadedRefinementNetwork network, TrainingPairs pairs, TrainingPairs? validation, LabelDecoder decoder, int seed, IChannel channel)
    {
        var synthesizer = new Synthesizer(network);
        var time = new TimeEstimate(message => channel.Info(MessageSensitivity.None, message));
        void Report(TrainingProgress progress)
        {
            MLNetInternals.CheckAlive(_host);
            time.Report(progress);
            if (progress.ValidationLoss is { } loss)
                channel.Info(MessageSensitivity.None, FormattableString.Invariant($"Epoch {progress.Epoch}: loss {progress.Loss:0.000}, validation loss {loss:0.000}."));
            _options.Progress?.Invoke(new SynthesisProgress(progress, decoder, synthesizer));
        }

        var device = network.parameters().First().device;
        using var perception = new FilterBankPerception(device);
        var summary = Trainer.Train(
            network, perception, pairs, _options.Training(seed), Report, message => channel.Info(MessageSensitivity.None, message),
            _options.CancellationToken, validation, message => channel.Warning(MessageSensitivity.None, message));
        Conclude(summary, channel);
        return summary;
    }

    private void Conclude(TrainingSummary summary, IChannel channel)
    {
        string stays = _options.CheckpointFolder is { } folder ? $" To continue, fit again with the same checkpoint folder '{folder}'." : "";
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

    private void CheckImageColumn(SchemaShape schema, string role, string name)
    {
        if (!MLNetInternals.TryFindColumn(schema, name, out var column))
            throw MLNetInternals.SchemaMismatch(_host, "inputSchema", role, name);
        if (column.Kind != SchemaShape.Column.VectorKind.Scalar || column.ItemType is not ImageDataViewType)
            throw MLNetInternals.SchemaMismatch(_host, "inputSchema", role, name, "image", MLNetInternals.TypeString(column));
    }

    private void CheckImageColumn(DataViewSchema schema, string role, string name)
    {
        if (schema.GetColumnOrNull(name) is not { } column)
            throw _host.Process(new ArgumentOutOfRangeException(
                "inputSchema", $"Could not find {role} column '{name}'. If it was there: ML.NET's Cache, AppendCacheCheckpoint and ShuffleRows leave "
                + "image columns out without a word, so use them before LoadImages."));
        if (column.Type is not ImageDataViewType)
            throw MLNetInternals.SchemaMismatch(_host, "inputSchema", role, name, "image", column.Type.ToString()!);
    }

    /// <summary>
    /// Everything that can be set. Properties, so that they can be bound from configuration and tuned; an estimator copies them.
    /// </summary>
    public sealed class Options
    {
        /// <summary>The column of synthesized photos.</summary>
        public string OutputColumnName { get; set; } = "Synthesized";

        /// <summary>The column of label images.</summary>
        public string InputColumnName { get; set; } = "Labels";

        /// <summary>The column of real photos. Needed to fit; a fitted model does without.</summary>
        public string PhotoColumnName { get; set; } = "Photo";

        /// <summary>The classes and how label images show them. In configuration: a built-in palette's name, or a JSON file.</summary>
        public LabelPalette Palette { get; set; } = LabelPalette.CamVid;

        /// <summary>How label images show classes. <see cref="LabelEncoding.Auto"/> finds out from the training data.</summary>
        public LabelEncoding LabelEncoding { get; set; } = LabelEncoding.Auto;

        /// <summary>What becomes of ids and colours that the palette lacks: an error, or void.</summary>
        public UnknownLabelPolicy UnknownLabels { get; set; } = UnknownLabelPolicy.Error;

        /// <summary>The synthesized photos' height in pixels, 16 to 8192. Pairs are brought to this size before training.</summary>
        public int Height { get; set; } = 96;

        /// <summary>The synthesized photos' width in pixels, 16 to 8192.</summary>
        public int Width { get; set; } = 128;

        /// <summary>
        /// Factor on the number of feature maps, 1/64 to 4. 1 is the paper's network, for a GPU; time and memory grow with
        /// its square, and 1/8 trains on a CPU.
        /// </summary>
        public double WidthFactor { get; set; } = 0.125;

        /// <summary>
        /// Channels of fixed noise beside the layout of every module, 0 to 64. Noise gives texture something to grow from where
        /// a layout is flat; without it, and without VGG-19, walls and roads stay foggy. 0 is the paper's network.
        /// </summary>
        public int NoiseChannels { get; set; } = 2;

        /// <summary>How often each pair is seen, at least 1. The paper's authors train 200 epochs at 256x512.</summary>
        public int Epochs { get; set; } = 20;

        /// <summary>Pairs in a training step, at least 1. The paper's authors use 1.</summary>
        public int BatchSize { get; set; } = 1;

        /// <summary>Adam's learning rate, above 0 and below 1. The paper's authors use 1e-4, for a network of full width.</summary>
        public double LearningRate { get; set; } = 1e-3;

        /// <summary>Whether pairs are mirrored left to right half of the time while training.</summary>
        public bool Mirror { get; set; } = true;

        /// <summary>The fitted model's <see cref="SynthesizeFromLabelsTransformer.ScoringBatchSize"/>: how many rows it paints at once.</summary>
        public int ScoringBatchSize { get; set; } = SynthesizeFromLabelsTransformer.DefaultScoringBatchSize;

        /// <summary>Seeds weights, order and mirroring; null: the seed of the <see cref="MLContext"/>, or 0.</summary>
        public int? Seed { get; set; }

        /// <summary><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null: <see cref="MLContext.GpuDeviceId"/>, or the CPU.</summary>
        public string? Device { get; set; }

        /// <summary>Whether the CPU serves when the GPU asked for is not there; null: <see cref="MLContext.FallbackToCpu"/>.</summary>
        public bool? FallbackToCpu { get; set; }

        /// <summary>Is told of every training step, on the thread that fits. Exceptions end the training.</summary>
        public Action<SynthesisProgress>? Progress { get; set; }

        /// <summary>
        /// Pairs that are not learned from, with the same columns as the training data: after every epoch the network is measured
        /// on them. The model is then that of the epoch with the least validation loss, not of the last one. Null: none, and the
        /// model is the last state. It is read once per fit, and kept in memory like the training data.
        /// </summary>
        /// <remarks>
        /// The loss is the training's, Eq. 1 with the same weights of the layers, averaged over the set, none mirrored. It is in the
        /// progress (<see cref="TrainingProgress.ValidationLoss"/>), in the log, and in the model's <see cref="TrainingRecord"/>.
        /// </remarks>
        public IDataView? ValidationSet { get; set; }

        /// <summary>
        /// After how many epochs in which the validation loss reaches no new minimum training ends, at least 1; null: never. Needs a
        /// <see cref="ValidationSet"/>. Nothing is remembered from one fit to the next.
        /// </summary>
        public int? EarlyStoppingPatience { get; set; }

        /// <summary>
        /// Ends the training after the step in which this much time is spent; null: no limit. Reading the data does not count; time
        /// that a training spent before it was continued from a checkpoint does.
        /// </summary>
        public TimeSpan? TimeBudget { get; set; }

        /// <summary>
        /// Ends the training after the current step. <see cref="OnCancellation"/> says what <see cref="Fit"/> does then; when nothing
        /// was learned yet, it throws <see cref="OperationCanceledException"/>.
        /// </summary>
        public CancellationToken CancellationToken { get; set; }

        /// <summary>What becomes of a training that is cancelled: the model so far, or an <see cref="OperationCanceledException"/>.</summary>
        public CancellationPolicy OnCancellation { get; set; } = CancellationPolicy.BestSoFar;

        /// <summary>
        /// Where the training is kept while it runs, so that one that was cancelled, killed or failed can be continued: fit again with the
        /// same folder, data and options. Null: nowhere. The folder is made when it is not there; each training needs its own.
        /// </summary>
        /// <remarks>
        /// <para>The folder has the newest two checkpoints, each three times as large as the model's weights (with a validation set four
        /// times), written whole or not at all. A damaged one is passed over, and one that cannot be written, on a full disk say, does not
        /// end the training; the log warns of both.</para>
        /// <para>On the CPU, with as many threads, a continued training gives the same model bit for bit as one that was never interrupted.
        /// <see cref="Epochs"/>, the time budget, the patience and the device may change in between. When another option or the data
        /// differs, <see cref="Fit"/> throws <see cref="InvalidOperationException"/> and says what.</para>
        /// <para>A training that comes to its end deletes its checkpoints, and the next fit begins anew; so cross-validation may use one
        /// folder for all folds. Unless <see cref="KeepCheckpoint"/> is set.</para>
        /// </remarks>
        public string? CheckpointFolder { get; set; }

        /// <summary>The longest time between two checkpoints, 5 minutes unless set; there is one after every epoch, too. Zero: after every step.</summary>
        public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromMinutes(5);

        /// <summary>
        /// Whether the last checkpoint stays when training comes to its end. The next fit then only loads it, or goes on if it has more
        /// <see cref="Epochs"/>. Delete the folder when the model is safe.
        /// </summary>
        public bool KeepCheckpoint { get; set; }

        /// <summary>
        /// A model file to start from instead of from chance, or null: a file that <c>mlContext.Model.Save</c> or <c>crn train</c> wrote.
        /// Each of its modules that the new network has in the same shape is copied, the others begin from chance; the log says which.
        /// So the model may be of another size. It should be of the same palette.
        /// </summary>
        public string? WarmStartModelPath { get; set; }

        /// <summary>A model to start from like <see cref="WarmStartModelPath"/>, or null. It is not changed, and stays the caller's to dispose.</summary>
        public SynthesizeFromLabelsTransformer? WarmStartModel { get; set; }

        internal Options Copy() => (Options)MemberwiseClone();

        internal CrnArchitecture Architecture() => new()
        {
            Channels = Palette.ChannelCount,
            Height = Height,
            Width = Width,
            WidthFactor = WidthFactor,
            NoiseChannels = NoiseChannels,
        };

        internal TrainingOptions Training(int seed) => new()
        {
            Epochs = Epochs,
            BatchSize = BatchSize,
            LearningRate = LearningRate,
            Mirror = Mirror,
            Seed = seed,
            EarlyStoppingPatience = EarlyStoppingPatience,
            TimeBudget = TimeBudget,
            CheckpointFolder = CheckpointFolder,
            CheckpointInterval = CheckpointInterval,
            KeepCheckpoint = KeepCheckpoint,
        };

        internal void Validate(IExceptionContext context)
        {
            CheckName(context, nameof(OutputColumnName), OutputColumnName);
            CheckName(context, nameof(InputColumnName), InputColumnName);
            CheckName(context, nameof(PhotoColumnName), PhotoColumnName);
            if (Palette is null)
                throw context.Process(new ArgumentOutOfRangeException(nameof(Palette), "A palette is needed: LabelPalette.CamVid, LabelPalette.Load(file), ..."));
            CheckDefined(context, nameof(LabelEncoding), LabelEncoding);
            CheckDefined(context, nameof(UnknownLabels), UnknownLabels);
            CheckDefined(context, nameof(OnCancellation), OnCancellation);
            if (EarlyStoppingPatience is not null && ValidationSet is null)
                throw context.Process(new ArgumentOutOfRangeException(
                    nameof(EarlyStoppingPatience), EarlyStoppingPatience, "EarlyStoppingPatience needs a ValidationSet to look at."));
            if (WarmStartModelPath is not null && WarmStartModel is not null)
                throw context.Process(new ArgumentOutOfRangeException(
                    nameof(WarmStartModelPath), WarmStartModelPath, "Start from WarmStartModelPath or from WarmStartModel, not from both."));
            SynthesizeFromLabelsTransformer.CheckScoringBatchSize(context, ScoringBatchSize);
            try
            {
                Architecture().Validate();
                Training(0).Validate();
            }
            catch (ArgumentOutOfRangeException e)
            {
                throw context.Process(e);
            }
        }

        private static void CheckDefined<T>(IExceptionContext context, string option, T value) where T : struct, Enum
        {
            if (!Enum.IsDefined(value))
                throw context.Process(new ArgumentOutOfRangeException(option, value, $"{option} must be one of {string.Join(", ", Enum.GetNames<T>())}."));
        }

        private static void CheckName(IExceptionContext context, string option, string name)
        {
            if (string.IsNullOrWhiteSpace(name))
                throw context.Process(new ArgumentOutOfRangeException(option, $"{option} must name a column."));
        }
    }
}
