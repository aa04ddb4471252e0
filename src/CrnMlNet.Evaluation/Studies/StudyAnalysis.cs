namespace CrnMlNet.Evaluation.Studies;

/// <summary>How often one system was preferred over another.</summary>
/// <param name="System">The one.</param>
/// <param name="Over">The other.</param>
/// <param name="Milliseconds">How long pairs were shown; null: until they were answered.</param>
/// <param name="Preferred">How often the one was chosen.</param>
/// <param name="Answers">Of how many answers.</param>
/// <param name="Workers">How many workers gave them.</param>
/// <param name="Layouts">How many layouts they are about.</param>
/// <param name="P">The exact two-sided binomial p-value against no preference; it takes answers as independent.</param>
/// <param name="Wilson">Wilson's 95% interval of the rate; it takes answers as independent.</param>
/// <param name="Bootstrap">The 95% interval of the rate when workers and layouts are resampled, which allows for workers who differ
/// and layouts that do; null: there are not two workers or layouts to resample.</param>
public sealed record Preference(
    string System, string Over, int? Milliseconds, int Preferred, int Answers, int Workers, int Layouts, double P, Interval Wilson, Interval? Bootstrap)
{
    /// <summary>The share of answers that prefer the one, 0 to 1.</summary>
    public double Rate => (double)Preferred / Answers;
}

/// <summary>A system's place in a <see cref="Ranking"/>.</summary>
/// <param name="System">The system.</param>
/// <param name="Score">Its Bradley-Terry score, a natural logarithm of odds; the mean of a ranking is 0.</param>
/// <param name="Bootstrap">The score's 95% interval when workers and layouts are resampled; null as in <see cref="Preference"/>.</param>
public sealed record RankedSystem(string System, double Score, Interval? Bootstrap);

/// <summary>All systems in one scale.</summary>
/// <param name="Milliseconds">How long pairs were shown; null: until they were answered.</param>
/// <param name="Systems">The systems, the most preferred one first.</param>
/// <param name="LeftBias">See <see cref="BradleyTerry.LeftBias"/>.</param>
public sealed record Ranking(int? Milliseconds, IReadOnlyList<RankedSystem> Systems, double LeftBias);

/// <summary>A worker whose answers do not count, by the rule that the study had from the beginning.</summary>
/// <param name="Worker">Who.</param>
/// <param name="Right">How many sentinels were answered rightly.</param>
/// <param name="Sentinels">Of how many that were answered.</param>
/// <param name="Answers">How many other answers are left out for it.</param>
public sealed record ExcludedWorker(string Worker, int Right, int Sentinels, int Answers);

/// <summary>How long pairs were really shown, of those that were shown until they were masked.</summary>
/// <param name="Answers">How many times were measured.</param>
/// <param name="Median">The median of measured less asked, in milliseconds.</param>
/// <param name="Worst">The greatest of measured less asked, in milliseconds.</param>
public sealed record ShownTimes(int Answers, double Median, double Worst);

