using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Tests.Shared;
using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Microsoft.ML.Transforms.Image;
using static TorchSharp.torch;
using Options = CrnMlNet.SynthesizeFromLabelsEstimator.Options;

namespace CrnMlNet.Tests.Training;

public class StagedTrainingTests
{
    private const int Pairs = 4;

    private static readonly TrainingStage Small = new() { Height = 24, Width = 32, Epochs = 3 };
    private static readonly TrainingStage Large = new() { Height = 48, Width = 64, Epochs = 2 };

    [Fact]
    public void A_stage_goes_on_with_what_the_one_before_has_learned()
    {
        var log = new List<string>();
        var progress = new List<TrainingProgress>();
        var options = Staged(Small with { Epochs = 30 }, Large);
        options.Progress = told => progress.Add(told.Training);
        var cold = Samples.TinyOptions();
        (cold.Height, cold.Width, cold.Epochs) = (48, 64, 1);
        options.Recipe = cold.Recipe = Recipe.Crn;

        using var model = Train(options, log);
        using var chance = Samples.Train(cold);

        Assert.Equal((48, 64), (model.Architecture.Height, model.Architecture.Width));
        Assert.True(model.Training.LossByEpoch[0] < 0.9 * chance.Training.LossByEpoch[0], $"{model.Training.LossByEpoch[0]}, {chance.Training.LossByEpoch[0]}");
        Assert.Equal("stage 1 (24x32): g_3, g_6, g_12, g_24, conv100", model.Training.WarmStart);
        var stage = Assert.Single(model.Training.EarlierStages);
        Assert.Equal((24, 32, 30, 120L), (stage.Height, stage.Width, stage.Training.LossByEpoch.Count, stage.Training.Steps));
        Assert.Contains(log, line => line.Contains("Stage 2 of 2: 48x64, 2 epochs."));

        Assert.Equal([.. Enumerable.Repeat((1, 2, 120L), 120), .. Enumerable.Repeat((2, 2, 8L), 8)], progress.Select(told => (told.Stage, told.Stages, told.Steps)));
        Assert.Equal(progress.Select(told => told.Elapsed).Order(), progress.Select(told => told.Elapsed));
        // Four times the pixels in all modules but the coarsest, and one module more.
        Assert.InRange(progress[0].StepsAhead, 2 * 8, 8 * 8);
        Assert.True(progress[119].Remaining > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, progress[^1].Remaining);
    }

