using CrnMlNet.Torch.Convolutions;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>
/// Memory for one photo after the other: feature maps, and what the convolutions work in. So the system need not find and clear hundreds of megabytes for each, which takes a
/// tenth of the time of a photo of the paper's network.
/// </summary>
/// <remarks>A module's first maps are made of the module before's second ones, and its second ones, of the first, take the place of these.</remarks>
internal sealed class PaintingMemory : IDisposable
{
    private readonly Tensor?[] _slots = new Tensor?[2];
    private Arena? _arena;

    /// <summary>Has this thread's convolutions work in this memory, until what is returned is closed.</summary>
    public Arena Open() => _arena = Arena.Open(_arena);

    /// <summary>Room for a module's maps, whatever they hold; that for the same half of the module before is the same.</summary>
    /// <param name="half">0 for the module's first maps, 1 for its second.</param>
    /// <param name="shape">The maps' shape.</param>
    /// <returns>A float32 tensor, the current dispose scope's.</returns>
    public Tensor Take(int half, params long[] shape)
    {
        ref var slot = ref _slots[half];
        long count = shape.Aggregate(1L, (product, side) => product * side);
        if (slot is null || slot.NumberOfElements < count)
        {
            slot?.Dispose();
            slot = torch.empty([count], ScalarType.Float32).DetachFromDisposeScope();
        }

        using var part = slot.narrow(0, 0, count);
        return part.view(shape);
    }

    public void Dispose()
    {
        foreach (var slot in _slots)
            slot?.Dispose();
        _arena?.Dispose();
    }
}
