using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>
/// Threads that paint photos, several at once and each by itself: libtorch's threads are divided among them. Those of one photo wait for each other after
/// every layer, which a small network does so often that many cores help little; photos need not wait for each other.
/// </summary>
/// <remarks>They are started when they are first needed, and stay; all who paint at the same time share them.</remarks>
internal sealed class PaintingThreads
{
    private static readonly ConcurrentDictionary<int, PaintingThreads> All = [];

    private readonly BlockingCollection<Action> _work = [];
    private readonly Lock _lock = new();
    private readonly int _threadsOfEach;
    private int _count;

    private PaintingThreads(int threadsOfEach) => _threadsOfEach = threadsOfEach;

    /// <summary>Does pieces of work, each once and in any order, on threads of which each has its share of those that libtorch has on this one.</summary>
    /// <param name="pieces">How many.</param>
    /// <param name="work">Does a piece, given its number. If one fails the others are done all the same, and then the exception is thrown.</param>
    public static void Share(int pieces, Action<int> work)
    {
        int threads = Math.Max(1, get_num_threads()), atOnce = Math.Min(pieces, threads);
        var painters = All.GetOrAdd(threads / atOnce, ofEach => new PaintingThreads(ofEach));
        painters.StartUpTo(atOnce, threads);
        ExceptionDispatchInfo? failure = null;
        using var left = new CountdownEvent(pieces);
        for (int i = 0; i < pieces; i++)
        {
            int piece = i;
            painters._work.Add(() =>
            {
                try
                {
                    work(piece);
                }
                catch (Exception e)
                {
                    Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
                }
                finally
                {
                    left.Signal();
                }
            });
        }

        left.Wait();
        failure?.Throw();
    }

    private void StartUpTo(int count, int threadsHere)
    {
        lock (_lock)
        {
            if (_count >= count)
                return;
            using var started = new CountdownEvent(count - _count);
            for (; _count < count; _count++)
                new Thread(() => Paint(started)) { IsBackground = true, Name = "paints photos" }.Start();
            started.Wait();
            // What those that are met later get.
            set_num_threads(threadsHere);
        }
    }

    private void Paint(CountdownEvent started)
    {
        // libtorch gives a thread that it meets as many as were last set on any (aten/src/ATen/ParallelOpenMP.cpp).
        _ = get_num_threads();
        set_num_threads(_threadsOfEach);
        started.Signal();
        foreach (var work in _work.GetConsumingEnumerable())
            work();
    }
}
