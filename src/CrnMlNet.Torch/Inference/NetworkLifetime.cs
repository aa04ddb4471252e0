using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Torch.Inference;

/// <summary>Of a network that any number of threads use and one disposes: its memory is freed when the last use under way ends.</summary>
/// <param name="network">The network, this object's from now on.</param>
/// <param name="beside">What is kept beside it and freed before it, this object's, too; nulls are passed over.</param>
internal sealed class NetworkLifetime(SynthesisNetwork network, params IDisposable?[] beside) : IDisposable
{
    // One for the owner and one for each use under way; at 0 the network is freed.
    private int _holders = 1;
    private int _disposed;

    /// <summary>Whether <see cref="Dispose"/> was called.</summary>
    public bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>Keeps the network alive until the result is disposed.</summary>
    /// <param name="owner">Whom the exception names.</param>
    /// <exception cref="ObjectDisposedException">The network was disposed.</exception>
    public Use Enter(object owner)
    {
        ObjectDisposedException.ThrowIf(IsDisposed || !TryHold(), owner);
        return new Use(this);
    }

    /// <summary>Lets nobody in any more. A second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            Release();
    }

    private bool TryHold()
    {
        var holders = Volatile.Read(ref _holders);
        while (holders > 0)
        {
            var before = Interlocked.CompareExchange(ref _holders, holders + 1, holders);
            if (before == holders)
                return true;
            holders = before;
        }

        return false;
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _holders) != 0)
            return;
        foreach (var other in beside)
            other?.Dispose();
        network.Dispose();
    }

    /// <summary>A use under way.</summary>
    internal readonly ref struct Use(NetworkLifetime lifetime)
    {
        public void Dispose() => lifetime.Release();
    }
}
