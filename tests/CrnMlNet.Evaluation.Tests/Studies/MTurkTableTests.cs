using CrnMlNet.Evaluation.Studies;

namespace CrnMlNet.Evaluation.Tests.Studies;

public class MTurkTableTests
{
    private static readonly PairwiseStudy Unlimited = Studies.LayOut(
        new StudyDesign { Comparisons = [new("crn", "gan")], Sentinels = [new("real", "gan")] }, 500, "real", "crn", "gan");

    private static readonly PairwiseStudy Timed = Studies.LayOut(
        new StudyDesign { Comparisons = [new("crn", "gan"), new("real", "crn"), new("real", "gan")], Times = StudyDesign.PaperTimes, Sentinels = [new("real", "gan")] }, 500, "real", "crn", "gan");

    [Fact]
    public void The_table_has_the_authors_columns_and_a_row_for_each_job()
    {
        string[] rows = Write(Unlimited);

        Assert.StartsWith("image_A_url_1,image_B_url_1,image_A_url_2,image_B_url_2,", rows[0]);
        Assert.EndsWith(",image_A_url_110,image_B_url_110", rows[0]);
        Assert.Equal(1 + 5, rows.Length);
        Assert.All(rows, row => Assert.Equal(220, row.Split(',').Length));
        Assert.StartsWith($"https://example.org/study/{Unlimited.Jobs[0][0].Left},https://example.org/study/{Unlimited.Jobs[0][0].Right},", rows[1]);
    }

    [Fact]
    public void In_the_timed_design_a_third_column_has_the_time()
    {
        string[] rows = Write(Timed);

        Assert.StartsWith("image_A_url_1,image_B_url_1,time_1,image_A_url_2,image_B_url_2,time_2,", rows[0]);
        Assert.Equal(1 + 10, rows.Length);
        Assert.Equal(Timed.Jobs[3].Select(pair => $"{pair.Milliseconds}"), rows[4].Split(',').Chunk(3).Select(cells => cells[2]));
    }

    [Theory]
    [InlineData("data_GAN.csv", false)]
    [InlineData("data_timed_cityscapes_good.csv", true)]
    public void The_head_is_that_of_the_authors_own_tables(string file, bool isTimed)
    {
        string path = SharedData.Find("crn-original", "mturk", file);

        string[] authors = File.ReadAllLines(path), ours = Write(isTimed ? Timed : Unlimited);

        Assert.Equal(authors[0], ours[0]);
        Assert.Equal(authors.Length, ours.Length);
        if (isTimed)
            Assert.Equal(Times(authors), Times(ours));

        // How often each time occurs.
        static (string Time, int Count)[] Times(string[] rows)
            => [.. rows.Skip(1).SelectMany(row => row.Split(',').Chunk(3)).GroupBy(cells => cells[2]).Select(group => (group.Key, group.Count())).OrderBy(entry => entry.Key)];
    }

    [Fact]
    public void An_address_that_would_break_the_table_is_refused()
        => Assert.Throws<ArgumentException>(() => MTurkTable.Write(Unlimited, "https://example.org/a,b", new StringWriter()));

    [Fact]
    public void Results_become_answers()
    {
        using var folder = new TemporaryFolder();
        // As MTurk writes: every cell quoted, columns of its own around, line ends within cells.
        string path = Results(
            folder, Timed,
            ("A1", "Approved", 2, i => i % 2 == 0 ? "optionA" : "optionB"), ("A2", "Rejected", 2, _ => "optionA"), ("A3", "Submitted", 7, i => i < 3 ? "optionB" : ""));

        var answers = MTurkTable.ReadResults(Timed, path);

        Assert.Equal(110 + 3, answers.Count);
        Assert.Equal(
            Timed.Jobs[2].Select((pair, i) => new StudyAnswer("A1", pair.Id, i % 2 == 0 ? Side.Left : Side.Right)),
            answers.Where(answer => answer.Worker == "A1"));
        Assert.Equal(Timed.Jobs[7].Take(3).Select(pair => new StudyAnswer("A3", pair.Id, Side.Right)), answers.Where(answer => answer.Worker == "A3"));
    }

    [Fact]
    public void Results_of_another_study_a_strange_choice_and_missing_columns_are_named()
    {
        using var folder = new TemporaryFolder();
        var other = Studies.LayOut(
            new StudyDesign { Comparisons = [new("crn", "gan")], Times = StudyDesign.PaperTimes, PairsPerJob = 110, Seed = 9 }, 500, "crn", "gan");
        Assert.Contains("line 2: its pairs are no job", Fault(Results(folder, other, ("A1", "Approved", 0, _ => "optionA")), Timed));
        Assert.Contains("choice_4 is 'both'", Fault(Results(folder, Timed, ("A1", "Approved", 0, i => i == 3 ? "both" : "optionA")), Timed));
        Assert.Contains("'Input.time_1'", Fault(Results(folder, Unlimited, ("A1", "Approved", 0, _ => "optionA")), Timed));
        File.WriteAllText(folder["open.csv"], "WorkerId,\"Input");
        Assert.Contains("not closed", Fault(folder["open.csv"], Timed));
        File.WriteAllText(folder["empty.csv"], "");
        Assert.Contains("empty", Fault(folder["empty.csv"], Timed));
        File.WriteAllText(folder["short.csv"], File.ReadAllText(Results(folder, Timed, ("A1", "Approved", 0, _ => "optionA"))).TrimEnd()[..^40]);
        Assert.Throws<InvalidDataException>(() => MTurkTable.ReadResults(Timed, folder["short.csv"]));

        static string Fault(string path, PairwiseStudy study) => Assert.Throws<InvalidDataException>(() => MTurkTable.ReadResults(study, path)).Message;
    }

    private static string[] Write(PairwiseStudy study)
    {
        var writer = new StringWriter();
        MTurkTable.Write(study, "https://example.org/study/", writer);
        return writer.ToString().TrimEnd('\n').Split('\n');
    }

    private static string Results(TemporaryFolder folder, PairwiseStudy study, params (string Worker, string Status, int Job, Func<int, string> Choice)[] assignments)
    {
        string[] table = Write(study);
        int pairs = study.Jobs[0].Count;
        List<IEnumerable<string>> rows = [["HITId", "Title", "WorkerId", "AssignmentStatus", .. table[0].Split(',').Select(name => $"Input.{name}"), .. Enumerable.Range(1, pairs).Select(i => $"Answer.choice_{i}")]];
        rows.AddRange(assignments.Select(assignment => (IEnumerable<string>)
            ["3X", "Which is \"more\" realistic,\nleft or right?", assignment.Worker, assignment.Status, .. table[1 + assignment.Job].Split(','), .. Enumerable.Range(0, pairs).Select(assignment.Choice)]));
        string path = folder["results.csv"];
        File.WriteAllText(path, string.Concat(rows.Select(row => string.Join(',', row.Select(cell => $"\"{cell.Replace("\"", "\"\"")}\"")) + "\r\n")));
        return path;
    }
}
