using CrnMlNet.Evaluation.Studies;

namespace CrnMlNet.Evaluation.Tests.Studies;

public class StudyAnalysisTests
{
    private static readonly StudyDesign Design = new() { Comparisons = [new("crn", "gan")], Sentinels = [new("real", "gan")], SentinelsPerJob = 5 };

    private static readonly PairwiseStudy Study = Studies.LayOut(Design, 20, "real", "crn", "gan");

    private static readonly StudyPair[] Pairs = [.. Study.Jobs[0].Where(pair => pair.Obvious is null)];

    private static readonly StudyPair[] Sentinels = [.. Study.Jobs[0].Where(pair => pair.Obvious is not null)];

    /// <summary>Answers of one worker: crn in the first pairs, gan in the rest, and the first sentinels right.</summary>
    private static IEnumerable<StudyAnswer> Answers(string worker, int forCrn, int of = 20, int right = 5, int sentinels = 5) =>
    [
        .. Pairs.Take(of).Select((pair, i) => new StudyAnswer(worker, pair.Id, Studies.SideOf(Study, pair, i < forCrn ? "crn" : "gan"))),
        .. Sentinels.Take(sentinels).Select((pair, i) => new StudyAnswer(worker, pair.Id, i < right ? pair.Obvious!.Value : 1 - pair.Obvious!.Value)),
    ];

    [Fact]
    public void A_preference_is_counted_whichever_side_it_was_on()
    {
        var analysis = StudyAnalysis.Of(Study, [.. Answers("a", 15), .. Answers("b", 9, of: 12)]);

        var preference = Assert.Single(analysis.Preferences);
        Assert.Equal(("crn", "gan", null), (preference.System, preference.Over, preference.Milliseconds));
        Assert.Equal((24, 32, 2, 20), (preference.Preferred, preference.Answers, preference.Workers, preference.Layouts));
        Assert.Equal(0.75, preference.Rate);
        Assert.Equal(ExactBinomial.TwoSided(24, 32), preference.P);
        Assert.Equal(WilsonInterval.Of(24, 32), preference.Wilson);
        Assert.Equal((2, 32), (analysis.Workers, analysis.Answers));
        Assert.Empty(analysis.Excluded);
        // (24 + 1/2) to (8 + 1/2), around 0.
        var ranking = Assert.Single(analysis.Rankings).Systems;
        Assert.Equal(["crn", "gan"], ranking.Select(system => system.System));
        Assert.Equal(Math.Log(24.5 / 8.5) / 2, ranking[0].Score, 1e-6);
    }

    [Theory]
    [InlineData(5, 5, true)]
    [InlineData(4, 5, true)]
    [InlineData(3, 5, false)]
    [InlineData(1, 1, true)]
    [InlineData(0, 0, false)]
    public void Who_fails_the_sentinels_or_saw_none_does_not_count(int right, int sentinels, bool counts)
    {
        var analysis = StudyAnalysis.Of(Study, [.. Answers("careful", 20), .. Answers("tested", 0, of: 7, right, sentinels)]);

        Assert.Equal(counts ? (20, 27, 2) : (20, 20, 1), (analysis.Preferences[0].Preferred, analysis.Preferences[0].Answers, analysis.Workers));
        Assert.Equal(counts ? [] : [new ExcludedWorker("tested", right, sentinels, 7)], analysis.Excluded);
    }

    [Fact]
    public void Without_sentinels_everybody_counts()
    {
        var study = Studies.LayOut(Design with { Sentinels = [] }, 20, "real", "crn", "gan");

        var analysis = StudyAnalysis.Of(study, [new StudyAnswer("a", study.Jobs[0][0].Id, Side.Left)]);

        Assert.Empty(analysis.Excluded);
        Assert.Equal(1, analysis.Answers);
        Assert.Null(analysis.Preferences[0].Bootstrap);
    }

