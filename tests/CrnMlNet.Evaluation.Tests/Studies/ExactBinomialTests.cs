using System.Numerics;
using CrnMlNet.Evaluation.Studies;

namespace CrnMlNet.Evaluation.Tests.Studies;

public class ExactBinomialTests
{
    // Worked by hand from Pascal's triangle: the row of 10 is 1 10 45 120 210 252 ..., of 1024; the row of 5 is 1 5 10 ..., of 32.
    [Theory]
    [InlineData(10, 10, 2.0 / 1024)]
    [InlineData(8, 10, 2.0 * (1 + 10 + 45) / 1024)]
    [InlineData(2, 10, 2.0 * (1 + 10 + 45) / 1024)]
    [InlineData(5, 10, 1)]
    [InlineData(4, 5, 2.0 * (1 + 5) / 32)]
    [InlineData(1, 1, 1)]
    [InlineData(0, 0, 1)]
    public void Few_trials_are_as_Pascals_triangle_has_them(int successes, int trials, double expected)
        => Assert.Equal(expected, ExactBinomial.TwoSided(successes, trials), 1e-12);

    [Fact]
    public void Sixty_of_a_hundred_is_what_R_gives() // binom.test(60, 100)
        => Assert.Equal(0.05688793, ExactBinomial.TwoSided(60, 100), 1e-8);

    // The paper's Table 1, of 500 answers each, and its weakest preference in Figure 4.
    [Theory]
    [InlineData(339, 500)]
    [InlineData(498, 500)]
    [InlineData(263, 500)]
    [InlineData(1316, 2500)]
    public void Many_trials_are_the_exact_fraction(int successes, int trials)
    {
        BigInteger tail = 0, choose = 1;
        for (int k = trials; k >= successes; k--)
        {
            tail += choose;
            choose = choose * k / (trials - k + 1);
        }
        double logarithm = BigInteger.Log(2 * tail) - trials * Math.Log(2);

        Assert.Equal(1, ExactBinomial.TwoSided(successes, trials) / Math.Exp(logarithm), 1e-9);
    }

    [Fact]
    public void Guessing_passes_eight_of_ten_sentinels_with_the_chance_of_that_tail()
    {
        Assert.Equal(56.0 / 1024, ExactBinomial.AtLeast(8, 10), 1e-12);
        Assert.Equal(1, ExactBinomial.AtLeast(0, 10), 1e-12);
        Assert.Equal(0, ExactBinomial.AtLeast(11, 10));
    }

    [Fact]
    public void More_successes_than_trials_are_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => ExactBinomial.TwoSided(11, 10));
}
