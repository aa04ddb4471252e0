using System.Diagnostics;

namespace PaintToPhoto;

/// <summary>
/// Everyone's turn at the model, with a limit on how many wait, and how many of them for one and the same painter. First come, first
/// served, but that a preview, for which a hand waits, is due sooner than a photo. Who goes away while waiting costs nothing more.
/// </summary>
/// <remarks>
/// One thread of its own does all work. The network uses the machine's cores for each photo, so that more of them at once would finish no
/// sooner; and each further thread would get a set of libtorch's threads to itself.
/// </remarks>
internal sealed class PaintQueue : IDisposable
{
    /// <summary>How many may wait.</summary>
    public const int Places = 64;

    /// <summary>How many may wait for one painter: a preview and a photo, and what replaces them.</summary>
    public const int PlacesPerPainter = 4;

    private readonly LinkedList<Turn> _waiting = [];
    private readonly Thread _thread;
    private bool _closed;

    public PaintQueue()
    {
        _thread = new Thread(Work) { IsBackground = true, Name = "painting" };
        _thread.Start();
    }

    /// <summary>Waits for its turn, then does something.</summary>
    /// <param name="painter">Whose turn it is.</param>
    /// <param name="patience">Who comes later passes it if due sooner. It is passed for this long at most.</param>
    /// <param name="work">Is not done when <paramref name="gone"/> is cancelled before.</param>
    /// <param name="gone">Cancelled when the painter does not want it any more.</param>
    /// <exception cref="QueueFullException">Too many wait.</exception>
    /// <exception cref="OperationCanceledException">The painter has gone, or the program ends.</exception>
    public async Task<byte[]> Run(string painter, TimeSpan patience, Func<byte[]> work, CancellationToken gone)
    {
        var turn = new Turn(painter, Stopwatch.GetTimestamp() + (long)(patience.TotalSeconds * Stopwatch.Frequency), work);
        lock (_waiting)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_waiting.Count(other => other.Painter == painter) >= PlacesPerPainter)
                throw new QueueFullException($"You are waiting for {PlacesPerPainter} photos already. Wait for one of them, or cancel it.");
            if (_waiting.Count >= Places)
                throw new QueueFullException($"{Places} photos are being waited for. Try again in a moment.");
            _waiting.AddLast(turn.Place);
            Monitor.Pulse(_waiting);
        }
        using var withdrawal = gone.Register(() => Withdraw(turn));
        return await turn.Result.Task;
    }

    /// <summary>Finishes the turn that is taken; the others are cancelled.</summary>
    public void Dispose()
    {
        lock (_waiting)
        {
            _closed = true;
            foreach (var turn in _waiting)
                turn.Result.TrySetCanceled();
            _waiting.Clear();
            Monitor.PulseAll(_waiting);
        }
        _thread.Join();
    }

    private void Withdraw(Turn turn)
    {
        lock (_waiting)
        {
            if (turn.Place.List is not null)
                _waiting.Remove(turn.Place);
        }
        turn.Result.TrySetCanceled();
    }

    private void Work()
    {
        while (Next() is { } turn)
        {
            try
            {
                turn.Result.TrySetResult(turn.Do());
            }
            catch (Exception e)
            {
                turn.Result.TrySetException(e);
            }
        }
    }

    private Turn? Next()
    {
        lock (_waiting)
        {
            while (_waiting.Count == 0 && !_closed)
                Monitor.Wait(_waiting);
            if (_waiting.MinBy(turn => turn.Due) is not { } next)
                return null;
            _waiting.Remove(next.Place);
            return next;
        }
    }

    private sealed class Turn
    {
        public Turn(string painter, long due, Func<byte[]> work)
        {
            (Painter, Due, Do) = (painter, due, work);
            Place = new LinkedListNode<Turn>(this);
        }

        public string Painter { get; }

        public long Due { get; }

        public Func<byte[]> Do { get; }

        public LinkedListNode<Turn> Place { get; }

        public TaskCompletionSource<byte[]> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>There is no place to wait.</summary>
/// <param name="message">What to do.</param>
internal sealed class QueueFullException(string message) : Exception(message);
