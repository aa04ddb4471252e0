using CrnMlNet.Data;
using CrnMlNet.Persistence;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using CrnMlNet.Torch.Weights;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace CrnMlNet;

/// <summary>
/// Paints a photograph for each label image. Made by <see cref="SynthesizeFromLabelsEstimator.Fit"/> or loaded with
/// <c>mlContext.Model.Load</c>, which needs no registration call.
/// </summary>
/// <remarks>
/// <para>Needs the label column alone, of any of the kinds that <see cref="SynthesizeFromLabelsEstimator"/> lists; it adds the photo columns, and
/// the class names to the label column as <c>KeyValues</c>. Each photo is a new image that is the caller's to dispose; the
/// label images are not disposed. Rows are painted when they are asked for, and only if the photo column is; see
/// <see cref="ScoringBatchSize"/>. Any number of cursors may be open, on any threads. Holds native memory: dispose it, when you
/// like: a photo that is being painted is finished first, and who asks for another gets <see cref="ObjectDisposedException"/>.</para>
/// <para>A damaged file ends <c>mlContext.Model.Load</c> with a <see cref="FormatException"/>, which ML.NET may wrap; where ML.NET
/// itself or .NET's zip meets the damage first, it can also be an <see cref="InvalidDataException"/>, an
/// <see cref="InvalidOperationException"/>, an <see cref="ArgumentException"/> or an <see cref="IOException"/>. A network that this
/// machine has no room for is refused with an <see cref="InsufficientMemoryException"/> before memory is taken. Nothing of this
/// transformer is unpacked that is larger than its network can need; of the entries that ML.NET itself reads (Schema, Model.key,
/// those of other transformers) ML.NET unpacks as much as the file declares, so load such files from trusted sources only.</para>
/// </remarks>
public sealed class SynthesizeFromLabelsTransformer : ITransformer, IDisposable
{
    /// <summary>The most rows that can be painted at once.</summary>
    public const int LargestScoringBatchSize = Synthesizer.LargestBatch;

    internal const int DefaultScoringBatchSize = 4;

    private readonly IHost _host;
    private SynthesisModel _model;
    private readonly SynthesisNetwork _network;
    private readonly AdamState? _adam;
    private readonly string? _directory;
    private readonly NetworkLifetime _lifetime;
    private readonly Synthesizer _synthesizer;
    private int _scoringBatchSize = DefaultScoringBatchSize;

    /// <param name="environment">The environment.</param>
    /// <param name="model">All but the weights.</param>
    /// <param name="network">The network, this object's from now on.</param>
    /// <param name="adam">Where its optimizer stood, to be saved with it, this object's from now on; or null.</param>
    /// <param name="directory">Where in a model file it was loaded from.</param>
    internal SynthesizeFromLabelsTransformer(
        IHostEnvironment environment, SynthesisModel model, SynthesisNetwork network, AdamState? adam = null, string? directory = null)
    {
        _host = environment.Register(nameof(SynthesizeFromLabelsTransformer));
        _model = model;
        _network = network;
        _network.eval();
        _adam = adam;
        _directory = directory;
        Output = new OutputColumns(model.OutputColumnName, model.OutputKind, model.OutputImage, model.Architecture);
        _synthesizer = new Synthesizer(network, Output.Image);
        _lifetime = new NetworkLifetime(network, _synthesizer, adam);
        LabelFolder = model.LabelFolder;
    }

    /// <summary>The column of labels that is read.</summary>
    public string InputColumnName => _model.InputColumnName;

    /// <summary>The column of photos that is added, or the first of several.</summary>
    public string OutputColumnName => _model.OutputColumnName;

    /// <summary>The columns of photos that are added.</summary>
    public IReadOnlyList<string> OutputColumnNames => Output.Names;

    /// <summary>What those columns hold.</summary>
    public OutputKind OutputKind => Output.Kind;

    /// <summary>
    /// The folder in which relative paths in a text column of label files begin; null: the process's current one. A view keeps what was set
    /// when it was made.
    /// </summary>
    public string? LabelFolder { get; set; }

    /// <summary>The classes, and how label images show them.</summary>
    public LabelPalette Palette => _model.Decoder.Palette;

    /// <summary>What the network looks like.</summary>
    public SynthesisArchitecture Architecture => _model.Architecture;

