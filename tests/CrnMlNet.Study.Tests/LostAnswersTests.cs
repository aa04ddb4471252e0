using System.Collections.Concurrent;
using System.Net;

namespace CrnMlNet.Study.Tests;

/// <summary>What must never happen: an answer that a worker was told is saved, and is not.</summary>
public class LostAnswersTests
{
    [Fact]
    public async Task Fifty_workers_at_once_lose_nothing_and_answer_nothing_twice()
    {
        using var small = new SmallStudy().CreateUsual("--jobs", "5", "--pairs", "10");
        using var served = new ServedStudy(small);
        var told = new ConcurrentBag<StudyAnswer>();

        await Task.WhenAll(Enumerable.Range(0, 50).Select(async number =>
        {
            string worker = $"worker{number}";
            foreach (int pair in await served.BeginPairs(worker))
            {
                string choice = (pair + number) % 3 == 0 ? "left" : "right";
                // A page that did not hear in time sends it again; here both are under way at once.
                var replies = await Task.WhenAll(served.Answer(worker, pair, choice), served.Answer(worker, pair, choice));
                Assert.All(replies, reply => Assert.Equal(HttpStatusCode.NoContent, reply));
                told.Add(new StudyAnswer(worker, pair, choice == "left" ? Side.Left : Side.Right));
            }
        }));

        Assert.Equal(50 * 14, told.Count);
        Assert.Equal(Ordered(told), Ordered(AnswerStore.ReadAll(small.Folder)));
        // Ten workers for each of the five jobs.
        var study = small.Load();
        Assert.All(study.Jobs, job => Assert.Equal(10, told.Where(answer => job.Any(pair => pair.Id == answer.Pair)).Select(answer => answer.Worker).Distinct().Count()));
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_kill_9_at_any_moment()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no kill -9.");
        // Of many more answers than are waited for: where a kill comes late, more have been given by then.
        const int pairs = 24;
        using var small = new SmallStudy(layouts: pairs).CreateUsual("--jobs", "8", "--pairs", $"{pairs}", "--sentinels-per-job", "0");
        var told = new ConcurrentDictionary<(string Worker, int Pair), string>();
        foreach (int killAfter in new[] { 5, 23, 38 })
        {
            using var served = new ServedStudy(small);
            using var killed = new CancellationTokenSource();
            int before = told.Count;
            var workers = Enumerable.Range(0, 8).Select(number => Work(served, $"worker{number}", killed.Token)).ToArray();
            while (told.Count < before + killAfter)
            {
                Assert.False(workers.All(worker => worker.IsCompleted), $"the workers ended after {told.Count} answers");
                await Task.Delay(1, TestContext.Current.CancellationToken);
            }
            served.Process.Signal("KILL");
            killed.Cancel();
            await Task.WhenAll(workers);

            // Read as the next analysis would, before any server has the file again.
            var saved = AnswerStore.ReadAll(small.Folder).ToDictionary(answer => (answer.Worker, answer.Pair), answer => answer.Choice == Side.Left ? "left" : "right");
            Assert.All(told, answer => Assert.Equal(answer.Value, saved[answer.Key]));
        }

        // The workers come back and go on where they were.
        using (var served = new ServedStudy(small))
            await Task.WhenAll(Enumerable.Range(0, 8).Select(number => Work(served, $"worker{number}", CancellationToken.None)));
        Assert.Equal(8 * pairs, AnswerStore.ReadAll(small.Folder).Count);

        async Task Work(ServedStudy served, string worker, CancellationToken killed)
        {
            try
            {
                foreach (int pair in await served.BeginPairs(worker))
                {
                    string choice = pair % 2 == 0 ? "left" : "right";
                    if (await served.Answer(worker, pair, choice) == HttpStatusCode.NoContent)
                        told[(worker, pair)] = choice;
                }
            }
            catch (HttpRequestException)
            {
                // The server died under it; what was on its way was not acknowledged. Nothing else may end it.
                while (!killed.IsCancellationRequested)
                    await Task.Delay(10, CancellationToken.None);
            }
        }
    }

    private static StudyAnswer[] Ordered(IEnumerable<StudyAnswer> answers)
        => [.. answers.Select(answer => answer with { ShownMilliseconds = null }).OrderBy(answer => answer.Worker, StringComparer.Ordinal).ThenBy(answer => answer.Pair)];
}