    [Fact]
    public void Modules_that_shall_not_learn_stay_as_the_stage_before_left_them()
    {
        using var first = Train(Staged(Small));
        using var both = Train(Staged(Small, Large with { TrainOnlyNewestModules = 1, LearningRate = 5e-3 }));

        var (before, after) = (Weights(first), Weights(both));
        Assert.All(before.Where(weight => weight.Key.StartsWith("g_", StringComparison.Ordinal)), weight => Assert.Equal(weight.Value, after[weight.Key]));
        Assert.NotEqual(before["conv100.bias"], after["conv100.bias"]);
        Assert.Equal((1, 5e-3), (both.Training.TrainedOnlyNewestModules, both.Training.LearningRate));
        Assert.Null(both.Training.EarlierStages[0].Training.TrainedOnlyNewestModules);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_training_that_died_in_any_stage_is_continued_to_the_same_bits(bool validates)
    {
        using var folder = new TemporaryFolder();
        Options WithFolder(string? name)
        {
            var options = Staged(Small, Large with { TrainOnlyNewestModules = 2 });
            options.CheckpointFolder = name;
            options.CheckpointInterval = TimeSpan.Zero;
            if (validates)
                options.ValidationSet = new MLContext().Data.LoadFromEnumerable(Samples.Pairs(2));
            return options;
        }
        using var whole = Train(WithFolder(null));

        // In the first stage, after its last step, and in the second one.
        foreach (var (stage, step) in new[] { (1, 5L), (1, 12L), (2, 3L), (2, 7L) })
        {
            var dying = WithFolder(folder["checkpoints"]);
            dying.Progress = told => throwAt(told.Training);
            Assert.Equal("died", Assert.Throws<TimeoutException>(() => Train(dying)).Message);
            Assert.True(Directory.Exists(folder["checkpoints"]));

            void throwAt(TrainingProgress told)
            {
                if (told.Stage == stage && told.Step == step)
                    throw new TimeoutException("died");
            }
        }
        var steps = new List<(int, long)>();
        var last = WithFolder(folder["checkpoints"]);
        last.Progress = told => steps.Add((told.Training.Stage, told.Training.Step));
        using var continued = Train(last);

        Assert.Equal([(2, 8L)], steps);
        Assert.Equal(Weights(whole), Weights(continued));
        Assert.Equal(whole.Training.LossByEpoch, continued.Training.LossByEpoch);
        Assert.Equal(whole.Training.EarlierStages[0].Training.LossByEpoch, continued.Training.EarlierStages[0].Training.LossByEpoch);
        Assert.Equal(whole.Training.BestEpoch, continued.Training.BestEpoch);
        Assert.False(Directory.Exists(folder["checkpoints"]));
    }

    [Fact]
    public void A_folder_of_stages_and_one_of_a_single_size_are_not_taken_for_each_other()
    {
        using var folder = new TemporaryFolder();
        Die(Staged(Small, Large), folder["stages"]);
        var single = Samples.TinyOptions();
        single.Epochs = 3;
        Die(single, folder["single"]);

        single.CheckpointFolder = folder["stages"];
        Assert.Contains("it was in stages", Assert.Throws<InvalidOperationException>(() => Train(single)).Message);
        var staged = Staged(Small, Large);
        staged.CheckpointFolder = folder["single"];
        Assert.Contains("it was at one size", Assert.Throws<InvalidOperationException>(() => Train(staged)).Message);
        staged = Staged(Small with { LearningRate = 0.002 }, Large);
        staged.CheckpointFolder = folder["stages"];
        Assert.Contains("LearningRate was 0.00025 and is 0.002", Assert.Throws<InvalidOperationException>(() => Train(staged)).Message);

        CheckpointFolder.Clear(folder["stages"]);
        Assert.False(Directory.Exists(folder["stages"]));

        static void Die(Options options, string checkpoints)
        {
            (options.CheckpointFolder, options.CheckpointInterval) = (checkpoints, TimeSpan.Zero);
            options.Progress = _ => throw new TimeoutException("died");
            Assert.Throws<TimeoutException>(() => Train(options));
        }
    }

    [Theory]
    [InlineData(1, 5, 5)]
    [InlineData(1, 12, 12)] // the first stage's last step: of the second one nothing is there yet
    [InlineData(2, 3, 3)]
    public void Cancelling_gives_what_the_stage_has_learned_and_can_be_continued(int stage, long step, long steps)
    {
        using var folder = new TemporaryFolder();
        using var cancellation = new CancellationTokenSource();
        var log = new List<string>();
        var options = Staged(Small, Large);
        options.CheckpointFolder = folder["checkpoints"];
        options.CancellationToken = cancellation.Token;
        options.Progress = told =>
        {
            if ((told.Training.Stage, told.Training.Step) == (stage, step))
                cancellation.Cancel();
        };

        using (var stopped = Train(options, log))
        {
            Assert.Equal((stage == 1 ? 24 : 48, steps, true), (stopped.Architecture.Height, stopped.Training.Steps, stopped.Training.Stopped));
            Assert.Equal(stage == 1, log.Any(line => line.Contains("The model is of 24x32, the stage in which training ended, not of 48x64.")));
        }
        (options.CancellationToken, options.Progress) = (default, null);
        using var continued = Train(options);
        using var whole = Train(Staged(Small, Large));

        Assert.Equal(Weights(whole), Weights(continued));
        Assert.False(Directory.Exists(folder["checkpoints"]));
    }

    [Fact]
    public void Cancelling_throws_where_that_is_wanted_and_names_the_whole_folder()
    {
        using var folder = new TemporaryFolder();
        using var cancellation = new CancellationTokenSource();
        var options = Staged(Small, Large);
        (options.CheckpointFolder, options.CancellationToken, options.OnCancellation) = (folder["checkpoints"], cancellation.Token, CancellationPolicy.Throw);
        options.Progress = told =>
        {
            if (told.Training.Stage == 2)
                cancellation.Cancel();
        };

        Assert.Contains($"'{folder["checkpoints"]}'", Assert.Throws<OperationCanceledException>(() => Train(options)).Message);
    }

    [Fact]
    public void The_time_budget_is_for_all_stages_and_patience_for_each()
    {
        var budget = Staged(Small with { Epochs = 100_000 }, Large);
        budget.TimeBudget = TimeSpan.FromMilliseconds(300);
        using var ended = Train(budget);
        Assert.Equal((24, false), (ended.Architecture.Height, ended.Training.Stopped));

        // So low a learning rate that no loss of the first stage can change, but by the last bit: on some processors that depends on where in memory numbers are, and may be a new minimum.
        var patient = Staged(Small with { Epochs = 50, LearningRate = 1e-30 }, Large);
        patient.EarlyStoppingPatience = 1;
        patient.ValidationSet = new MLContext().Data.LoadFromEnumerable(Samples.Pairs(2));
        using var model = Train(patient);
        var first = model.Training.EarlierStages[0].Training;
        Assert.Equal(first.BestEpoch + 1, first.LossByEpoch.Count);
        Assert.InRange(first.LossByEpoch.Count, 2, 10);
        Assert.Equal((48, 2), (model.Architecture.Height, model.Training.ValidationLossByEpoch.Count));
    }

    [Fact]
    public void The_output_is_of_the_last_stages_size_and_the_record_is_saved()
    {
        var mlContext = new MLContext(seed: 1);
        var data = mlContext.Data.LoadFromEnumerable(Samples.Pairs(1));
        var estimator = mlContext.Transforms.SynthesizeFromLabels(Staged(Small with { Epochs = 1 }, Large with { Epochs = 1 }));

        var promised = estimator.GetOutputSchema(CrnMlNet.Persistence.MLNetInternals.CreateShape(data.Schema)).Single(column => column.Name == "Synthesized");
        using var model = estimator.Fit(data);
        using var stream = new MemoryStream();
        mlContext.Model.Save(model, null, stream);
        stream.Position = 0;
        using var loaded = (SynthesizeFromLabelsTransformer)mlContext.Model.Load(stream, out _);

        Assert.Equal(new ImageDataViewType(48, 64), promised.ItemType);
        Assert.Equal(new ImageDataViewType(48, 64), loaded.Transform(data).Schema["Synthesized"].Type);
        Assert.Equal((24, 32, 1L), (loaded.Training.EarlierStages[0].Height, loaded.Training.EarlierStages[0].Width, loaded.Training.EarlierStages[0].Training.Steps));
    }

    public static TheoryData<TrainingStage[], string> Wrong => new()
    {
        { [], "at least one stage" },
        { [Small, Large with { Height = 40 }], "Stage 2 (40x64) does not go on where stage 1 (24x32) ended: its modules work at 5x8, 10x16, 20x32, 40x64, and those of stage 1 at 3x4, 6x8, 12x16, 24x32. Sizes that go on are the same again and its doublings, such as 48x64." },
        { [Large, Small], "Stage 2 (24x32) does not go on" },
        { [Small, Large with { Epochs = 0 }], "Stage 2 (48x64): " },
        { [Small with { Height = 8 }], "Stage 1 (8x32): Height must be from 16" },
        { [Small with { LearningRate = 1 }], "Stage 1 (24x32): The learning rate" },
        { [Small, Large with { TrainOnlyNewestModules = 0 }], "At least one module must learn" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Stages_that_cannot_be_are_told_when_the_estimator_is_made(TrainingStage[] stages, string message)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => new MLContext().Transforms.SynthesizeFromLabels(Staged(stages)));
        Assert.Contains(message, error.Message);
    }

    private static Options Staged(params TrainingStage[] stages)
    {
        var options = Samples.TinyOptions();
        options.Stages = stages;
        return options;
    }

    private static SynthesizeFromLabelsTransformer Train(Options options, List<string>? log = null)
    {
        var mlContext = new MLContext(seed: 1);
        mlContext.Log += (_, e) => log?.Add(e.Message);
        return mlContext.Transforms.SynthesizeFromLabels(options).Fit(mlContext.Data.LoadFromEnumerable(Samples.Pairs(Pairs)));
    }

    private static Dictionary<string, byte[]> Weights(SynthesizeFromLabelsTransformer transformer)
    {
        using var scope = NewDisposeScope();
        return transformer.WithNetwork(network => network.named_parameters().ToDictionary(named => named.name, named => named.parameter.detach().bytes.ToArray()));
    }
}