    // One worker prefers crn always and one never: drawn with replacement the two are the first one twice in a quarter of all
    // samples, and the other twice in another, so that nothing is known. Wilson takes 40 answers for 40 opinions.
    [Fact]
    public void The_bootstrap_sees_that_answers_of_a_worker_are_alike()
    {
        var preference = StudyAnalysis.Of(Study, [.. Answers("for", 20), .. Answers("against", 0)]).Preferences[0];

        Assert.Equal(new Interval(0, 1), preference.Bootstrap);
        Assert.InRange(preference.Wilson.Low, 0.34, 0.36);
    }

    // All workers say the same: what is left to chance is which layouts were chosen, ten of them for crn and ten against it. A mean of
    // 20 coins has the standard deviation 1/sqrt(80), and 95% of it within 1.96 of those.
    [Fact]
    public void The_bootstrap_sees_that_answers_about_a_layout_are_alike()
    {
        var answers = Enumerable.Range(0, 30).SelectMany(worker => Answers($"worker{worker}", 10)).ToArray();

        var interval = StudyAnalysis.Of(Study, answers).Preferences[0].Bootstrap!.Value;

        Assert.Equal(0.5 - 1.96 / Math.Sqrt(80), interval.Low, 0.04);
        Assert.Equal(0.5 + 1.96 / Math.Sqrt(80), interval.High, 0.04);
        Assert.Equal(interval, StudyAnalysis.Of(Study, [.. answers.Reverse()]).Preferences[0].Bootstrap);
    }

    [Fact]
    public void A_timed_study_is_told_by_time()
    {
        var study = Studies.LayOut(Design with { Times = [125, 1000], PairsPerJob = 20, Jobs = 2 }, 20, "real", "crn", "gan");
        var answers = study.Jobs.SelectMany((job, number) => job.Select(pair => new StudyAnswer(
            $"worker{number}", pair.Id, pair.Obvious ?? Studies.SideOf(study, pair, pair.Milliseconds == 125 ? "gan" : "crn"), pair.Milliseconds + (pair.Milliseconds == 125 ? 4 : 20)))).ToArray();

        var analysis = StudyAnalysis.Of(study, answers);

        Assert.Equal([(125, 0, 20), (1000, 20, 20)], analysis.Preferences.Select(cell => (cell.Milliseconds!.Value, cell.Preferred, cell.Answers)));
        Assert.Equal([(125, "gan"), (1000, "crn")], analysis.Rankings.Select(ranking => (ranking.Milliseconds!.Value, ranking.Systems[0].System)));
        Assert.Equal(20, analysis.Shown!.Worst);
        Assert.Equal(answers.Length, analysis.Shown.Answers);
    }

    [Fact]
    public void A_preference_for_the_left_side_shows()
    {
        var analysis = StudyAnalysis.Of(Study, [.. Study.Jobs[0].Select(pair => new StudyAnswer("lefty", pair.Id, pair.Obvious ?? Side.Left))], sideBias: true);

        Assert.Equal(1, analysis.LeftRate);
        Assert.Equal(2 * Math.Pow(0.5, 20), analysis.LeftP, 1e-15);
        Assert.True(analysis.Rankings[0].LeftBias > 3);
        Assert.InRange(analysis.Rankings[0].Systems[0].Score, 0, 0.2);
    }

    [Fact]
    public void An_answer_to_nothing_and_a_second_answer_are_refused()
    {
        var first = new StudyAnswer("a", Pairs[0].Id, Side.Left);

        Assert.Contains("pair 999, which the study does not have", Assert.Throws<InvalidDataException>(() => StudyAnalysis.Of(Study, [first with { Pair = 999 }])).Message);
        Assert.Contains("twice", Assert.Throws<InvalidDataException>(() => StudyAnalysis.Of(Study, [first, first with { Choice = Side.Right }])).Message);
    }

    [Fact]
    public void No_answers_are_no_preference()
    {
        var analysis = StudyAnalysis.Of(Study, []);

        Assert.Empty(analysis.Preferences);
        Assert.Empty(analysis.Rankings);
        Assert.Equal((0, 0, 1.0), (analysis.Workers, analysis.Answers, analysis.LeftP));
    }
}
