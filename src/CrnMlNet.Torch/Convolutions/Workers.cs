using static TorchSharp.torch;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>Divides work among as many threads as libtorch has.</summary>
internal static class Workers
{
    /// <summary>How many threads.</summary>
    public static int Count => Math.Max(1, get_num_threads());

    /// <summary>Does pieces of work, each once, in any order.</summary>
    /// <param name="pieces">How many.</param>
    /// <param name="work">Does a piece, given its number and that of the thread, which is below <see cref="Count"/>.</param>
    public static void Share(int pieces, Action<int, int> work)
    {
        int workers = Math.Min(Count, pieces), next = -1;
        if (workers <= 1)
        {
            for (int piece = 0; piece < pieces; piece++)
                work(piece, 0);
            return;
        }

        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, worker =>
        {
            for (int piece = Interlocked.Increment(ref next); piece < pieces; piece = Interlocked.Increment(ref next))
                work(piece, worker);
        });
    }
}
