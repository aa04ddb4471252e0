using System.Buffers;
using CrnMlNet.Torch.Inference;
using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>One label map through a network: decoded, painted, and made images.</summary>
internal static class LabelsToPhoto
{
    /// <returns>An image for each that the synthesizer gives.</returns>
    public static MLImage[] Paint(LabelDecoder decoder, Synthesizer synthesizer, LabelMap labels, string source)
    {
        var (height, width) = (synthesizer.Height, synthesizer.Width);
        int pixels = height * width;
        byte[] channels = ArrayPool<byte>.Shared.Rent(pixels);
        try
        {
            decoder.Decode(labels, channels.AsSpan(0, pixels), height, width, source);
            return Paint(synthesizer, channels.AsSpan(0, pixels));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(channels);
        }
    }

    /// <summary>The same, of a map that is decoded already.</summary>
    public static MLImage[] Paint(Synthesizer synthesizer, ReadOnlySpan<byte> channels)
    {
        var (height, width) = (synthesizer.Height, synthesizer.Width);
        int length = 3 * height * width;
        byte[] photos = ArrayPool<byte>.Shared.Rent(synthesizer.Images * length);
        try
        {
            synthesizer.Synthesize(channels, photos.AsSpan(0, synthesizer.Images * length));
            return [.. Enumerable.Range(0, synthesizer.Images).Select(image => PhotoPixels.ToImage(photos.AsSpan(image * length, length), height, width))];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(photos);
        }
    }
}
