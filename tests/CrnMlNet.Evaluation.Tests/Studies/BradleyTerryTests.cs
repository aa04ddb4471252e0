using CrnMlNet.Evaluation.Studies;

namespace CrnMlNet.Evaluation.Tests.Studies;

public class BradleyTerryTests
{
    private const double Precision = 1e-6;

    // Two systems: the odds of a win are wins over losses, each with half a pseudo-count more, and the mean score is 0.
    [Theory]
    [InlineData(30, 10)]
    [InlineData(7, 0)]
    public void Two_systems_have_the_logarithm_of_the_odds(int wins, int losses)
    {
        var model = BradleyTerry.Fit(new double[,] { { 0, wins }, { 0, 0 } }, new double[,] { { 0, losses }, { 0, 0 } })!;

        double odds = Math.Log((wins + 0.5) / (losses + 0.5));
        Assert.Equal(odds / 2, model.Scores[0], Precision);
        Assert.Equal(-odds / 2, model.Scores[1], Precision);
        Assert.Equal(0, model.LeftBias);
    }

    // Strengths 1, 2 and 4: the shares of wins are 1/3, 1/5 and 1/3, and the counts are these exactly, so that they are the maximum.
    [Fact]
    public void Three_systems_get_back_the_strengths_that_the_counts_were_made_of()
    {
        var wins = new double[,] { { 0, 10, 6 }, { 0, 0, 10 }, { 0, 0, 0 } };
        var losses = new double[,] { { 0, 20, 24 }, { 0, 0, 20 }, { 0, 0, 0 } };

        var model = BradleyTerry.Fit(wins, losses, sideBias: false, pseudoCounts: 0)!;

        Assert.Equal(Math.Log(1.0 / 2), model.Scores[0], Precision);
        Assert.Equal(0, model.Scores[1], Precision);
        Assert.Equal(Math.Log(4.0 / 2), model.Scores[2], Precision);
    }

    [Fact]
    public void Rock_paper_and_scissors_are_equal()
    {
        var model = BradleyTerry.Fit(new double[,] { { 0, 9, 2 }, { 2, 0, 9 }, { 9, 2, 0 } }, new double[3, 3])!;

        Assert.All(model.Scores, score => Assert.Equal(0, score, Precision));
    }

    // What makes it the maximum (the derivatives of the likelihood are 0): everybody wins as often as the model expects.
    [Fact]
    public void At_the_maximum_everybody_wins_as_often_as_expected()
    {
        double[,] wins = { { 0, 5, 11, 3 }, { 4, 0, 8, 1 }, { 3, 2, 0, 6 }, { 1, 9, 4, 0 } }, losses = { { 0, 2, 1, 6 }, { 1, 0, 5, 2 }, { 7, 2, 0, 1 }, { 4, 3, 9, 0 } };

        var model = BradleyTerry.Fit(wins, losses, sideBias: true, pseudoCounts: 0)!;

        double leftWins = 0, leftExpected = 0;
        double[] won = new double[4], expected = new double[4];
        for (int left = 0; left < 4; left++)
        {
            for (int right = 0; right < 4; right++)
            {
                double games = wins[left, right] + losses[left, right], chance = 1 / (1 + Math.Exp(model.Scores[right] - model.Scores[left] - model.LeftBias));
                leftWins += wins[left, right];
                leftExpected += games * chance;
                won[left] += wins[left, right];
                won[right] += losses[left, right];
                expected[left] += games * chance;
                expected[right] += games * (1 - chance);
            }
        }
        Assert.Equal(leftWins, leftExpected, 1e-5);
        for (int i = 0; i < 4; i++)
            Assert.Equal(won[i], expected[i], 1e-5);
        Assert.Equal(0, model.Scores.Sum(), Precision);
    }

    // Two systems and a side: with the odds a on the left and b on the right, the strength is sqrt(ab) and the side sqrt(a/b).
    [Fact]
    public void The_left_side_takes_what_it_gives()
    {
        var model = BradleyTerry.Fit(new double[,] { { 0, 80 }, { 40, 0 } }, new double[,] { { 0, 20 }, { 60, 0 } }, sideBias: true, pseudoCounts: 0)!;

        double a = 80.0 / 20, b = 60.0 / 40;
        Assert.Equal(Math.Log(a * b) / 2, model.Scores[0] - model.Scores[1], Precision);
        Assert.Equal(Math.Log(a / b) / 2, model.LeftBias, Precision);
    }

    [Fact]
    public void Systems_that_nothing_connects_have_no_scale()
    {
        var wins = new double[4, 4];
        (wins[0, 1], wins[2, 3]) = (5, 5);
        Assert.Null(BradleyTerry.Fit(wins, new double[4, 4]));

        wins[1, 2] = 1;
        Assert.NotNull(BradleyTerry.Fit(wins, new double[4, 4]));
    }
}
