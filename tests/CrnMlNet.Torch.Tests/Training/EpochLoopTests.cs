using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;

namespace CrnMlNet.Torch.Tests.Training;

public sealed class EpochLoopTests
{
    [Theory]
    [InlineData(7, 3)]
    [InlineData(6, 2)]
    [InlineData(1, 4)]
    public void EachEpochSeesEachPairOnce(int pairs, int batchSize)
    {
        var options = new TrainingOptions { Epochs = 4, BatchSize = batchSize, Seed = 3 };
        int batches = (pairs + batchSize - 1) / batchSize;
        var seen = new List<int>();
        var sizes = new List<int>();

        new EpochLoop(pairs, options).Run(
            (indices, mirrored) =>
            {
                Assert.Equal(indices.Length, mirrored.Length);
                seen.AddRange(indices);
                sizes.Add(indices.Length);
                return 1;
            },
            _ => { }, CancellationToken.None);

        Assert.Equal(4 * batches, sizes.Count);
        Assert.All(sizes, size => Assert.InRange(size, 1, batchSize));
        Assert.All(seen.Chunk(pairs), epoch => Assert.Equal(Enumerable.Range(0, pairs), epoch.Order()));
    }

    [Fact]
    public void TheSeedAloneDecidesOrderAndMirroring()
    {
        var first = Sequence(new TrainingOptions { Epochs = 3, BatchSize = 2, Seed = 8 });

        Assert.Equal(first, Sequence(new TrainingOptions { Epochs = 3, BatchSize = 2, Seed = 8 }));
        Assert.NotEqual(first, Sequence(new TrainingOptions { Epochs = 3, BatchSize = 2, Seed = 9 }));
        Assert.NotEqual(first[..20], first[20..40]);
    }

    [Fact]
    public void HalfAreMirroredOrNone()
    {
        int mirrored = Sequence(new TrainingOptions { Epochs = 50 }).Count(step => step.Mirrored);

        // 1000 throws of a coin: 500 with a standard deviation of 16.
        Assert.InRange(mirrored, 420, 580);
        Assert.DoesNotContain(Sequence(new TrainingOptions { Epochs = 50, Mirror = false }), step => step.Mirrored);
    }

    [Fact]
    public void ProgressCountsStepsEpochsAndTheEpochsMeanLoss()
    {
        double[] losses = [4, 2, 3, 1];
        var reports = new List<TrainingProgress>();
        int step = 0;
        var loop = new EpochLoop(4, new TrainingOptions { Epochs = 2, BatchSize = 2 });

        loop.Run((_, _) => losses[step++], reports.Add, CancellationToken.None);

        Assert.Equal([(1L, 1, false, 4.0), (2L, 1, true, 3.0), (3L, 2, false, 3.0), (4L, 2, true, 2.0)],
            reports.Select(report => (report.Step, report.Epoch, report.IsEpochEnd, report.Loss)));
        Assert.All(reports, report => Assert.Equal((4L, 2), (report.Steps, report.Epochs)));
        Assert.All(reports, report => Assert.True(report.ImagesPerSecond > 0));
        Assert.Equal(TimeSpan.Zero, reports[^1].Remaining);
        Assert.Equal(4, loop.StepsDone);
        Assert.Equal([3.0, 2.0], loop.LossByEpoch);
    }

    [Fact]
    public void CancellationStopsAfterTheStepInHand()
    {
        using var source = new CancellationTokenSource();
        int steps = 0;
        var loop = new EpochLoop(5, new TrainingOptions { Epochs = 10 });

        loop.Run(
            (_, _) =>
            {
                if (++steps == 7)
                    source.Cancel();
                return steps;
            },
            _ => { }, source.Token);

        Assert.Equal(7, steps);
        Assert.Equal(7, loop.StepsDone);
        Assert.Equal([3.0, 6.5], loop.LossByEpoch);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(33)]
    public void ALoopGoesOnWhereItsStateWasTaken(int steps)
    {
        var options = new TrainingOptions { Epochs = 3, Seed = 5 };
        var whole = Sequence(options);
        using var source = new CancellationTokenSource();
        var first = new EpochLoop(20, options);
        first.Run((indices, _) => indices[0], progress => Cancel(progress.Step), source.Token);
        var rest = new List<(int, bool)>();

        var second = new EpochLoop(20, options, first.State);
        second.Run(
            (indices, mirrored) =>
            {
                rest.Add((indices[0], mirrored[0]));
                return indices[0];
            },
            _ => { }, CancellationToken.None);

        Assert.Equal(whole[steps..], rest);
        // Each epoch's mean of 0 to 19, however it was cut.
        Assert.Equal([9.5, 9.5, 9.5], second.LossByEpoch);
        Assert.True(second.Elapsed > first.Elapsed);

        void Cancel(long step)
        {
            if (step == steps)
                source.Cancel();
        }
    }

