using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using CrnMlNet.Torch.Weights;
using Microsoft.ML;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>How a segmenter is trained.</summary>
public sealed record SegmenterOptions
{
    /// <summary>What it learns from: photos should be brought to the size of those to be measured.</summary>
    public PairColumns Pairs { get; init; } = new();

    /// <summary>How it learns.</summary>
    public SegmentationTrainingOptions Training { get; init; } = new();

    /// <summary><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null: <see cref="MLContext.GpuDeviceId"/>, or the CPU.</summary>
    public string? Device { get; init; }
}

/// <summary>
/// A trained segmentation network with its identity: it tells which classes photos show. What it says of synthesized photos is worth
/// what it says of real ones, which is the ceiling; and a model that was trained by it is not to be measured by it.
/// </summary>
public sealed class Segmenter : IDisposable
{
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
    public string Name => $"CrnSeg {HashedTensorFile.Short(Hash)} ({Description.Classes.Count} classes, {Description.Pairs} pairs at {Description.Height}x{Description.Width})";

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
        var pairs = options.Pairs.Read(mlContext, data, cancellation);
        var network = new SegmentationNetwork(options.Pairs.Palette.Classes.Count, unchecked((ulong)options.Training.Seed));
        try
        {
            network.to(device);
            int epochs = 0;
            SegmentationTraining.Train(network, pairs, options.Training, progress =>
            {
                epochs = progress.Epoch;
                report?.Invoke(progress);
            }, cancellation);
            string[] names = [.. options.Pairs.Palette.Classes.Select(label => label.Name)];
            return new Segmenter(network, new SegmentationDescription(names, options.Pairs.Height, options.Pairs.Width, pairs.Count, epochs, options.Training.Seed), device);
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

    /// <summary>Compares what it tells of real photos with their layouts.</summary>
    /// <param name="pairs">Photos that it was not trained on, of known layouts.</param>
    /// <exception cref="ArgumentException">The classes are not the segmenter's, or layouts are not known.</exception>
    public ConfusionMatrix Measure(RealPairs pairs)
    {
        CheckClasses(pairs.Classes);
        var confusion = new ConfusionMatrix(_network.Classes);
        foreach (var matrix in Confusion(pairs.Photos, pairs.Layouts!))
            confusion.Add(matrix);
        return confusion;
    }

    /// <summary>Tells the likeliest class of every pixel.</summary>
    /// <param name="photo">A photo of any size.</param>
    /// <returns>Class ids <c>[H, W]</c>, row by row.</returns>
    public byte[] Segment(RgbImage photo)
    {
        using var scope = NewDisposeScope();
        return RealPairs.Bytes(_network.Segment(photo.ToTensor(Device)));
    }

    /// <inheritdoc/>
    public void Dispose() => _network.Dispose();

    /// <summary>What it tells of each photo against its layout.</summary>
    internal IEnumerable<ConfusionMatrix> Confusion(IReadOnlyList<RgbImage> photos, IReadOnlyList<byte[]> layouts) => photos.Select((photo, i) =>
    {
        var matrix = new ConfusionMatrix(_network.Classes);
        matrix.Add(layouts[i], Segment(photo));
        return matrix;
    });

    /// <summary>Checks that the segmenter tells these classes apart.</summary>
    /// <exception cref="ArgumentException">It has others, or the same in another order.</exception>
    internal void CheckClasses(IReadOnlyList<string> classes)
    {
        if (!classes.SequenceEqual(Description.Classes))
            throw new ArgumentException(
                $"The segmentation network tells {Show(Description.Classes)} apart, and the labels have {Show(classes)}. Train one with this palette (crn train-segmenter --palette).");

        static string Show(IReadOnlyList<string> classes) => $"{classes.Count} classes ({string.Join(", ", classes)})";
    }

    /// <summary>The features of photos of one size, <c>[N, d]</c>.</summary>
    internal Tensor Features(Tensor photos) => _network.Features(photos);
}
