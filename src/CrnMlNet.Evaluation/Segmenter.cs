using CrnMlNet.Data;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using CrnMlNet.Torch.Weights;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>How a segmenter is trained.</summary>
public sealed record SegmenterOptions
{
    /// <summary>The column of labels; see <see cref="SynthesizeFromLabelsEstimator.Options.InputColumnName"/>.</summary>
    public string LabelColumnName { get; init; } = "Labels";

    /// <summary>The column of real photos.</summary>
    public string PhotoColumnName { get; init; } = "Photo";

    /// <summary>The classes and how label images show them.</summary>
    public LabelPalette Palette { get; init; } = LabelPalette.CamVid;

    /// <summary>How label images show classes.</summary>
    public LabelEncoding LabelEncoding { get; init; } = LabelEncoding.Auto;

    /// <summary>What becomes of ids and colours that the palette lacks: an error, or void.</summary>
    public UnknownLabelPolicy UnknownLabels { get; init; } = UnknownLabelPolicy.Error;

    /// <summary>The height in pixels to which photos are brought, 16 to 8192: that of the photos to be measured.</summary>
    public int Height { get; init; } = 96;

    /// <summary>The width in pixels, 16 to 8192.</summary>
    public int Width { get; init; } = 128;

    /// <summary>How it learns.</summary>
    public SegmentationTrainingOptions Training { get; init; } = new();

    /// <summary><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null: <see cref="MLContext.GpuDeviceId"/>, or the CPU.</summary>
    public string? Device { get; init; }

    internal TrainingPairs Read(MLContext mlContext, IDataView data, CancellationToken cancellation)
    {
        foreach (var column in new[] { LabelColumnName, PhotoColumnName })
        {
            if (data.Schema.GetColumnOrNull(column) is null)
                throw new ArgumentOutOfRangeException(nameof(data), $"The data has no column '{column}'; it has {string.Join(", ", data.Schema.Select(other => $"'{other.Name}'"))}.");
        }
        var options = new SynthesizeFromLabelsEstimator.Options
        {
            InputColumnName = LabelColumnName,
            PhotoColumnName = PhotoColumnName,
            Palette = Palette,
            LabelEncoding = LabelEncoding,
            UnknownLabels = UnknownLabels,
            Height = Height,
            Width = Width,
            CancellationToken = cancellation,
        };
        options.Validate(mlContext);
        return TrainingRows.Read(mlContext, data, options).Pairs;
    }
}

/// <summary>
/// A trained segmentation network with its identity: it tells which classes photos show. What it says of synthesized photos is worth
/// what it says of real ones, which is the ceiling; and a model that was trained by it is not to be measured by it.
/// </summary>
public sealed class Segmenter : IDisposable
{
    private const int DigitsShown = 16;

    private readonly SegmentationNetwork _network;

    private Segmenter(SegmentationNetwork network, SegmentationDescription description, Device device)
    {
        (_network, Description, Device) = (network, description, device);
        Hash = SegmentationFile.Hash(network, description);
        network.to(device);
    }

    /// <summary>What it was trained on.</summary>
    public SegmentationDescription Description { get; }

    /// <summary>The SHA-256 of its file, in small hexadecimal digits.</summary>
    public string Hash { get; }

    /// <summary>One phrase for tables: what it is, and which one.</summary>
    public string Name => $"CrnSeg {Hash[..DigitsShown]} ({Description.Classes.Count} classes, {Description.Pairs} pairs at {Description.Height}x{Description.Width})";

    /// <summary>Where it computes.</summary>
    internal Device Device { get; }

