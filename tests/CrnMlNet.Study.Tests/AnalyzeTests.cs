using System.Text.Json;
using System.Text.RegularExpressions;

namespace CrnMlNet.Study.Tests;

public class AnalyzeTests
{
    /// <summary>A worker who prefers crn in the first pairs that are asked, and gan in the others.</summary>
    private static async Task Answer(PairwiseStudy study, AnswerStore store, string worker, int forCrn, bool isCareful = true)
    {
        var job = await store.BeginAsync(worker);
        int asked = 0;
        foreach (var pair in study.Jobs[job.Number])
        {
            string preferred = asked < forCrn ? "crn" : "gan";
            var choice = pair.Obvious is { } obvious ? isCareful ? obvious : 1 - obvious : study.FindImage(pair.Left)!.System == preferred ? Side.Left : Side.Right;
            if (pair.Obvious is null)
                asked++;
            Assert.Equal(AnswerOutcome.Saved, await store.AnswerAsync(new StudyAnswer(worker, pair.Id, choice, pair.Milliseconds + 3), 900));
        }
    }

    [Fact]
    public async Task Saved_answers_come_out_as_rates_in_JSON_and_in_tables()
    {
        using var small = new SmallStudy().CreateUsual();
        var study = small.Load();
        using var store = AnswerStore.Open(small.Folder, study);
        await Answer(study, store, "ann", forCrn: 12);
        await Answer(study, store, "bob", forCrn: 9);
        await Answer(study, store, "carl", forCrn: 0, isCareful: false);

        // While the store is open, as it is while the study is served.
        var json = CrnProcess.Run("study", "analyze", small.Folder, "--json");
        var table = CrnProcess.Run("study", "analyze", small.Folder);

        json.AssertSucceeded();
        var result = JsonDocument.Parse(string.Join('\n', json.Output)).RootElement;
        var preference = Assert.Single(result.GetProperty("preferences").EnumerateArray());
        Assert.Equal(
            ("crn", "gan", 21, 24, 0.875),
            (preference.GetProperty("system").GetString(), preference.GetProperty("over").GetString(), preference.GetProperty("preferred").GetInt32(), preference.GetProperty("answers").GetInt32(), preference.GetProperty("rate").GetDouble()));
        // 21 or more of 24, and as many or fewer than 3: 2 (1 + 24 + 276 + 2024) / 2^24.
        Assert.Equal(2.0 * (1 + 24 + 276 + 2024) / (1 << 24), preference.GetProperty("p").GetDouble(), 1e-12);
        var excluded = Assert.Single(result.GetProperty("excluded").EnumerateArray());
        Assert.Equal(("carl", 0, 4, 12), (excluded.GetProperty("worker").GetString(), excluded.GetProperty("right").GetInt32(), excluded.GetProperty("sentinels").GetInt32(), excluded.GetProperty("answers").GetInt32()));
        table.AssertSucceeded();
        Assert.Contains(table.Output, line => line.Contains("crn > gan") && line.Contains("87.5%") && line.Contains("24"));
    }

    [Fact]
    public async Task The_page_has_Table_1_and_needs_nothing_else()
    {
        using var small = new SmallStudy().CreateUsual("--question", "Which <one>?");
        var study = small.Load();
        using (var store = AnswerStore.Open(small.Folder, study))
        {
            await Answer(study, store, "ann", forCrn: 12);
            await Answer(study, store, "bob", forCrn: 9);
        }

        CrnProcess.Run("study", "analyze", small.Folder, "--html", small["report.html"]).AssertSucceeded();

        string page = File.ReadAllText(small["report.html"]);
        Assert.Contains("<tr><th scope=\"row\">crn</th><td></td><td>87.5%</td></tr>", page);
        Assert.Contains("<tr><th scope=\"row\">gan</th><td>12.5%</td><td></td></tr>", page);
        Assert.Contains("<h1>Which &lt;one&gt;?</h1>", page);
        Assert.DoesNotMatch("(src|href)=|url\\(|@import", page);
    }

