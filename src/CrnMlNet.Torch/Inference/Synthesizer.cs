using System.Diagnostics;
using System.Runtime.InteropServices;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>Runs a trained network: layouts in, photos out, nothing kept for gradients.</summary>
/// <remarks>
/// Several threads may call this at once. On the CPU a photo has the same values whatever N is and whatever the others show; several of a
/// cascaded refinement network are painted side by side there in float32, each on its share of libtorch's threads. What is
/// prepared from the weights when the first photo is painted is native memory: dispose this object before the network, when no
/// call is under way. Each forward pass is an <see cref="Activity"/> of the source <see cref="ActivitySourceName"/>.
/// </remarks>
public sealed class Synthesizer : IDisposable
{
    /// <summary>How many layouts can be synthesized at once.</summary>
    public const int LargestBatch = BatchInvariance.LargestBatch;

    /// <summary>The source of the activities, named <c>forward</c>, that each forward pass is.</summary>
    public const string ActivitySourceName = "CrnMlNet.Torch";

    private static readonly ActivitySource Activities = new(ActivitySourceName);

    private readonly SynthesisNetwork _network;
    private readonly int? _image;
    private readonly ForwardPass? _pass;
    private readonly bool _isOwner;
    private readonly Device _device;

    /// <summary>Runs a network whose weights stay as they are.</summary>
    /// <param name="network">The network, on its device. Stays the caller's to dispose. Changes of its weights after the first photo may not be seen.</param>
    /// <param name="image">Which of the network's k images is given, from 0; null: all of them.</param>
    public Synthesizer(SynthesisNetwork network, int? image = 0) : this(network, image, new ForwardPass(network), isOwner: true)
    {
    }

    private Synthesizer(SynthesisNetwork network, int? image, ForwardPass? pass, bool isOwner)
    {
        (_network, _image, _pass, _isOwner) = (network, image, pass, isOwner);
        _device = network.parameters().First().device;
    }

    /// <summary>The height of images in pixels.</summary>
    public int Height => _network.Architecture.Height;

    /// <summary>The width of images in pixels.</summary>
    public int Width => _network.Architecture.Width;

    /// <summary>k, how many images are given for a layout.</summary>
    public int Images => _image is null ? _network.Architecture.ImagesPerLayout : 1;

    /// <summary>In which numbers photos are painted from now on. While a network learns, always in float32.</summary>
    public SynthesisPrecision Precision { get; set; }

    /// <summary>Which of all possible noises a network with noise channels gets from now on: another one, another photo of the same layout. 0 is what it gets otherwise.</summary>
    public int SampleSeed { get; set; }

    /// <summary>Of a network that learns: each photo is of its weights as they are, and nothing is prepared.</summary>
    /// <param name="network">The network, on its device. Stays the caller's to dispose.</param>
    internal static Synthesizer WhileLearning(SynthesisNetwork network) => new(network, 0, pass: null, isOwner: false);

    /// <summary>The same network, of which others of the k images are given. What is prepared stays this object's.</summary>
    /// <param name="image">Which image, from 0; null: all of them.</param>
    internal Synthesizer Giving(int? image) => new(_network, image, _pass, isOwner: false) { Precision = Precision, SampleSeed = SampleSeed };

    /// <summary>Whether photos may be painted side by side, each on a part of libtorch's threads, and are the same, bit for bit.</summary>
    internal bool PaintsSideBySide => _pass?.IsTheSameOnAnyThreads(Precision) == true;

    /// <summary>Synthesizes photos of class ids, as bytes.</summary>
    /// <param name="ids">The class id of every pixel, <c>[N, H, W]</c>, row by row, each below the network's channels; N is 1 to <see cref="LargestBatch"/>.</param>
    /// <param name="photos">Receives the photos, planar RGB <c>[N, k, 3, H, W]</c>, rounded and clipped to 0..255.</param>
    /// <exception cref="ArgumentException">A span does not have the network's size.</exception>
    public void Synthesize(ReadOnlySpan<byte> ids, Span<byte> photos) => Paint(ids, photos, OneHot, Give);

    /// <summary>Synthesizes photos of class ids, as floats.</summary>
    /// <param name="ids">The class ids, as in the other overload.</param>
    /// <param name="photos">Receives the photos, planar RGB <c>[N, k, 3, H, W]</c>, clipped to 0..255 and not rounded.</param>
    /// <exception cref="ArgumentException">A span does not have the network's size.</exception>
    public void Synthesize(ReadOnlySpan<byte> ids, Span<float> photos) => Paint(ids, photos, OneHot, Give);

