using System.Buffers;
using CrnMlNet.Torch.Inference;
using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>One label image through a network: decoded, painted, and made an image.</summary>
internal static class LabelsToPhoto
{
    public static MLImage Paint(LabelDecoder decoder, Synthesizer synthesizer, MLImage labels, string source)
    {
        var (height, width) = (synthesizer.Height, synthesizer.Width);
        byte[] ids = ArrayPool<byte>.Shared.Rent(height * width), photo = ArrayPool<byte>.Shared.Rent(3 * height * width);
        try
        {
            decoder.Decode(labels, ids.AsSpan(0, height * width), height, width, source);
            synthesizer.Synthesize(ids.AsSpan(0, height * width), photo.AsSpan(0, 3 * height * width));
            return PhotoPixels.ToImage(photo.AsSpan(0, 3 * height * width), height, width);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(ids);
            ArrayPool<byte>.Shared.Return(photo);
        }
    }
}
