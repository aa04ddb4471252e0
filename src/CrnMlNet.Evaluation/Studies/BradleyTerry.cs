namespace CrnMlNet.Evaluation.Studies;

/// <summary>
/// The Bradley-Terry model: each system has a strength s, and i is preferred over j with the chance <c>1 / (1 + exp(s_j - s_i))</c>.
/// All comparisons are reconciled in one scale by it, also of systems that were never shown side by side.
/// </summary>
/// <param name="Scores">The strengths, natural logarithms of odds, with mean 0; in the order of the systems.</param>
/// <param name="LeftBias">The logarithm of the odds by which the left one of two equal images is preferred; 0 where it was not fitted.</param>
public sealed record BradleyTerry(IReadOnlyList<double> Scores, double LeftBias)
{
    private const double Precision = 1e-10;
    private const int MostSteps = 10_000;

    /// <summary>
    /// Fits the model by Hunter's MM algorithm ("MM algorithms for generalized Bradley-Terry models", Annals of Statistics 2004,
    /// eq. 3, and section 2.1 for the side as home advantage).
    /// </summary>
    /// <param name="wins">How often the system of the row was preferred over that of the column while it was on the left.</param>
    /// <param name="losses">How often the system of the column was preferred over that of the row, which was on the left.</param>
    /// <param name="sideBias">Whether to fit a preference for the left side, too.</param>
    /// <returns>Null when the comparisons do not connect all systems, so that their strengths cannot be compared.</returns>
    /// <remarks>Half a win is added to each direction of every two systems that were compared, so that one that never lost has a
    /// finite strength.</remarks>
    /// <exception cref="ArgumentException">The matrices are not square and of one size.</exception>
    public static BradleyTerry? Fit(double[,] wins, double[,] losses, bool sideBias = false) => Fit(wins, losses, sideBias, 0.5);

    // With no pseudo-counts it is the maximum likelihood, which is finite only if nobody lost or won everything.
    internal static BradleyTerry? Fit(double[,] wins, double[,] losses, bool sideBias, double pseudoCounts)
    {
        int count = wins.GetLength(0);
        if (wins.GetLength(1) != count || losses.GetLength(0) != count || losses.GetLength(1) != count)
            throw new ArgumentException("Wins and losses are square matrices of the same size.", nameof(losses));

        var (won, lost) = ((double[,])wins.Clone(), (double[,])losses.Clone());
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++)
            {
                if (i == j || wins[i, j] + losses[i, j] + wins[j, i] + losses[j, i] == 0)
                    continue;
                // Half of them for each side.
                won[i, j] += pseudoCounts / 2;
                lost[i, j] += pseudoCounts / 2;
            }
        }
        return IsConnected(won, lost) ? Maximise(won, lost, sideBias) : null;
    }

    private static BradleyTerry Maximise(double[,] won, double[,] lost, bool sideBias)
    {
        int count = won.GetLength(0);
        var strengths = Enumerable.Repeat(1.0, count).ToArray();
        double left = 1;
        for (int step = 0; step < MostSteps; step++)
        {
            double change = 0;
            for (int i = 0; i < count; i++)
            {
                double total = 0, expected = 0;
                for (int j = 0; j < count; j++)
                {
                    total += won[i, j] + lost[j, i];
                    expected += left * (won[i, j] + lost[i, j]) / (left * strengths[i] + strengths[j])
                        + (won[j, i] + lost[j, i]) / (left * strengths[j] + strengths[i]);
                }
                double next = expected > 0 ? total / expected : strengths[i];
                change = Math.Max(change, Math.Abs(Math.Log(next / strengths[i])));
                strengths[i] = next;
            }
            if (sideBias)
            {
                double total = 0, expected = 0;
                for (int i = 0; i < count; i++)
                {
                    for (int j = 0; j < count; j++)
                    {
                        total += won[i, j];
                        expected += (won[i, j] + lost[i, j]) * strengths[i] / (left * strengths[i] + strengths[j]);
                    }
                }
                change = Math.Max(change, Math.Abs(Math.Log(total / expected / left)));
                left = total / expected;
            }
            if (change < Precision)
                break;
            Normalise(strengths);
        }
        Normalise(strengths);
        return new BradleyTerry([.. strengths.Select(strength => Math.Log(strength))], Math.Log(left));
    }

    /// <summary>Brings the geometric mean to 1.</summary>
    private static void Normalise(double[] strengths)
    {
        double mean = Math.Exp(strengths.Average(Math.Log));
        for (int i = 0; i < strengths.Length; i++)
            strengths[i] /= mean;
    }

    private static bool IsConnected(double[,] won, double[,] lost)
    {
        int count = won.GetLength(0);
        var reached = new bool[count];
        var open = new Stack<int>([0]);
        while (open.TryPop(out int i))
        {
            if (reached[i])
                continue;
            reached[i] = true;
            for (int j = 0; j < count; j++)
            {
                if (won[i, j] + lost[i, j] + won[j, i] + lost[j, i] > 0)
                    open.Push(j);
            }
        }
        return reached.All(yes => yes);
    }
}
