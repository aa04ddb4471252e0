using Microsoft.Data.Sqlite;

namespace CrnMlNet.Study.Tests;

public class AnswerStoreTests
{
    [Fact]
    public async Task The_same_answer_again_is_no_second_one_and_another_one_is_refused()
    {
        using var small = new SmallStudy().CreateUsual();
        var study = small.Load();
        using var store = AnswerStore.Open(small.Folder, study);
        await store.BeginAsync("ann");
        var answer = new StudyAnswer("ann", study.Jobs[0][0].Id, Side.Left);

        Assert.Equal(AnswerOutcome.Saved, await store.AnswerAsync(answer, 100));
        Assert.Equal(AnswerOutcome.Saved, await store.AnswerAsync(answer, 100));
        Assert.Equal(AnswerOutcome.AnsweredOtherwise, await store.AnswerAsync(answer with { Choice = Side.Right }, 200));

        Assert.Equal([answer], AnswerStore.ReadAll(small.Folder));
        Assert.Equal([answer.Pair], (await store.BeginAsync("ann")).Answered);
    }

    [Fact]
    public void The_file_itself_refuses_a_second_answer()
    {
        using var small = new SmallStudy().CreateUsual();
        AnswerStore.Open(small.Folder, small.Load()).Dispose();
        using var connection = new SqliteConnection($"Data Source={Path.Combine(small.Folder, AnswerStore.FileName)};Pooling=False");
        connection.Open();
        Execute("INSERT INTO worker VALUES ('ann', 0, '2026-01-01T00:00:00.000Z')");
        Execute("INSERT INTO answer VALUES ('ann', 3, 'left', NULL, NULL, '2026-01-01T00:00:00.000Z')");

        Assert.Contains("UNIQUE", Assert.Throws<SqliteException>(() => Execute("INSERT INTO answer VALUES ('ann', 3, 'right', NULL, NULL, '2026-01-01T00:00:00.000Z')")).Message);

        void Execute(string sql)
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
    }

    [Fact]
    public async Task Who_has_no_job_or_another_one_cannot_answer()
    {
        using var small = new SmallStudy().CreateUsual("--jobs", "2", "--pairs", "6");
        var study = small.Load();
        using var store = AnswerStore.Open(small.Folder, study);
        int job = (await store.BeginAsync("ann")).Number;

        Assert.Equal(AnswerOutcome.NotOfTheJob, await store.AnswerAsync(new StudyAnswer("bob", study.Jobs[job][0].Id, Side.Left), null));
        Assert.Equal(AnswerOutcome.NotOfTheJob, await store.AnswerAsync(new StudyAnswer("ann", study.Jobs[1 - job][0].Id, Side.Left), null));
        Assert.Empty(AnswerStore.ReadAll(small.Folder));
    }

    [Fact]
    public async Task Jobs_are_given_out_evenly_and_stay_with_their_workers()
    {
        using var small = new SmallStudy().CreateUsual("--jobs", "3", "--pairs", "4");
        using var store = AnswerStore.Open(small.Folder, small.Load());
        string[] workers = [.. Enumerable.Range(0, 12).Select(i => $"worker{i}")];

        var first = await Task.WhenAll(workers.Select(store.BeginAsync));
        var again = await Task.WhenAll(workers.Select(store.BeginAsync));

        Assert.Equal([4, 4, 4], first.CountBy(job => job.Number).OrderBy(job => job.Key).Select(job => job.Value));
        Assert.Equal(first.Select(job => job.Number), again.Select(job => job.Number));
    }

    [Fact]
    public async Task Who_left_long_ago_does_not_keep_a_job_from_others()
    {
        using var small = new SmallStudy().CreateUsual("--jobs", "2", "--pairs", "6");
        using var store = AnswerStore.Open(small.Folder, small.Load());
        int left = (await store.BeginAsync("ann")).Number;
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(small.Folder, AnswerStore.FileName)};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE worker SET begun = '2026-01-01T00:00:00.000Z'";
            Assert.Equal(1, command.ExecuteNonQuery());
        }

        Assert.Equal([0, 1], new[] { (await store.BeginAsync("bob")).Number, (await store.BeginAsync("carl")).Number }.Order());
        Assert.Equal(left, (await store.BeginAsync("ann")).Number);
    }
}
