using Microsoft.ML.SearchSpace;

namespace AutoSynthesis.Tests;

/// <summary>The experiment with a runner whose loss can be worked out: the distance of X from 0.3, and a bit more for fewer epochs.</summary>
public sealed class ExperimentTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SearchSpace _space = SearchSpace.Of(new Point());

    [Fact]
    public void Random_search_begins_with_the_defaults_and_finds_the_best_of_what_it_tried()
    {
        var runner = new DistanceRunner();
        var experiment = Experiment(new RandomSearch(_space, candidates: 20, epochs: 3, seed: 1), runner);

        var (all, best) = experiment.Run(TestContext.Current.CancellationToken);

        Assert.Equal(20, all.Count);
        Assert.Equal("X 0.9", all[0].Settings.Parameter.ToString());
        Assert.Equal(all.Min(trial => trial.Loss), best.Loss);
        Assert.True(best.Loss < all[0].Loss);
        Assert.Equal(best.Settings.Parameter.ToString(), File.ReadAllText(experiment.BestModelPath));
        Assert.Equal(runner.Made, runner.Disposed);
        Assert.Equal(20, runner.Made);
    }

    /// <summary>9 candidates and 9 epochs: 9 of 1 epoch, the best 3 of them 3, and the best of these 9.</summary>
    [Fact]
    public void Halving_goes_on_with_the_better_third()
    {
        var (all, best) = Experiment(new SuccessiveHalving(_space, candidates: 9, epochs: 9, seed: 1), new DistanceRunner()).Run(TestContext.Current.CancellationToken);

        Assert.Equal([.. Enumerable.Repeat(1, 9), 3, 3, 3, 9], all.Select(trial => trial.Settings.Epochs));
        int[] ranked = [.. all.Take(9).OrderBy(trial => trial.Loss).Select(trial => trial.Settings.Candidate)];
        Assert.Equal(ranked[..3], all.Skip(9).Take(3).Select(trial => trial.Settings.Candidate));
        Assert.Equal((ranked[0], 9), (best.Settings.Candidate, best.Settings.Epochs));
    }

    [Theory]
    [InlineData(2, 9, new[] { 9, 9 })] // too few to leave any out
    [InlineData(3, 2, new[] { 2, 2, 2 })] // too short to be shared
    [InlineData(4, 10, new[] { 3, 3, 3, 3, 10 })]
    public void Halving_makes_do_with_little(int candidates, int epochs, int[] expected)
        => Assert.Equal(expected, Experiment(new SuccessiveHalving(_space, candidates, epochs, seed: 1), new DistanceRunner()).Run(TestContext.Current.CancellationToken).All.Select(trial => trial.Settings.Epochs));

    [Fact]
    public void A_trial_that_fails_is_told_and_does_not_end_the_others()
    {
        var monitor = new ListMonitor();
        var runner = new DistanceRunner { Fails = settings => settings.TrialId == 1 };
        var (all, _) = Experiment(new RandomSearch(_space, 3, 1, seed: 1), runner).SetMonitor(monitor).Run(TestContext.Current.CancellationToken);

        Assert.Equal([null, "trial 1 cannot be done", null], all.Select(trial => trial.Error));
        Assert.Equal(["running 0", "best 0", "running 1", "failed 1", "running 2", .. monitor.Lines[5..]], monitor.Lines);

        var nothing = Assert.Throws<InvalidOperationException>(() => Experiment(new RandomSearch(_space, 2, 1, seed: 1), new() { Fails = _ => true }, "other").Run(TestContext.Current.CancellationToken));
        Assert.Contains("trial 0 cannot be done", nothing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_experiment_that_was_killed_goes_on_and_finds_the_same()
    {
        ITuner Tuner() => new SuccessiveHalving(_space, candidates: 9, epochs: 9, seed: 1);
        var whole = Experiment(Tuner(), new DistanceRunner(), "whole").Run(TestContext.Current.CancellationToken);
        var killed = new DistanceRunner { Dies = settings => settings.TrialId == 10 };
        Assert.Throws<OperationCanceledException>(() => Experiment(Tuner(), killed, "killed").Run(TestContext.Current.CancellationToken));
        // A kill in the middle of a line.
        File.AppendAllText(_folder["killed/trials.jsonl"], "{\"Parameter\":\"X 0.");

        var rest = new DistanceRunner();
        var continued = Experiment(Tuner(), rest, "killed").Run(TestContext.Current.CancellationToken);

        Assert.Equal(whole.All.Select(Text), continued.All.Select(Text));
        Assert.Equal(Text(whole.Best), Text(continued.Best));
        Assert.Equal(3, rest.Made);
        Assert.Equal(File.ReadAllText(_folder["whole/best.zip"]), File.ReadAllText(_folder["killed/best.zip"]));
        var other = Assert.Throws<InvalidDataException>(() => Experiment(new RandomSearch(_space, 3, epochs: 2, seed: 1), new DistanceRunner(), "killed").Run(TestContext.Current.CancellationToken));
        Assert.Contains("another experiment", other.Message, StringComparison.Ordinal);
        var moved = Assert.Throws<InvalidDataException>(() => Experiment(Tuner(), new DistanceRunner { Subject = "nearness to 0.4" }, "killed").Run(TestContext.Current.CancellationToken));
        Assert.Contains("it tried nearness to 0.3, and now it is nearness to 0.4", moved.Message, StringComparison.Ordinal);

        static string Text(TrialResult trial) => $"{trial.Settings.TrialId} {trial.Settings.Parameter} {trial.Settings.Epochs} {trial.Loss:R}";
    }

    [Fact]
    public void When_time_is_over_the_best_so_far_is_the_result_or_there_is_none()
    {
        var (all, best) = Experiment(new RandomSearch(_space, 1000, 1, seed: 1), new DistanceRunner { Takes = TimeSpan.FromMilliseconds(50) })
            .SetTrainingTime(TimeSpan.FromSeconds(1)).Run(TestContext.Current.CancellationToken);
        Assert.InRange(all.Count, 1, 999);
        Assert.Equal(all.Min(trial => trial.Loss), best.Loss);

        Assert.Throws<TimeoutException>(() => Experiment(new RandomSearch(_space, 3, 1, seed: 1), new DistanceRunner { Takes = TimeSpan.FromMinutes(1) }, "slow")
            .SetTrainingTime(TimeSpan.FromMilliseconds(20)).Run(TestContext.Current.CancellationToken));
    }

    public void Dispose() => _folder.Dispose();

    private SynthesisExperiment Experiment(ITuner tuner, DistanceRunner runner, string name = "experiment") => new(tuner, runner, _folder[name]);

    private sealed class Point
    {
        [Range(0.0, 1.0)]
        public double X { get; set; } = 0.9;
    }

    private sealed class DistanceRunner : ITrialRunner
    {
        public string Subject { get; init; } = "nearness to 0.3";

        public Func<TrialSettings, bool> Fails { get; init; } = _ => false;

        public Func<TrialSettings, bool> Dies { get; init; } = _ => false;

        public TimeSpan Takes { get; init; }

        public int Made { get; private set; }

        public int Disposed { get; private set; }

        public ITrial Run(TrialSettings settings, CancellationToken cancellation)
        {
            if (Takes > TimeSpan.Zero && cancellation.WaitHandle.WaitOne(Takes))
                cancellation.ThrowIfCancellationRequested();
            if (Fails(settings))
                throw new InvalidOperationException($"trial {settings.TrialId} cannot be done");
            if (Dies(settings))
                throw new OperationCanceledException();
            Made++;
            return new Measured(this, settings.Parameter, Math.Abs(settings.Parameter.ApplyTo(new Point()).X - 0.3) + 1.0 / settings.Epochs);
        }

        public void Drop(int candidate)
        {
        }

        private sealed class Measured(DistanceRunner runner, Parameter parameter, double loss) : ITrial
        {
            public double Loss => loss;

            public void Save(string path) => File.WriteAllText(path, parameter.ToString());

            public void Dispose() => runner.Disposed++;
        }
    }

    private sealed class ListMonitor : IMonitor
    {
        public List<string> Lines { get; } = [];

        public void ReportRunningTrial(TrialSettings settings) => Lines.Add($"running {settings.TrialId}");

        public void ReportCompletedTrial(TrialResult result, bool isBest) => Lines.Add($"{(isBest ? "best" : "worse")} {result.Settings.TrialId}");

        public void ReportFailTrial(TrialResult result) => Lines.Add($"failed {result.Settings.TrialId}");
    }
}
