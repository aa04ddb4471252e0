using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>A .pth file: a state dictionary as PyTorch's <c>torch.save</c> writes it, in one of its two forms.</summary>
internal abstract class PthFile : TensorFile
{
    protected sealed override void Fill(TensorEntry entry, Tensor target)
    {
        var place = (PthEntry)entry;
        var (stream, start) = OpenStorage(place.Storage);
        if (!TensorData.ReadStrided(stream, start + place.Offset * place.DataType.ElementSize(), place.DataType, place.Strides, target))
            throw new FormatException($"The .pth file ends within tensor {TensorEntry.Quote(place.Name)}.");
    }

    /// <summary>A stream that can seek, and where in it the storage begins.</summary>
    protected abstract (Stream Stream, long Start) OpenStorage(PthStorage storage);
}