    /// <summary>Synthesizes photos of soft layouts, as bytes.</summary>
    /// <param name="layouts">Every channel's share of every pixel, <c>[N, c, H, W]</c>, each pixel's summing to one.</param>
    /// <param name="photos">Receives the photos, as with class ids.</param>
    /// <exception cref="ArgumentException">A span does not have the network's size.</exception>
    public void Synthesize(ReadOnlySpan<float> layouts, Span<byte> photos) => Paint(layouts, photos, Soft, Give);

    /// <summary>Synthesizes photos of soft layouts, as floats.</summary>
    /// <param name="layouts">Every channel's share of every pixel, <c>[N, c, H, W]</c>, each pixel's summing to one.</param>
    /// <param name="photos">Receives the photos, as with class ids.</param>
    /// <exception cref="ArgumentException">A span does not have the network's size.</exception>
    public void Synthesize(ReadOnlySpan<float> layouts, Span<float> photos) => Paint(layouts, photos, Soft, Give);

    /// <summary>Frees what was prepared from the weights. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_isOwner)
            _pass?.Dispose();
    }

    private unsafe void Paint<TLayout, TPhoto>(ReadOnlySpan<TLayout> layouts, Span<TPhoto> photos, LayoutReader<TLayout> read, PhotoWriter<TPhoto> give)
        where TLayout : unmanaged
        where TPhoto : unmanaged
    {
        using var activity = Activities.StartActivity("forward");
        int count = CountOf<TLayout>(layouts.Length, photos.Length);
        if (count == 1 || get_num_threads() == 1 || !PaintsSideBySide)
        {
            PaintTogether(layouts, photos, count, read, give);
            return;
        }

        // By all threads, and not by the first that paints while the others wait.
        _pass!.Prepare(Precision);
        int layout = layouts.Length / count, photo = photos.Length / count;
        fixed (TLayout* first = layouts)
        fixed (TPhoto* firstPhoto = photos)
        {
            var (from, to) = ((nint)first, (nint)firstPhoto);
            PaintingThreads.Share(count, i => PaintTogether(
                new ReadOnlySpan<TLayout>((TLayout*)from + (long)i * layout, layout), new Span<TPhoto>((TPhoto*)to + (long)i * photo, photo), 1, read, give));
        }
    }

    private void PaintTogether<TLayout, TPhoto>(ReadOnlySpan<TLayout> layouts, Span<TPhoto> photos, int count, LayoutReader<TLayout> read, PhotoWriter<TPhoto> give)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        give(Paint(read(layouts, count)), photos);
    }

    private Tensor OneHot(ReadOnlySpan<byte> ids, int count)
    {
        var labels = torch.empty([count, Height, Width], ScalarType.Byte);
        ids.CopyTo(labels.bytes);
        return SemanticLayout.OneHot(labels.to(_device), _network.Architecture.Channels);
    }

    private Tensor Soft(ReadOnlySpan<float> layouts, int count)
    {
        var shares = torch.empty([count, _network.Architecture.Channels, Height, Width], ScalarType.Float32);
        layouts.CopyTo(MemoryMarshal.Cast<byte, float>(shares.bytes));
        return shares.to(_device);
    }

    private Tensor Paint(Tensor layouts)
    {
        using var noise = SampleSeed is var seed and not 0 ? new NoiseSamples((uint)seed) : null;
        var images = _pass is null ? _network.call(layouts) : _pass.Run(layouts, Precision);
        return (_image is { } chosen ? images.narrow(1, chosen, 1) : images).Within(0, 255);
    }

    private static void Give(Tensor images, Span<byte> photos) => images.round().to(ScalarType.Byte).cpu().contiguous().bytes.CopyTo(photos);

    private static void Give(Tensor images, Span<float> photos) => images.cpu().contiguous().bytes.CopyTo(MemoryMarshal.AsBytes(photos));

    /// <summary>How many layouts there are, of class ids or of each channel's shares.</summary>
    private int CountOf<TLayout>(int given, int photos)
    {
        bool isSoft = typeof(TLayout) == typeof(float);
        int channels = isSoft ? _network.Architecture.Channels : 1, pixels = Height * Width, count = given / channels / pixels;
        if (given != (long)count * channels * pixels || count is < 1 or > LargestBatch)
        {
            throw new ArgumentException(
                $"The network takes {(isSoft ? $"{channels} x " : "")}{Height} x {Width} {(isSoft ? "shares" : "class ids")} a photo and up to {LargestBatch} photos, got {given}.");
        }

        if (photos != 3L * count * Images * pixels)
            throw new ArgumentException($"A layout's photos need {Images} x 3 x {Height} x {Width} values, got {photos} for {count}.");
        return count;
    }

    private delegate Tensor LayoutReader<TLayout>(ReadOnlySpan<TLayout> layouts, int count);

    private delegate void PhotoWriter<TPhoto>(Tensor images, Span<TPhoto> photos);
}