    [Fact]
    public async Task Of_a_timed_study_the_page_has_Figure_4()
    {
        using var small = new SmallStudy().CreateUsual("--times", "125,1000,8000", "--jobs", "1", "--pairs", "36");
        var study = small.Load();
        using (var store = AnswerStore.Open(small.Folder, study))
        {
            foreach (string worker in new[] { "ann", "bob" })
            {
                var job = await store.BeginAsync(worker);
                foreach (var pair in study.Jobs[job.Number])
                {
                    string preferred = pair.Milliseconds == 125 ? "gan" : "crn";
                    await store.AnswerAsync(new StudyAnswer(worker, pair.Id, pair.Obvious ?? (study.FindImage(pair.Left)!.System == preferred ? Side.Left : Side.Right), pair.Milliseconds + 3), 900);
                }
            }
        }

        CrnProcess.Run("study", "analyze", small.Folder, "--html", small["report.html"]).AssertSucceeded();

        string page = File.ReadAllText(small["report.html"]);
        Assert.Contains("<tr><th scope=\"row\">crn &gt; gan</th><td>0.0%</td><td>100.0%</td><td>100.0%</td></tr>", page);
        var points = Regex.Matches(page, """<circle fill="#[0-9a-f]+" cx="(?<x>[0-9.]+)" cy="(?<y>[0-9.]+)" r="4"><title>crn &gt; gan, (?<time>[0-9]+) ms: (?<rate>[0-9.]+)%</title>""")
            .Select(point => (X: double.Parse(point.Groups["x"].Value), Y: double.Parse(point.Groups["y"].Value), Time: point.Groups["time"].Value)).ToArray();
        Assert.Equal(["125", "1000", "8000"], points.Select(point => point.Time));
        // From 125 to 1000 the time doubles three times, and from there to 8000, too. Above stands what is preferred.
        Assert.Equal(points[1].X - points[0].X, points[2].X - points[1].X, 0.2);
        Assert.True(points[0].Y > points[1].Y && points[1].Y == points[2].Y);
        Assert.Contains("3.0 ms longer than asked in the median", page);
    }

    [Fact]
    public void MTurks_results_are_read_too()
    {
        using var small = new SmallStudy().CreateUsual("--mturk", "https://example.org/s");
        var study = small.Load();
        string[] table = File.ReadAllLines(Path.Combine(small.Folder, "mturk.csv"));
        var choices = study.Jobs[0].Select(pair => pair.Obvious is { } obvious ? obvious : study.FindImage(pair.Left)!.System == "crn" ? Side.Left : Side.Right);
        File.WriteAllLines(small["results.csv"],
        [
            $"WorkerId,AssignmentStatus,{string.Join(',', table[0].Split(',').Select(name => $"Input.{name}"))},{string.Join(',', study.Jobs[0].Select((_, i) => $"Answer.choice_{i + 1}"))}",
            $"A1,Approved,{table[1]},{string.Join(',', choices.Select(side => side == Side.Left ? "optionA" : "optionB"))}",
        ]);

        var outcome = CrnProcess.Run("study", "analyze", small.Folder, "--mturk", small["results.csv"], "--json");

        outcome.AssertSucceeded();
        var preference = JsonDocument.Parse(string.Join('\n', outcome.Output)).RootElement.GetProperty("preferences")[0];
        Assert.Equal((12, 12), (preference.GetProperty("preferred").GetInt32(), preference.GetProperty("answers").GetInt32()));
    }

    [Fact]
    public void What_cannot_be_analyzed_is_said_in_one_line()
    {
        using var small = new SmallStudy().CreateUsual();

        CrnProcess.Run("study", "analyze", small["nowhere"]).AssertFailed("is no study", "crn study create");
        CrnProcess.Run("study", "analyze", small.Folder).AssertFailed("no answers yet", "crn study serve");
        CrnProcess.Run("study", "analyze", small.Folder, "--html", small["no/report.html"]).AssertFailed("--html", "does not exist");
        File.WriteAllText(Path.Combine(small.Folder, "answers.sqlite"), "This is no database, but long enough to look at.");
        CrnProcess.Run("study", "analyze", small.Folder).AssertFailed("answers.sqlite", "damaged");
    }

    [Fact]
    public void Answers_to_a_study_that_was_changed_since_are_refused()
    {
        using var small = new SmallStudy().CreateUsual();
        AnswerStore.Open(small.Folder, small.Load()).Dispose();
        string path = Path.Combine(small.Folder, "study.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"sentinelsRight\": 0.8", "\"sentinelsRight\": 0.5"));

        CrnProcess.Run("study", "analyze", small.Folder).AssertFailed("answers.sqlite", "another study");
    }
}
