using CrnMlNet.Torch.Inference;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Inference;

[Collection(RunAlone.Name)]
public sealed class PaintingThreadsTests
{
    [Theory]
    [InlineData(2, 2, 1)]
    [InlineData(2, 5, 1)]
    [InlineData(4, 2, 2)]
    [InlineData(6, 2, 3)]
    [InlineData(5, 2, 2)]
    public void EachPieceIsDoneOnceOnItsShareOfTheThreads(int threads, int pieces, int threadsOfEach) => With(threads, () =>
    {
        var (times, found) = (new int[pieces], new int[pieces]);
        PaintingThreads.Share(pieces, piece =>
        {
            Interlocked.Increment(ref times[piece]);
            found[piece] = get_num_threads();
        });

        Assert.All(times, count => Assert.Equal(1, count));
        Assert.All(found, count => Assert.Equal(threadsOfEach, count));
    });

    [Fact]
    public void PiecesAreDoneAtTheSameTime() => With(2, () =>
    {
        using var both = new Barrier(2);
        Assert.Null(OnAnotherThread(() => PaintingThreads.Share(2, _ => Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(60)), "the other piece never began"))));
    });

    [Fact]
    public void OtherThreadsKeepTheirNumber() => With(6, () =>
    {
        PaintingThreads.Share(6, _ => { });
        PaintingThreads.Share(3, _ => { });

        Assert.Equal(6, get_num_threads());
        int ofANewOne = 0;
        OnAnotherThread(() => ofANewOne = get_num_threads());
        Assert.Equal(6, ofANewOne);
    });

    [Fact]
    public void AFailureIsThrownWhenAllElseIsDone() => With(2, () =>
    {
        int done = 0;
        var failure = Assert.Throws<FormatException>(() => PaintingThreads.Share(5, piece =>
        {
            if (piece == 1)
                throw new FormatException("the second");
            Interlocked.Increment(ref done);
        }));

        Assert.Equal("the second", failure.Message);
        Assert.Equal(4, done);
        PaintingThreads.Share(5, _ => Interlocked.Increment(ref done));
        Assert.Equal(9, done);
    });

    [Fact]
    public void SeveralMayAskAtTheSameTime() => With(2, () =>
    {
        var sums = new int[8];
        Parallel.For(0, sums.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, asking =>
        {
            set_num_threads(2);
            for (int i = 0; i < 50; i++)
                PaintingThreads.Share(3, piece => Interlocked.Add(ref sums[asking], piece + 1));
        });

        Assert.All(sums, sum => Assert.Equal(300, sum));
    });

    private static void With(int threads, Action test)
    {
        using var restored = new ThreadsRestored();
        set_num_threads(threads);
        test();
    }

    private static Exception? OnAnotherThread(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(action));
        thread.Start();
        thread.Join();
        return failure;
    }
}
