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
        int pixels = height * width, length = 3 * pixels;
        byte[] ids = ArrayPool<byte>.Shared.Rent(pixels), photos = ArrayPool<byte>.Shared.Rent(synthesizer.Images * length);
        try
        {
            decoder.Decode(labels, ids.AsSpan(0, pixels), height, width, source);
            synthesizer.Synthesize(ids.AsSpan(0, pixels), photos.AsSpan(0, synthesizer.Images * length));
            return [.. Enumerable.Range(0, synthesizer.Images).Select(image => PhotoPixels.ToImage(photos.AsSpan(image * length, length), height, width))];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(ids);
            ArrayPool<byte>.Shared.Return(photos);
        }
    }
}