/// <summary>What the answers of a study say.</summary>
/// <param name="Workers">How many workers count.</param>
/// <param name="Answers">How many answers count, without those to sentinels.</param>
/// <param name="Excluded">Who does not count.</param>
/// <param name="Preferences">Each comparison, and in the timed design at each time: the paper's Table 1 and Figure 4.</param>
/// <param name="Rankings">One scale for all systems, in the timed design at each time. Systems that only sentinels show are left out, and
/// so is a ranking whose comparisons do not connect its systems.</param>
/// <param name="LeftRate">The share of counted answers that chose the left side; 1/2 without a bias, as sides are random.</param>
/// <param name="LeftP">The exact two-sided binomial p-value of that share against 1/2.</param>
/// <param name="Shown">How exactly times were kept; null: none was measured.</param>
public sealed record StudyAnalysis(
    int Workers, int Answers, IReadOnlyList<ExcludedWorker> Excluded, IReadOnlyList<Preference> Preferences, IReadOnlyList<Ranking> Rankings,
    double LeftRate, double LeftP, ShownTimes? Shown)
{
    /// <summary>How often the bootstrap resamples unless told otherwise.</summary>
    public const int Replicates = 2000;

    /// <summary>Analyses a study.</summary>
    /// <param name="study">The study.</param>
    /// <param name="answers">All answers, those of workers who will be excluded, too.</param>
    /// <param name="sideBias">Whether the rankings allow for a preference for the left side.</param>
    /// <param name="replicates">How often the bootstrap resamples, 0: not at all. It is drawn from the study's seed, so that it gives the same intervals again.</param>
    /// <exception cref="InvalidDataException">An answer is to a pair that the study does not have, or a worker answered a pair twice.</exception>
    public static StudyAnalysis Of(PairwiseStudy study, IReadOnlyList<StudyAnswer> answers, bool sideBias = false, int replicates = Replicates)
    {
        ArgumentNullException.ThrowIfNull(study);
        ArgumentNullException.ThrowIfNull(answers);
        ArgumentOutOfRangeException.ThrowIfNegative(replicates);
        Check(study, answers);

        var excluded = Exclude(study, answers);
        var leftOut = excluded.Select(worker => worker.Worker).ToHashSet();
        Judgement[] judgements =
        [
            .. answers.Where(answer => !leftOut.Contains(answer.Worker) && study.FindPair(answer.Pair)!.Obvious is null)
                .Select(answer => Judgement.Of(study, answer)),
        ];
        var bootstrap = new TwoWayBootstrap(judgements, replicates, study.Seed);
        var groups = judgements.GroupBy(judgement => judgement.Milliseconds).OrderBy(group => group.Key ?? 0).Select(group => (group.Key, Judgements: group.ToArray())).ToArray();
        int left = judgements.Count(judgement => judgement.IsLeftChosen);
        return new StudyAnalysis(
            judgements.Select(judgement => judgement.Worker).Distinct().Count(),
            judgements.Length,
            excluded,
            [.. judgements.GroupBy(judgement => (judgement.First, judgement.Second, judgement.Milliseconds))
                .OrderBy(cell => (cell.Key.First, cell.Key.Second, cell.Key.Milliseconds ?? 0))
                .Select(cell => Prefer(study, [.. cell], bootstrap))],
            [.. groups.Select(group => Rank(study, group.Key, group.Judgements, bootstrap, sideBias)).OfType<Ranking>()],
            judgements.Length == 0 ? 0.5 : (double)left / judgements.Length,
            ExactBinomial.TwoSided(left, judgements.Length),
            Times(study, answers));
    }

    private static void Check(PairwiseStudy study, IReadOnlyList<StudyAnswer> answers)
    {
        var seen = new HashSet<(string, int)>();
        foreach (var answer in answers)
        {
            if (study.FindPair(answer.Pair) is null)
                throw new InvalidDataException($"Worker '{answer.Worker}' answered pair {answer.Pair}, which the study does not have. Are these answers to another study?");
            if (!seen.Add((answer.Worker, answer.Pair)))
                throw new InvalidDataException($"Worker '{answer.Worker}' answered pair {answer.Pair} twice. Was a file of answers given twice?");
        }
    }

    private static ExcludedWorker[] Exclude(PairwiseStudy study, IReadOnlyList<StudyAnswer> answers)
    {
        if (!study.HasSentinels)
            return [];
        return
        [
            .. answers.GroupBy(answer => answer.Worker).OrderBy(worker => worker.Key, StringComparer.Ordinal).Select(Test)
                .Where(worker => worker.Sentinels == 0 || worker.Right < study.SentinelsRight * worker.Sentinels),
        ];

        ExcludedWorker Test(IGrouping<string, StudyAnswer> worker)
        {
            var sentinels = worker.Where(answer => study.FindPair(answer.Pair)!.Obvious is not null).ToArray();
            return new ExcludedWorker(
                worker.Key, sentinels.Count(answer => answer.Choice == study.FindPair(answer.Pair)!.Obvious), sentinels.Length, worker.Count() - sentinels.Length);
        }
    }

    private static Preference Prefer(PairwiseStudy study, Judgement[] cell, TwoWayBootstrap bootstrap)
    {
        var (first, second) = (cell[0].First, cell[0].Second);
        int preferred = cell.Count(judgement => judgement.IsFirstChosen);
        var interval = bootstrap.Of(cell, weights =>
        {
            long chosen = 0, all = 0;
            for (int i = 0; i < cell.Length; i++)
            {
                all += weights[i];
                chosen += cell[i].IsFirstChosen ? weights[i] : 0;
            }
            return all == 0 ? null : [(double)chosen / all];
        });
        return new Preference(
            study.Systems[first], study.Systems[second], cell[0].Milliseconds, preferred, cell.Length,
            cell.Select(judgement => judgement.Worker).Distinct().Count(), cell.Select(judgement => judgement.Layout).Distinct().Count(),
            ExactBinomial.TwoSided(preferred, cell.Length), WilsonInterval.Of(preferred, cell.Length), interval?[0]);
    }

    private static Ranking? Rank(PairwiseStudy study, int? time, Judgement[] judgements, TwoWayBootstrap bootstrap, bool sideBias)
    {
        int[] systems = [.. judgements.SelectMany(judgement => (int[])[judgement.First, judgement.Second]).Distinct().Order()];
        var places = systems.Select((system, place) => (system, place)).ToDictionary(entry => entry.system, entry => entry.place);
        (int Left, int Right, bool IsLeftChosen)[] games =
            [.. judgements.Select(judgement => (places[judgement.LeftSystem], places[judgement.RightSystem], judgement.IsLeftChosen))];

        if (Fit(null) is not { } model)
            return null;
        var intervals = bootstrap.Of(judgements, weights => Fit(weights)?.Scores);
        return new Ranking(
            time,
            [.. systems.Select((system, place) => new RankedSystem(study.Systems[system], model.Scores[place], intervals?[place])).OrderByDescending(system => system.Score)],
            model.LeftBias);

        BradleyTerry? Fit(int[]? weights)
        {
            var (wins, losses) = (new double[systems.Length, systems.Length], new double[systems.Length, systems.Length]);
            for (int i = 0; i < games.Length; i++)
                (games[i].IsLeftChosen ? wins : losses)[games[i].Left, games[i].Right] += weights?[i] ?? 1;
            return BradleyTerry.Fit(wins, losses, sideBias);
        }
    }

    private static ShownTimes? Times(PairwiseStudy study, IReadOnlyList<StudyAnswer> answers)
    {
        // Who answers before the mask comes ends the time.
        double[] late =
        [
            .. answers.Select(answer => answer.ShownMilliseconds - study.FindPair(answer.Pair)!.Milliseconds).OfType<double>().Where(difference => difference > -1000.0 / 30).Order(),
        ];
        return late.Length == 0 ? null : new ShownTimes(late.Length, late[late.Length / 2], late[^1]);
    }
}

