using System.Runtime.InteropServices;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>
/// Memory that one computation after the other on a thread takes and gives back, so that the system need not find, clear and take back
/// hundreds of megabytes in each training step.
/// </summary>
/// <remarks>A computation takes what it needs and then <see cref="GiveBack"/>s all of it; in between the addresses stay.</remarks>
internal sealed unsafe class Arena : IDisposable
{
    // A processor's cache line, and AVX-512's vector.
    private const nuint Alignment = 64;

    [ThreadStatic]
    private static Arena? _current;

    private readonly List<nint> _beyond = [];
    private Arena? _outer;
    private float* _memory;
    private long _size, _taken;

    ~Arena() => Free();

    /// <summary>This thread's, null where none was opened.</summary>
    public static Arena? Current => _current;

    /// <summary>Opens one for this thread, until it is closed or disposed on the same.</summary>
    /// <param name="closed">One that was closed, with the memory that it has; null: a new one.</param>
    public static Arena Open(Arena? closed = null)
    {
        var arena = closed ?? new Arena();
        arena._outer = _current;
        return _current = arena;
    }

    /// <summary>Is this thread's no longer. What computations need together is kept for when it is opened again, on whichever thread.</summary>
    public void Close()
    {
        if (_current == this)
            _current = _outer;
        _outer = null;
        if (_beyond.Count > 0)
            Free();
        _taken = 0;
    }

    /// <summary>Takes room.</summary>
    /// <param name="count">For how many numbers; what they are is left open.</param>
    /// <exception cref="OutOfMemoryException">There is none.</exception>
    public float* Take(long count)
    {
        long from = _taken;
        _taken += (count + 15) / 16 * 16;
        if (_taken <= _size)
            return _memory + from;
        // What does not fit this time will the next time.
        var further = (float*)NativeMemory.AlignedAlloc((nuint)count * sizeof(float), Alignment);
        _beyond.Add((nint)further);
        return further;
    }

    /// <summary>Takes room in an arena, or where there is none in a tensor of the current dispose scope.</summary>
    /// <param name="arena">The arena; null: none.</param>
    /// <param name="count">For how many numbers.</param>
    public static float* Take(Arena? arena, long count) => arena is not null ? arena.Take(count) : FeatureMaps.AddressOf(TorchSharp.torch.empty([count], TorchSharp.torch.ScalarType.Float32));

    /// <summary>Ends a computation; the memory is the next one's.</summary>
    public void GiveBack()
    {
        if (_beyond.Count > 0)
        {
            Free();
            _memory = (float*)NativeMemory.AlignedAlloc((nuint)_taken * sizeof(float), Alignment);
            _size = _taken;
        }

        _taken = 0;
    }

    public void Dispose()
    {
        Close();
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        foreach (nint further in _beyond)
            NativeMemory.AlignedFree((void*)further);
        _beyond.Clear();
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        _size = 0;
    }
}
