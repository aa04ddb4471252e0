using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>Runs a trained network: class ids in, 8-bit images out, nothing kept for gradients.</summary>
/// <param name="network">The network, on its device. Stays the caller's to dispose.</param>
public sealed class Synthesizer(CascadedRefinementNetwork network)
{
    private readonly Device _device = network.parameters().First().device;

    /// <summary>The height of images in pixels.</summary>
    public int Height => network.Architecture.Height;

    /// <summary>The width of images in pixels.</summary>
    public int Width => network.Architecture.Width;

    /// <summary>Synthesizes a photo.</summary>
    /// <param name="ids">The class id of every pixel, <c>[H, W]</c>, row by row, each below the network's channels.</param>
    /// <param name="photo">Receives the photo, planar RGB <c>[3, H, W]</c>, rounded and clipped to 0..255.</param>
    /// <exception cref="ArgumentException">A span does not have the network's size.</exception>
    /// <remarks>Several threads may call this at once.</remarks>
    public void Synthesize(ReadOnlySpan<byte> ids, Span<byte> photo)
    {
        var architecture = network.Architecture;
        int pixels = architecture.Height * architecture.Width;
        if (ids.Length != pixels)
            throw new ArgumentException($"The network takes {architecture.Height} x {architecture.Width} class ids, got {ids.Length}.", nameof(ids));
        if (photo.Length != 3 * pixels)
            throw new ArgumentException($"The photo needs 3 x {architecture.Height} x {architecture.Width} bytes, got {photo.Length}.", nameof(photo));

        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var labels = torch.empty([1, architecture.Height, architecture.Width], ScalarType.Byte);
        ids.CopyTo(labels.bytes);
        var images = network.forward(SemanticLayout.OneHot(labels.to(_device), architecture.Channels));
        var bytes = images.select(1, 0).round().clamp(0, 255).to(ScalarType.Byte).cpu().contiguous();
        bytes.bytes.CopyTo(photo);
    }
}
