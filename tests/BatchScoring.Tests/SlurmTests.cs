using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace BatchScoring.Tests;

/// <summary>The guide's Slurm commands on a real Slurm.</summary>
public partial class SlurmTests
{
    private const int Maps = 200;
    private const int Tasks = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public void An_array_of_which_a_task_is_killed_and_requeued_paints_what_a_single_run_paints()
    {
        using var cluster = SlurmCluster.Start();
        // Large enough a network that there is time to kill a task.
        using var streets = new Streets(Maps, height: 96, width: 128, widthFactor: "0.25");
        Shell.Run(streets.Path, "crn synthesize --model model.zip --labels maps --output alone");
        Directory.CreateSymbolicLink(streets["samples"], Path.Combine(AppContext.BaseDirectory, "samples"));
        string commands = Commands().Match(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "synthesize.md"))).Groups[1].Value;
        Assert.Contains($"--array=0-{Tasks - 1} ", commands);

        using var job = Shell.Start(streets.Path, commands, cluster.Variable);
        int task = WaitForTaskAtWork(streets, job);
        Shell.Run("/", $"kill -9 {SlurmCluster.ProcessOf("crn", task)}");
        var before = PhotosOf(streets, task).ToDictionary(photo => photo, photo => streets.Times("photos")[photo]);
        var (exitCode, output) = job.End();

        string log = string.Join('\n', Directory.GetFiles(streets.Path, $"crn-*_{task}.log").Select(File.ReadAllText));
        Assert.True(exitCode == 0, $"{commands}\nended with {exitCode}: {output}\n{log}\n{cluster.Logs()}");
        Assert.Contains("crn ended with 137; once more", log);
        Assert.Matches($"; ({before.Count}|{before.Count + 1}) more were there already", log);
        var after = streets.Times("photos");
        Assert.All(before, photo => Assert.Equal(photo.Value, after[photo.Key]));
        Assert.Equal(streets.Photos("alone"), streets.Photos("photos"));
        Assert.Equal(streets.Photos("photos"), streets.Manifest("photos/manifest.csv"));
        // Each task had its own part.
        Assert.Equal(Maps, Enumerable.Range(0, Tasks).Sum(number => streets.Manifest($"photos/manifest.{number}-of-{Tasks}.csv").Count));
        Assert.All(Enumerable.Range(0, Tasks), number => Assert.NotEmpty(PhotosOf(streets, number)));
    }

    /// <summary>Waits until a task has painted some of its maps.</summary>
    private static int WaitForTaskAtWork(Streets streets, Shell job)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            foreach (int task in Enumerable.Range(0, Tasks).Where(task => PhotosOf(streets, task).Length >= 5))
            {
                if (SlurmCluster.ProcessOf("crn", task) is not null)
                    return task;
            }

            if (job.HasEnded)
                Assert.Fail($"The job ended before a task could be killed: {job.End().Output}");
            Assert.True(clock.Elapsed < Patience, "No task has begun to paint.");
            Thread.Sleep(20);
        }
    }

    /// <summary>The photos that a task has listed. Read by another program, because the task has the list open.</summary>
    private static string[] PhotosOf(Streets streets, int task)
        => [.. Shell.Try(streets.Path, $"cat photos/manifest.{task.ToString(CultureInfo.InvariantCulture)}-of-{Tasks}.csv").Output
            .Split('\n').Skip(1).Select(line => line.Split(',')).Where(values => values.Length == 9).Select(values => values[0])];

    [GeneratedRegex("^```sh slurm\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Commands();
}