    /// <summary>Trains one on real pairs.</summary>
    /// <param name="mlContext">The context.</param>
    /// <param name="data">Labels and photos; checked whole before training starts.</param>
    /// <param name="options">How.</param>
    /// <param name="report">Is told of every step, on this thread.</param>
    /// <param name="cancellation">Ends the training after the current step; what was learned stays.</param>
    /// <returns>The segmenter, for the caller to dispose.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range, or a column is missing.</exception>
    /// <exception cref="InvalidOperationException">A row cannot be learned from.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while the data was read.</exception>
    public static Segmenter Train(
        MLContext mlContext, IDataView data, SegmenterOptions options, Action<TrainingProgress>? report = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        ArgumentNullException.ThrowIfNull(data);
        var device = ComputeDevice.Resolve(options.Device, mlContext.GpuDeviceId, mlContext.FallbackToCpu, log: null);
        var pairs = options.Read(mlContext, data, cancellation);
        var network = new SegmentationNetwork(options.Palette.Classes.Count, unchecked((ulong)options.Training.Seed));
        try
        {
            network.to(device);
            int epochs = 0;
            SegmentationTraining.Train(network, pairs, options.Training, progress =>
            {
                epochs = progress.Epoch;
                report?.Invoke(progress);
            }, cancellation);
            string[] names = [.. options.Palette.Classes.Select(label => label.Name)];
            return new Segmenter(network, new SegmentationDescription(names, options.Height, options.Width, pairs.Count, epochs, options.Training.Seed), device);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Loads one from a file.</summary>
    /// <param name="path">A file that <see cref="Save"/> or <c>crn train-segmenter</c> wrote.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null: the CPU.</param>
    /// <returns>The segmenter, for the caller to dispose.</returns>
    /// <exception cref="FormatException">The file is damaged, or no segmentation network.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    public static Segmenter Load(string path, string? device = null)
    {
        var place = ComputeDevice.Resolve(device, gpuDeviceId: null, fallbackToCpu: false, log: null);
        var (network, description) = SegmentationFile.Read(path);
        return new Segmenter(network, description, place);
    }

    /// <summary>Writes it as a safetensors file, of which <see cref="Hash"/> is the hash.</summary>
    /// <param name="stream">The stream to write to.</param>
    public void Save(Stream stream) => SegmentationFile.Write(stream, _network, Description);

    /// <summary>Compares what it tells of real photos with their labels.</summary>
    /// <param name="mlContext">The context.</param>
    /// <param name="data">Labels and photos that it was not trained on.</param>
    /// <param name="options">Where labels and photos are, of which classes, and to what size they are brought.</param>
    /// <exception cref="ArgumentException">The palette's classes are not the segmenter's.</exception>
    /// <exception cref="InvalidOperationException">A row cannot be read.</exception>
    public ConfusionMatrix Measure(MLContext mlContext, IDataView data, SegmenterOptions options)
    {
        CheckClasses(options.Palette);
        var pairs = options.Read(mlContext, data, CancellationToken.None);
        var confusion = new ConfusionMatrix(_network.Classes);
        for (int i = 0; i < pairs.Count; i++)
        {
            using var scope = NewDisposeScope();
            var (layouts, photos) = pairs.Batch([i], [false], Device);
            confusion.Add(Bytes(layouts.argmax(1)), Bytes(_network.Segment(photos)));
        }
        return confusion;
    }

    /// <summary>Tells the likeliest class of every pixel.</summary>
    /// <param name="photo">A photo of any size.</param>
    /// <returns>Class ids <c>[H, W]</c>, row by row.</returns>
    public byte[] Segment(RgbImage photo)
    {
        using var scope = NewDisposeScope();
        return Bytes(_network.Segment(photo.ToTensor(Device)));
    }

    /// <inheritdoc/>
    public void Dispose() => _network.Dispose();

    /// <summary>Checks that the segmenter tells a palette's classes apart.</summary>
    /// <exception cref="ArgumentException">It has others, or the same in another order.</exception>
    internal void CheckClasses(LabelPalette palette)
    {
        var names = palette.Classes.Select(label => label.Name);
        if (!names.SequenceEqual(Description.Classes))
            throw new ArgumentException(
                $"The segmentation network tells {Show(Description.Classes)} apart, and the palette '{palette.Name}' has {Show([.. names])}. Train one with this palette (crn train-segmenter --palette).");

        static string Show(IReadOnlyList<string> classes) => $"{classes.Count} classes ({string.Join(", ", classes)})";
    }

    /// <summary>The features of photos of one size, <c>[N, d]</c>.</summary>
    internal Tensor Features(Tensor photos) => _network.Features(photos);

    private static byte[] Bytes(Tensor ids)
    {
        using var bytes = ids.to(ScalarType.Byte).cpu().contiguous();
        return bytes.bytes.ToArray();
    }
}