    [Fact]
    public void PatienceEndsTheTrainingAfterEpochsWithoutANewMinimum()
    {
        double[] losses = [5, 4, 4.5, 4, 3, 6, 7, 3, 2];
        var reported = new List<double?>();
        int asked = 0;
        var loop = new EpochLoop(2, new TrainingOptions { Epochs = 50, EarlyStoppingPatience = 3 }) { Validate = () => losses[asked++] };

        var end = loop.Run((_, _) => 1, progress => reported.Add(progress.ValidationLoss), CancellationToken.None);

        // 4 again is no new minimum, 3 is one, in the third epoch after 4; then three epochs bring none.
        Assert.Equal(8, asked);
        Assert.Equal([null, 5.0, null, 4.0, null, 4.5], reported.Take(6));
        Assert.Equal(losses[..loop.ValidationLossByEpoch.Count], loop.ValidationLossByEpoch);
        Assert.Equal(TrainingEnd.OutOfPatience, end);
    }

    /// <summary>Losses before and after the layers' weights are rescaled do not compare; and where they never are, patience counts from the start.</summary>
    [Theory]
    [InlineData(5, 50, 9)] // 1, 2, 3, 4, 5 are not judged; 90 is the first that is, 80 the best, then two epochs bring none
    [InlineData(50, 50, 3)]
    public void PatienceCountsFromTheRescaledWeightsOn(int rescaleAfter, int epochs, int expected)
    {
        double[] losses = [1, 2, 3, 4, 5, 90, 80, 85, 81, 82];
        int asked = 0;
        var options = new TrainingOptions { Epochs = epochs, EarlyStoppingPatience = 2, LayerWeights = LayerWeighting.Paper(rescaleAfter) };
        var loop = new EpochLoop(2, options) { Validate = () => losses[asked++] };

        Assert.Equal(TrainingEnd.OutOfPatience, loop.Run((_, _) => 1, _ => { }, CancellationToken.None));
        Assert.Equal(expected, asked);
    }

    [Fact]
    public void TheShareDoneIsOfTheStepsOrOfTheTimeBudgetWhicheverEndsFirst()
    {
        var steps = new EpochLoop(2, new TrainingOptions { Epochs = 2, TimeBudget = TimeSpan.FromDays(1) });
        var byStep = new List<double>();
        steps.Run((_, _) => 1, _ => byStep.Add(steps.ShareDone), CancellationToken.None);
        var time = new EpochLoop(2, new TrainingOptions { Epochs = 1_000_000, TimeBudget = TimeSpan.FromMilliseconds(100) });
        var byTime = new List<(double Least, double Share, double Most)>();
        time.Run((_, _) => 1, _ =>
        {
            Thread.Sleep(30);
            double least = time.Elapsed.TotalMilliseconds / 100, share = time.ShareDone;
            byTime.Add((Math.Min(1, least), share, time.Elapsed.TotalMilliseconds / 100));
        }, CancellationToken.None);

        Assert.Equal([0.25, 0.5, 0.75, 1], byStep);
        Assert.All(byTime, told => Assert.InRange(told.Share, told.Least, told.Most));
        Assert.Equal(1, byTime[^1].Share);
    }

    [Fact]
    public void TheTimeBudgetEndsTheTrainingAndTimeBeforeCounts()
    {
        var options = new TrainingOptions { Epochs = 1_000_000, TimeBudget = TimeSpan.FromMilliseconds(50) };
        var loop = new EpochLoop(2, options);

        Assert.Equal(TrainingEnd.OutOfTime, loop.Run((_, _) => 1, progress =>
        {
            Assert.InRange(progress.Remaining, TimeSpan.Zero, options.TimeBudget.Value);
            Thread.Sleep(10);
        }, CancellationToken.None));
        Assert.InRange(loop.StepsDone, 1, 5);
        Assert.Equal(TrainingEnd.OutOfTime, new EpochLoop(2, options, loop.State).Run((_, _) => throw new InvalidOperationException("a step"), _ => { }, CancellationToken.None));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void ALossThatIsNoNumberEndsTheTraining(double loss)
    {
        int steps = 0;
        var loop = new EpochLoop(5, new TrainingOptions { LearningRate = 0.5 });

        var exception = Assert.Throws<TrainingDivergedException>(
            () => loop.Run((_, _) => ++steps == 3 ? loss : 1, _ => { }, CancellationToken.None));

        Assert.Contains("at step 3", exception.Message);
        Assert.Contains("Lower the learning rate (0.5)", exception.Message);
    }

    [Theory]
    [InlineData(0, 1, 1e-4, "Epochs")]
    [InlineData(1, 0, 1e-4, "BatchSize")]
    [InlineData(1, 1, 0, "LearningRate")]
    [InlineData(1, 1, 1, "LearningRate")]
    [InlineData(1, 1, double.NaN, "LearningRate")]
    public void OptionsOutOfRangeAreRefused(int epochs, int batchSize, double learningRate, string property)
    {
        var options = new TrainingOptions { Epochs = epochs, BatchSize = batchSize, LearningRate = learningRate };

        Assert.Equal(property, Assert.Throws<ArgumentOutOfRangeException>(options.Validate).ParamName);
    }

    private static List<(int Index, bool Mirrored)> Sequence(TrainingOptions options)
    {
        var sequence = new List<(int, bool)>();
        new EpochLoop(20, options).Run(
            (indices, mirrored) =>
            {
                for (int i = 0; i < indices.Length; i++)
                    sequence.Add((indices[i], mirrored[i]));
                return 0;
            },
            _ => { }, CancellationToken.None);
        return sequence;
    }
}
