using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>Runs a trained network: class ids in, 8-bit images out, nothing kept for gradients.</summary>
/// <param name="network">The network, on its device. Stays the caller's to dispose.</param>
public sealed class Synthesizer(CascadedRefinementNetwork network)
{
    /// <summary>How many photos can be synthesized at once.</summary>
    public const int LargestBatch = BatchInvariance.LargestBatch;

    private readonly Device _device = network.parameters().First().device;

    /// <summary>The height of images in pixels.</summary>
    public int Height => network.Architecture.Height;

    /// <summary>The width of images in pixels.</summary>
    public int Width => network.Architecture.Width;

    /// <summary>Synthesizes one photo or several at once.</summary>
    /// <param name="ids">The class id of every pixel, <c>[N, H, W]</c>, row by row, each below the network's channels; N is 1 to <see cref="LargestBatch"/>.</param>
    /// <param name="photos">Receives the photos, planar RGB <c>[N, 3, H, W]</c>, rounded and clipped to 0..255.</param>
    /// <exception cref="ArgumentException">A span does not have the network's size.</exception>
    /// <remarks>
    /// Several threads may call this at once. On the CPU a photo has the same bytes whatever N is and whatever the others show.
    /// </remarks>
    public void Synthesize(ReadOnlySpan<byte> ids, Span<byte> photos)
    {
        var architecture = network.Architecture;
        int pixels = architecture.Height * architecture.Width, count = ids.Length / pixels;
        if (ids.Length % pixels != 0 || count is < 1 or > LargestBatch)
            throw new ArgumentException($"The network takes {architecture.Height} x {architecture.Width} class ids a photo and up to {LargestBatch} photos, got {ids.Length}.", nameof(ids));
        if (photos.Length != 3L * ids.Length)
            throw new ArgumentException($"A photo needs 3 x {architecture.Height} x {architecture.Width} bytes, got {photos.Length} for {count}.", nameof(photos));

        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var labels = torch.empty([count, architecture.Height, architecture.Width], ScalarType.Byte);
        ids.CopyTo(labels.bytes);
        var images = network.call(SemanticLayout.OneHot(labels.to(_device), architecture.Channels));
        var bytes = images.select(1, 0).round().Within(0, 255).to(ScalarType.Byte).cpu().contiguous();
        bytes.bytes.CopyTo(photos);
    }
}