    /// <summary>How the network was trained.</summary>
    public TrainingRecord Training => _model.Training;

    /// <summary>
    /// How many rows <see cref="Transform"/> paints at once, 1 to <see cref="LargestScoringBatchSize"/>. It changes no photo on
    /// the CPU, and is not saved. A view keeps what was set when it was made.
    /// </summary>
    /// <remarks>
    /// On the CPU photos are painted side by side, each on its share of the cores: many cores are used best by as many rows.
    /// The first photo asked for is painted alone, then two, four and so on are, as long as one row after the other is asked
    /// for. Above 1 the data is read by two cursors, one of them ahead; data that does not say that it can be read twice (it
    /// neither can be shuffled nor knows its number of rows, such as an <see cref="IEnumerable{T}"/>) is always read row by row.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of its range.</exception>
    public int ScoringBatchSize
    {
        get => _scoringBatchSize;
        set
        {
            CheckScoringBatchSize(_host, value);
            _scoringBatchSize = value;
        }
    }

    /// <summary>In which numbers photos are painted from now on; not saved. The same bits whatever the batch, each way.</summary>
    public SynthesisPrecision Precision
    {
        get => _synthesizer.Precision;
        set => _synthesizer.Precision = value;
    }

    /// <summary>
    /// Whether weights are saved as float16, in half the bytes; a model that was loaded from such a file says so, too. They have 11 significant
    /// bits then, which moves photos by less than a gray level in most pixels; computed is as ever.
    /// </summary>
    /// <remarks>Saving throws <see cref="InvalidOperationException"/> where a weight is beyond float16's 65,504.</remarks>
    public bool StoresHalfPrecision { get; set; }

    /// <summary>
    /// Which of all possible photos of a layout a model with noise channels paints from now on: the same number, the same photo, whatever the batch and on as many
    /// threads as you like; another number, another one. 0, unless set; not saved.
    /// </summary>
    /// <remarks>The photos of a model whose <see cref="TrainingRecord.NoiseSamples"/> is 0 are best with 0, the only noise that it has seen.</remarks>
    /// <exception cref="InvalidOperationException">The model has no noise channels, and the value is not 0.</exception>
    public int SampleSeed
    {
        get => _synthesizer.SampleSeed;
        set
        {
            if (value != 0 && Architecture.NoiseChannels == 0)
                throw _host.Process(new InvalidOperationException($"SampleSeed is {value}, but the model paints one photo of a layout alone: it was trained with NoiseChannels = 0."));
            _synthesizer.SampleSeed = value;
        }
    }

    /// <summary>Always true: each row is painted from that row alone.</summary>
    public bool IsRowToRowMapper => true;

    /// <summary>The schema after this transformer: the input's with the output columns, and with the class names at the label column.</summary>
    /// <param name="inputSchema">A schema with the label column.</param>
    /// <exception cref="ArgumentOutOfRangeException">The label column is missing or of a type that is not read.</exception>
    /// <exception cref="ObjectDisposedException">This transformer has been disposed.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).OutputSchema;

