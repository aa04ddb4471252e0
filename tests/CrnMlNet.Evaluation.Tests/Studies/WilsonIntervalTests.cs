using CrnMlNet.Evaluation.Studies;

namespace CrnMlNet.Evaluation.Tests.Studies;

public class WilsonIntervalTests
{
    // R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 1998, table I, method 3.
    [Theory]
    [InlineData(81, 263, 0.2553, 0.3662)]
    [InlineData(15, 148, 0.0624, 0.1605)]
    [InlineData(0, 20, 0, 0.1611)]
    [InlineData(1, 29, 0.0061, 0.1718)]
    public void Wilsons_interval_is_Newcombes(int successes, int trials, double low, double high)
    {
        var interval = WilsonInterval.Of(successes, trials);

        Assert.Equal(low, interval.Low, 0.00005);
        Assert.Equal(high, interval.High, 0.00005);
    }

    [Fact]
    public void It_is_symmetric_and_stays_within_0_and_1()
    {
        var (few, many) = (WilsonInterval.Of(3, 40), WilsonInterval.Of(37, 40));

        Assert.Equal(few.Low, 1 - many.High, 1e-12);
        Assert.Equal(few.High, 1 - many.Low, 1e-12);
        Assert.Equal(1, WilsonInterval.Of(20, 20).High);
        Assert.Equal(0, WilsonInterval.Of(0, 20).Low);
    }

    [Fact]
    public void No_trial_has_no_interval() => Assert.Throws<ArgumentOutOfRangeException>(() => WilsonInterval.Of(0, 0));
}
