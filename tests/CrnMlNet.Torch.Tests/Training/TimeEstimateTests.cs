using CrnMlNet.Torch.Training;

namespace CrnMlNet.Torch.Tests.Training;

public sealed class TimeEstimateTests
{
    [Fact]
    public void LongStepsAreToldOfAfterTenSeconds()
    {
        // 3 s for the first step, then 2 s each: 3 + 2 * 499 = 1001 s.
        var told = Run(steps: 500, first: 3, each: 2);

        Assert.Equal([(7, "Training will take about 17 minutes.")], told);
    }

    [Fact]
    public void AShortTrainingIsToldOfAfterATenthOfIt() =>
        Assert.Equal([(12, "Training will take about a second.")], Run(steps: 102, first: 0.1, each: 0.01));

    [Fact]
    public void AFirstStepThatTakesLongDoesNotCount() =>
        Assert.Equal([(12, "Training will take about 11 seconds.")], Run(steps: 102, first: 10, each: 0.01));

    /// <summary>100 epochs of 10 steps of a second, and 6 batches of a third of it behind each: 12 s an epoch, 1200 s in all.</summary>
    [Theory]
    [InlineData(10)]
    [InlineData(1000)]
    public void ValidatingCounts(int stepsPerEpoch)
    {
        int epochs = 1000 / stepsPerEpoch, batches = 6 * stepsPerEpoch / 10;
        TimeSpan? told = null;
        var estimate = new TimeEstimate(_ => { }, batches);

        for (int step = 1; told is null; step++)
        {
            int validated = step / stepsPerEpoch;
            estimate.Report(Progress(step, 1000, step + validated * batches / 3.0) with
            {
                Epoch = (step - 1) / stepsPerEpoch + 1,
                Epochs = epochs,
                IsEpochEnd = step % stepsPerEpoch == 0,
            });
            told = estimate.Total;
        }

        Assert.Equal(1200, told.Value.TotalSeconds, tolerance: 1e-6);
    }

    /// <summary>Two steps of a second each have been done and 998 are left, but of the budget a minute is.</summary>
    [Fact]
    public void NothingTakesLongerThanTheBudget()
    {
        var progress = Progress(2, 1000, 2);
        Assert.Equal(998, progress.Remaining.TotalSeconds, tolerance: 1e-6);
        Assert.Equal(60, (progress with { BudgetLeft = TimeSpan.FromMinutes(1) }).Remaining.TotalSeconds);
        Assert.Equal(998, (progress with { BudgetLeft = TimeSpan.FromHours(1) }).Remaining.TotalSeconds, tolerance: 1e-6);

        var told = new List<string>();
        var estimate = new TimeEstimate(told.Add);
        for (int step = 1; told.Count == 0; step++)
            estimate.Report(Progress(step, 1000, step) with { BudgetLeft = TimeSpan.FromSeconds(70 - step) });
        Assert.Equal(["Training will take about 70 seconds."], told);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void TooFewStepsTellNothing(int steps) => Assert.Empty(Run(steps, first: 1, each: 1));

    [Theory]
    [InlineData(40, "40 seconds")]
    [InlineData(1020, "17 minutes")]
    [InlineData(12600, "3.5 hours")]
    [InlineData(864000, "10.0 days")]
    public void TimesReadAsPeopleSayThem(int seconds, string expected) => Assert.Equal(expected, TimeEstimate.Show(TimeSpan.FromSeconds(seconds)));

    private static List<(int Step, string Text)> Run(int steps, double first, double each)
    {
        var told = new List<(int, string)>();
        int step = 1;
        var estimate = new TimeEstimate(text => told.Add((step, text)));
        for (; step <= steps; step++)
        {
            estimate.Report(Progress(step, steps, first + each * (step - 1)));
        }
        return told;
    }

    private static TrainingProgress Progress(int step, int steps, double seconds) => new()
    {
        Step = step,
        Steps = steps,
        Epoch = 1,
        Epochs = 1,
        IsEpochEnd = step == steps,
        Loss = 1,
        ImagesPerSecond = 1,
        Elapsed = TimeSpan.FromSeconds(seconds),
    };
}