    /// <summary>Adds the photo columns to <paramref name="input"/>. Nothing is computed until rows are read.</summary>
    /// <param name="input">Data with the label column.</param>
    /// <exception cref="ArgumentOutOfRangeException">The label column is missing or of a type that is not read.</exception>
    /// <exception cref="ObjectDisposedException">This transformer has been disposed.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new SynthesizedDataView(input, Bind(input.Schema), ScoringBatchSize);
    }

    /// <summary>The mapper that <c>PredictionEngine</c> uses.</summary>
    /// <param name="inputSchema">A schema with the label column.</param>
    /// <exception cref="ArgumentOutOfRangeException">The label column is missing or of a type that is not read.</exception>
    /// <exception cref="ObjectDisposedException">This transformer has been disposed.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => Bind(inputSchema);

    /// <summary>Paints one photo, without a data view.</summary>
    /// <param name="labels">A label image of any size. It is not disposed.</param>
    /// <returns>The photo, the caller's to dispose; where there are several output columns, the first one's.</returns>
    /// <exception cref="InvalidOperationException">The label image has ids or colours that the palette lacks.</exception>
    /// <exception cref="ObjectDisposedException">This transformer has been disposed.</exception>
    public MLImage Synthesize(MLImage labels) => Synthesize(LabelMap.FromImage(labels));

    /// <summary>Paints one photo; see the other overload.</summary>
    /// <param name="labels">A label map of any size.</param>
    public MLImage Synthesize(LabelMap labels)
    {
        var photos = SynthesizeAll(labels);
        foreach (var other in photos.Skip(1))
            other.Dispose();
        return photos[0];
    }

    /// <summary>Paints the photos of all output columns, without a data view.</summary>
    /// <param name="labels">A label map of any size.</param>
    /// <returns>The photos, the caller's to dispose.</returns>
    /// <exception cref="InvalidOperationException">The label map has ids or colours that the palette lacks.</exception>
    /// <exception cref="ObjectDisposedException">This transformer has been disposed.</exception>
    public IReadOnlyList<MLImage> SynthesizeAll(LabelMap labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        using var use = _lifetime.Enter(this);
        return LabelsToPhoto.Paint(_model.Decoder, _synthesizer, labels, labels.Source);
    }

    /// <summary>Paints the photos of all output columns of a layout that is the network's own: what <see cref="ReadLabels(LabelMap)"/> gives.</summary>
    /// <param name="channels">The palette's channel of every pixel at the working size, row by row: <c>[H, W]</c>, each below <see cref="LabelPalette.ChannelCount"/>.</param>
    /// <returns>The photos, the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">There are more or fewer pixels, or a channel that the palette lacks.</exception>
    /// <exception cref="ObjectDisposedException">This transformer has been disposed.</exception>
    public IReadOnlyList<MLImage> SynthesizeAll(ReadOnlySpan<byte> channels)
    {
        var (height, width) = (Architecture.Height, Architecture.Width);
        if (channels.Length != height * width)
            throw new ArgumentException($"The network takes a channel for each of {height} x {width} pixels, got {channels.Length}.", nameof(channels));
        int foreign = channels.IndexOfAnyExceptInRange((byte)0, (byte)Palette.VoidChannel);
        if (foreign >= 0)
            throw new ArgumentException(
                $"Row {foreign / width}, column {foreign % width} has channel {channels[foreign]}; palette '{Palette.Name}' has channels 0 to {Palette.VoidChannel}.", nameof(channels));
        using var use = _lifetime.Enter(this);
        return LabelsToPhoto.Paint(_synthesizer, channels);
    }

    /// <summary>Reads a label image as the network sees it.</summary>
    /// <param name="labels">A label image of any size. It is not disposed.</param>
    /// <returns>The palette's channel of every pixel at the working size, row by row: <c>[H, W]</c>.</returns>
    /// <exception cref="InvalidOperationException">The label image has ids or colours that the palette lacks.</exception>
    public byte[] ReadLabels(MLImage labels) => ReadLabels(LabelMap.FromImage(labels));

    /// <summary>Reads a label map as the network sees it; see the other overload.</summary>
    /// <param name="labels">A label map of any size.</param>
    public byte[] ReadLabels(LabelMap labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        var channels = new byte[Architecture.Height * Architecture.Width];
        _model.Decoder.Decode(labels, channels, Architecture.Height, Architecture.Width, labels.Source);
        return channels;
    }

    /// <summary>Frees the network, once the photos that are being painted are finished. A second call does nothing.</summary>
    public void Dispose() => _lifetime.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        using var use = _lifetime.Enter(this);
        MLNetInternals.Save(
            ctx, (_model with { LabelFolder = LabelFolder }).ToJson(),
            WriteWeights, _adam is null ? null : _adam.Write);
    }

    private void WriteWeights(Stream stream)
    {
        using var scope = torch.NewDisposeScope();
        Safetensors.Write(stream, [.. _network.state_dict().Select(entry => (entry.Key, StoresHalfPrecision ? Halved(entry.Key, entry.Value) : entry.Value))]);
    }

    private static torch.Tensor Halved(string name, torch.Tensor weights)
    {
        var halved = weights.detach().to(torch.ScalarType.Float16);
        if (!halved.isfinite().all().item<bool>())
            throw new InvalidOperationException($"{name} has weights beyond what half precision holds (65,504). Save the model in full precision: {nameof(StoresHalfPrecision)} = false.");
        return halved;
    }

    /// <summary>Does something with the network, which lives on until that is done.</summary>
    /// <exception cref="ObjectDisposedException">This transformer has been disposed.</exception>
    internal T WithNetwork<T>(Func<SynthesisNetwork, T> work)
    {
        using var use = _lifetime.Enter(this);
        return work(_network);
    }

    /// <summary>Paints every image that the network has for a layout, which <see cref="Output"/> may not give.</summary>
    /// <exception cref="ObjectDisposedException">This transformer has been disposed.</exception>
    internal T WithAllImages<T>(Func<Synthesizer, T> work)
    {
        using var use = _lifetime.Enter(this);
        return work(_synthesizer.Giving(image: null));
    }

    /// <summary>Where its optimizer stood, a copy for the caller to dispose; null where that is not known.</summary>
    /// <param name="path">The model file that it was loaded from, which a loaded model leaves that in; null for one that was not.</param>
    /// <exception cref="FormatException">It is damaged.</exception>
    /// <exception cref="ObjectDisposedException">This transformer has been disposed.</exception>
    internal AdamState? ReadAdam(string? path) => WithNetwork(network => path is null
        ? _adam?.Clone()
        : MLNetInternals.ReadOptimizer(_host, path, _directory, _model.LargestOptimizer, stream =>
            AdamState.Read(stream, network.named_parameters().ToDictionary(named => named.name, named => named.parameter.shape))));

    internal static SynthesizeFromLabelsTransformer Load(IHostEnvironment environment, SynthesisModel model, Stream weights, string? directory = null)
    {
        var header = Safetensors.ReadHeader(weights);
        model.CheckSize(header);
        TorchBackend.Start();
        var device = ChooseDevice(environment);
        var network = model.Architecture.Build();
        try
        {
            Safetensors.ReadInto(weights, header, network.state_dict());
            network.to(device);
            return new SynthesizeFromLabelsTransformer(environment, model, network, directory: directory)
            {
                StoresHalfPrecision = header.Tensors.All(tensor => tensor.DataType == torch.ScalarType.Float16),
            };
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Where a model that is not trained here computes: where the context says, or on the CPU.</summary>
    internal static torch.Device ChooseDevice(IHostEnvironment environment)
    {
        using var channel = environment.Start("Loading");
        return ComputeDevice.Resolve(
            device: null, MLNetInternals.GpuDeviceId(environment), MLNetInternals.FallbackToCpu(environment),
            message => channel.Info(MessageSensitivity.None, message));
    }

    internal static void CheckScoringBatchSize(IExceptionContext context, int value)
    {
        if (value is < 1 or > LargestScoringBatchSize)
            throw context.Process(new ArgumentOutOfRangeException(
                nameof(ScoringBatchSize), value, $"{nameof(ScoringBatchSize)} must be from 1 to {LargestScoringBatchSize}."));
    }

    /// <summary>Has the record say that training was stopped.</summary>
    internal void MarkStopped() => _model = _model with { Training = _model.Training with { Stopped = true } };

    internal void CheckAlive() => ObjectDisposedException.ThrowIf(_lifetime.IsDisposed, this);

    internal OutputColumns Output { get; }

    /// <summary>Paints the photos of the first <paramref name="count"/> layouts at once.</summary>
    internal void Paint(LayoutBuffer layouts, PhotoBuffer photos, int count)
    {
        using var use = _lifetime.Enter(this);
        layouts.Paint(_synthesizer, photos, count);
    }

    /// <summary>Paints the photos of all output columns of several layouts at once.</summary>
    /// <param name="channels">The palette's channel of every pixel at the working size, <c>[N, H, W]</c>.</param>
    /// <param name="photos">Receives the photos, planar RGB <c>[N, k, 3, H, W]</c>.</param>
    internal void Paint(ReadOnlySpan<byte> channels, Span<byte> photos)
    {
        using var use = _lifetime.Enter(this);
        _synthesizer.Synthesize(channels, photos);
    }

    /// <summary>Whether several photos may be painted side by side, each on a part of the cores, and are the same photos.</summary>
    internal bool PaintsSideBySide => _synthesizer.PaintsSideBySide;

    private SynthesisMapper Bind(DataViewSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        CheckAlive();
        if (schema.GetColumnOrNull(InputColumnName) is not { } labels)
            throw MLNetInternals.SchemaMismatch(_host, "inputSchema", "label", InputColumnName);
        return new SynthesisMapper(this, schema, LabelColumn.Of(_host, labels, "label", _model.Decoder, Architecture, LabelFolder));
    }
}
