using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Torch.Training;
using Microsoft.ML;

namespace CrnMlNet.Tests.Training;

public class ValidationTests
{
    private static readonly MLContext MLContext = new(seed: 1);

    [Fact]
    public void The_validation_loss_of_every_epoch_is_in_progress_log_and_record()
    {
        var mlContext = new MLContext(seed: 1);
        var log = new List<string>();
        mlContext.Log += (_, e) => log.Add(e.Message);
        var told = new List<double?>();
        var options = WithValidation(epochs: 3);
        options.Progress = progress => told.Add(progress.Training.ValidationLoss);

        using var transformer = mlContext.Transforms.SynthesizeFromLabels(options).Fit(mlContext.Data.LoadFromEnumerable(Samples.Pairs()));

        var losses = transformer.Training.ValidationLossByEpoch;
        Assert.Equal([null, null, null, losses[0], null, null, null, losses[1], null, null, null, losses[2]], told);
        Assert.Equal(1 + losses.ToList().IndexOf(losses.Min()), transformer.Training.BestEpoch);
        Assert.Contains(log, line => line.Contains("Read 3 pairs to validate on."));
        Assert.Equal(3, log.Count(line => line.Contains(", validation loss ")));
        Assert.Contains(log, line => line.Contains($"The model is that of epoch {transformer.Training.BestEpoch}"));
    }

    [Fact]
    public void Validating_changes_nothing_in_the_training_but_the_choice_of_the_epoch()
    {
        var options = Samples.TinyOptions();
        options.Epochs = 3;
        using var without = Samples.Train(options);

        using var with = Samples.Train(WithValidation(epochs: 3));

        Assert.Equal(without.Training.LossByEpoch, with.Training.LossByEpoch);
        Assert.Empty(without.Training.ValidationLossByEpoch);
        Assert.Null(without.Training.BestEpoch);
    }

    [Fact]
    public void Early_stopping_gives_the_weights_of_the_best_epoch()
    {
        // So high a learning rate that the loss jumps up and down.
        var options = WithValidation(epochs: 60);
        options.LearningRate = 0.3;
        options.EarlyStoppingPatience = 2;
        using var labels = Samples.Labels(3);
        var previews = new List<byte[]>();
        options.Progress = progress =>
        {
            if (!progress.Training.IsEpochEnd)
                return;
            using var preview = progress.Preview(labels);
            previews.Add(preview.Pixels());
        };

        using var transformer = Samples.Train(options);

        var training = transformer.Training;
        Assert.InRange(training.LossByEpoch.Count, 3, 59);
        Assert.Equal(training.LossByEpoch.Count - 2, training.BestEpoch);
        Assert.Equal(training.ValidationLossByEpoch.Min(), training.ValidationLossByEpoch[training.BestEpoch!.Value - 1]);
        using var photo = transformer.Synthesize(labels);
        Assert.Equal(previews[training.BestEpoch.Value - 1], photo.Pixels());
        Assert.NotEqual(previews[^1], photo.Pixels());
        Assert.False(training.Stopped);
    }

    [Fact]
    public void An_estimator_with_patience_fits_twice_alike()
    {
        var options = WithValidation(epochs: 20);
        options.LearningRate = 0.3;
        options.EarlyStoppingPatience = 1;
        var estimator = MLContext.Transforms.SynthesizeFromLabels(options);
        var pairs = MLContext.Data.LoadFromEnumerable(Samples.Pairs());

        using var first = estimator.Fit(pairs);
        using var second = estimator.Fit(pairs);

        Assert.Equal(first.Training.ValidationLossByEpoch, second.Training.ValidationLossByEpoch);
        Assert.Equal(first.Training.BestEpoch, second.Training.BestEpoch);
    }

    [Fact]
    public void A_fault_in_the_validation_set_is_told_as_one()
    {
        var options = Samples.TinyOptions();
        var pairs = Samples.Pairs(3);
        pairs[1].Photo = null;
        options.ValidationSet = MLContext.Data.LoadFromEnumerable(pairs);
        var empty = Samples.TinyOptions();
        empty.ValidationSet = MLContext.Data.LoadFromEnumerable(new List<Pair>());
        var columns = Samples.TinyOptions();
        columns.ValidationSet = MLContext.Data.LoadFromEnumerable(Samples.Scenes());

        var row = Assert.Throws<InvalidOperationException>(() => Samples.Train(options));
        Assert.StartsWith("Validation set: ", row.Message);
        Assert.Contains("'Photo'", row.Message);
        Assert.Contains("Validation set: There is no row", Assert.Throws<InvalidOperationException>(() => Samples.Train(empty)).Message);
        Assert.Contains("validation photo", Assert.Throws<ArgumentOutOfRangeException>(() => Samples.Train(columns)).Message);
    }