/// <summary>An answer with what it is about; systems are numbered as the study names them.</summary>
/// <param name="Worker">Who gave it.</param>
/// <param name="Layout">The layout.</param>
/// <param name="Milliseconds">How long the pair is shown.</param>
/// <param name="LeftSystem">Whose image was on the left.</param>
/// <param name="RightSystem">Whose image was on the right.</param>
/// <param name="IsLeftChosen">Whether the left image was chosen.</param>
internal sealed record Judgement(string Worker, string Layout, int? Milliseconds, int LeftSystem, int RightSystem, bool IsLeftChosen)
{
    /// <summary>The system that was named first of the two, whose preference is told.</summary>
    public int First => Math.Min(LeftSystem, RightSystem);

    public int Second => Math.Max(LeftSystem, RightSystem);

    public bool IsFirstChosen => IsLeftChosen == (LeftSystem < RightSystem);

    public static Judgement Of(PairwiseStudy study, StudyAnswer answer)
    {
        var pair = study.FindPair(answer.Pair)!;
        var (left, right) = (study.ImageOf(pair.Left), study.ImageOf(pair.Right));
        return new Judgement(answer.Worker, left.Layout, pair.Milliseconds, study.NumberOf(left.System), study.NumberOf(right.System), answer.Choice == Side.Left);
    }
}
