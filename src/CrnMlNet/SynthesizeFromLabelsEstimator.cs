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
    /// <exception cref="OperationCanceledException">Training was cancelled before its first step, or ML.NET cancelled the context.</exception>
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

        var (pairs, encoding) = TrainingRows.Read(_host, input, _options);
        channel.Info(MessageSensitivity.None, $"Read {pairs.Count} pairs at {_options.Height}x{_options.Width}; label images are read as {encoding}.");

        var decoder = new LabelDecoder(_options.Palette, encoding, _options.UnknownLabels);
        var architecture = _options.Architecture();
        int seed = _options.Seed ?? MLNetInternals.Seed(_environment) ?? 0;
        var network = new CascadedRefinementNetwork(architecture, (ulong)(uint)seed);
        try
        {
            network.to(device);
            channel.Info(MessageSensitivity.None, $"Training a cascaded refinement network of {network.ParameterCount:N0} parameters on {device}.");
            var summary = Train(network, pairs, decoder, seed, channel);
            var model = new SynthesisModel(_options.InputColumnName, _options.OutputColumnName, decoder, architecture, TrainingRecord.From(_options, pairs.Count, seed, summary));
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

    private TrainingSummary Train(CascadedRefinementNetwork network, TrainingPairs pairs, LabelDecoder decoder, int seed, IChannel channel)
    {
        var synthesizer = new Synthesizer(network);
        void Report(TrainingProgress progress)
        {
            MLNetInternals.CheckAlive(_host);
            _options.Progress?.Invoke(new SynthesisProgress(progress, decoder, synthesizer));
        }

        var cancellation = _options.CancellationToken;
        var device = network.parameters().First().device;
        using var perception = new FilterBankPerception(device);
        var summary = Trainer.Train(network, perception, pairs, _options.Training(seed), Report, message => channel.Info(MessageSensitivity.None, message), cancellation);
        if (summary.Steps == 0)
            cancellation.ThrowIfCancellationRequested();
        if (summary.Cancelled)
            channel.Warning(MessageSensitivity.None, $"Training was stopped after {summary.Steps} steps; the model is what was learned until then.");
        return summary;
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
        /// Ends the training after the current step. What was learned until then is the result; when that is nothing,
        /// <see cref="Fit"/> throws <see cref="OperationCanceledException"/>.
        /// </summary>
        public CancellationToken CancellationToken { get; set; }

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