    [Fact]
    public void Cancelling_with_a_validation_set_gives_the_best_epoch_so_far()
    {
        using var cancellation = new CancellationTokenSource();
        using var labels = Samples.Labels(3);
        byte[] firstEpoch = [];
        var options = WithValidation(epochs: 9);
        options.CancellationToken = cancellation.Token;
        options.Progress = progress =>
        {
            if (progress.Training.Step == 6)
                cancellation.Cancel();
            if (progress.Training.Step != 4)
                return;
            using var preview = progress.Preview(labels);
            firstEpoch = preview.Pixels();
        };

        using var transformer = Samples.Train(options);

        Assert.Equal((6L, 1, true), (transformer.Training.Steps, transformer.Training.BestEpoch, transformer.Training.Stopped));
        using var photo = transformer.Synthesize(labels);
        Assert.Equal(firstEpoch, photo.Pixels());
    }

    [Fact]
    public void Cancelling_throws_where_that_is_wanted_and_the_training_can_be_continued()
    {
        using var folder = new TemporaryFolder();
        using var cancellation = new CancellationTokenSource();
        var options = Samples.TinyOptions();
        options.Epochs = 3;
        options.OnCancellation = CancellationPolicy.Throw;
        options.CheckpointFolder = folder["checkpoints"];
        options.CancellationToken = cancellation.Token;
        options.Progress = progress =>
        {
            if (progress.Training.Step == 5)
                cancellation.Cancel();
        };

        var error = Assert.Throws<OperationCanceledException>(() => Samples.Train(options));
        Assert.Equal(cancellation.Token, error.CancellationToken);
        Assert.Contains(folder["checkpoints"], error.Message);
        options.CancellationToken = default;
        var steps = new List<long>();
        options.Progress = progress => steps.Add(progress.Training.Step);
        using var continued = Samples.Train(options);

        Assert.Equal(6, steps[0]);
        Assert.Equal((12L, false), (continued.Training.Steps, continued.Training.Stopped));
        Assert.False(Directory.Exists(folder["checkpoints"]));
    }

    [Fact]
    public void A_time_budget_ends_the_training_in_good_order()
    {
        var mlContext = new MLContext(seed: 1);
        var log = new List<string>();
        mlContext.Log += (_, e) => log.Add(e.Message);
        var options = Samples.TinyOptions();
        options.Epochs = 100_000;
        options.TimeBudget = TimeSpan.FromMilliseconds(300);

        using var transformer = mlContext.Transforms.SynthesizeFromLabels(options).Fit(mlContext.Data.LoadFromEnumerable(Samples.Pairs()));

        Assert.InRange(transformer.Training.Steps, 1, 99_999);
        Assert.False(transformer.Training.Stopped);
        Assert.Contains(log, line => line.Contains("time budget of 00:00:00.3"));
    }

    [Fact]
    public void Cross_validation_trains_and_scores_every_fold()
    {
        using var images = new TemporaryFolder();
        using var checkpoints = new TemporaryFolder();
        var data = MLContext.Data.LoadFromEnumerable(Samples.WriteFiles(images, 8));
        var options = Samples.TinyOptions();
        options.CheckpointFolder = checkpoints["folds"];
        var pipeline = MLContext.Transforms.LoadImages("Labels", images.Path, "LabelPath")
            .Append(MLContext.Transforms.LoadImages("Photo", images.Path, "PhotoPath"))
            .Append(MLContext.Transforms.SynthesizeFromLabels(options));
        int scored = 0, learned = 0;

        var folds = MLContext.Data.CrossValidationSplit(data, numberOfFolds: 3, seed: 1);
        foreach (var fold in folds)
        {
            using var model = pipeline.Fit(fold.TrainSet);
            learned += model.LastTransformer.Training.Pairs;
            scored += Samples.ReadPhotos(model.Transform(fold.TestSet)).Count;
        }

        Assert.Equal((3, 8, 16), (folds.Count, scored, learned));
    }

    [Fact]
    public void Cross_validation_splits_images_in_memory_too()
    {
        var estimator = MLContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions());
        int learned = 0;

        foreach (var fold in MLContext.Data.CrossValidationSplit(MLContext.Data.LoadFromEnumerable(Samples.Pairs(6)), numberOfFolds: 2, seed: 1))
        {
            using var model = estimator.Fit(fold.TrainSet);
            learned += model.Training.Pairs;
        }

        Assert.Equal(6, learned);
    }

    private static SynthesizeFromLabelsEstimator.Options WithValidation(int epochs)
    {
        var options = Samples.TinyOptions();
        options.Epochs = epochs;
        options.ValidationSet = MLContext.Data.LoadFromEnumerable(Samples.Pairs(7)[4..]);
        return options;
    }
}
