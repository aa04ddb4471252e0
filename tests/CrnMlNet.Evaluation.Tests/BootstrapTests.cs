namespace CrnMlNet.Evaluation.Tests;

public sealed class BootstrapTests
{
    [Fact]
    public void TheIntervalOfAMeanIsThatOfTheNormalDistribution()
    {
        // The variance of 0 ... 99 is (100^2 - 1) / 12, their mean's a hundredth of it, and 95% lie within 1.96 deviations.
        double[] values = [.. Enumerable.Range(0, 100).Select(i => (double)i)];
        double deviation = Math.Sqrt(9999 / 12.0 / 100);

        var interval = Bootstrap.OfMean(values, resamples: 2000, seed: 1)!.Value;

        Assert.Equal(49.5 - 1.96 * deviation, interval.Low, 0.5);
        Assert.Equal(49.5 + 1.96 * deviation, interval.High, 0.5);
        Assert.Equal(interval, Bootstrap.OfMean(values, resamples: 2000, seed: 1));
        Assert.NotEqual(interval, Bootstrap.OfMean(values, resamples: 2000, seed: 2));
    }

    [Fact]
    public void EachPairIsDrawnAsOftenAsAnyOtherAndWithPuttingBack()
    {
        var counts = new int[3];
        int withTwins = 0;
        foreach (var drawn in Bootstrap.Draws(3, 9000, seed: 0))
        {
            Assert.Equal(3, drawn.Length);
            withTwins += drawn.Distinct().Count() < 3 ? 1 : 0;
            foreach (int i in drawn)
                counts[i]++;
        }

        // 27 draws are possible, of which 3! have no twins.
        Assert.All(counts, count => Assert.Equal(9000, count, 300.0));
        Assert.Equal(9000 * 21 / 27.0, withTwins, 200.0);
    }

    [Fact]
    public void OfOnePairOrOfNoDrawsNothingIsKnown()
    {
        Assert.Null(Bootstrap.OfMean([3], 100, 0));
        Assert.Null(Bootstrap.OfMean([], 100, 0));
        Assert.Null(Bootstrap.OfMean([3, 4], 0, 0));
        Assert.Null(Bootstrap.IntervalOf([double.NaN]));
        Assert.Equal(new Interval(2, 2), Bootstrap.IntervalOf([2, double.NaN]));
    }

    [Fact]
    public void AnEstimateScoresAllImagesTogetherAndItsIntervalHoldsOtherDraws()
    {
        // One image told right, one told wrong, of one pixel each: the accuracy of a draw of two is 0, 1/2 or 1.
        ConfusionMatrix right = new(2), wrong = new(2);
        right.Add([0], [0]);
        wrong.Add([1], [0]);

        var estimate = SegmentationEstimate.Of([right, wrong], VoidPolicy.Ignored, 1000, seed: 0);

        Assert.Equal(0.5, estimate.Scores.PixelAccuracy);
        Assert.Equal(new Interval(0, 1), estimate.PixelAccuracy);
        // Class 0: 1 / 2; class 1: 0.
        Assert.Equal(0.25, estimate.Scores.MeanIoU);
    }

    [Fact]
    public void ADrawThatIsAllVoidIsLeftOut()
    {
        ConfusionMatrix right = new(1), nothing = new(1);
        right.Add([0], [0]);
        nothing.Add([1], [0]);

        var estimate = SegmentationEstimate.Of([right, nothing], VoidPolicy.Ignored, 1000, seed: 0);

        Assert.Equal(new Interval(1, 1), estimate.MeanIoU);
    }
}
