using System.IO.Compression;
using System.Reflection;
using System.Text.RegularExpressions;
using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Tests.Rows;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;
using Microsoft.ML;

namespace CrnMlNet.Tests.Training;

public class FittingTests
{
    private static readonly MLContext MLContext = new(seed: 1);

    [Fact]
    public void The_same_seed_gives_the_same_model_and_another_seed_another()
    {
        using var first = Samples.Train(contextSeed: 5);
        using var second = Samples.Train(contextSeed: 5);
        using var other = Samples.Train(contextSeed: 6);

        Assert.Equal(5, first.Training.Seed);
        var entries = Entries(first);
        Assert.Equal(entries, Entries(second));
        Assert.NotEqual(entries["weights.safetensors"], Entries(other)["weights.safetensors"]);
    }

    [Fact]
    public void The_seed_of_the_options_outranks_that_of_the_context()
    {
        var options = Samples.TinyOptions();
        options.Seed = 5;
        using var seeded = Samples.Train(options, contextSeed: 9);
        using var context = Samples.Train(contextSeed: 5);

        Assert.Equal(Entries(context), Entries(seeded));
    }

    [Fact]
    public void The_objective_and_its_layer_weights_are_in_the_saved_model()
    {
        using var folder = new TemporaryFolder();
        var options = Samples.TinyOptions();
        (options.Epochs, options.ImagesPerLayout, options.LayerWeights) = (2, 3, LayerWeighting.Paper(rescaleAfter: 1));
        using (var transformer = Samples.Train(options))
            MLContext.Model.Save(transformer, null, folder["model.zip"]);

        using var loaded = (SynthesizeFromLabelsTransformer)MLContext.Model.Load(folder["model.zip"], out _);

        Assert.Equal(3, loaded.Architecture.ImagesPerLayout);
        Assert.Contains("(Eq. 3)", loaded.Training.Objective);
        Assert.Equal(("paper:1", 1), (loaded.Training.LayerWeighting, loaded.Training.LayerWeightsRescaledAfter));
        Assert.Equal(["image", "texture_1", "texture_2", "texture_4", "texture_8", "colour_4"], loaded.Training.LayerWeights.Keys);
        Assert.Equal(1, loaded.Training.LayerWeights["image"]);
        Assert.NotEqual(1, loaded.Training.LayerWeights["texture_1"]);
    }

    [Fact]
    public void Layer_weights_for_another_network_are_refused_before_a_row_is_read()
    {
        var options = Samples.TinyOptions();
        options.LayerWeights = LayerWeighting.Gta;
        var rows = new WatchedView(MLContext.Data.LoadFromEnumerable(Samples.Pairs(1)));

        var error = Assert.Throws<ArgumentException>(() => MLContext.Transforms.SynthesizeFromLabels(options).Fit(rows));

        Assert.Contains("'gta' are the authors' for VGG-19", error.Message);
        Assert.Empty(rows.Cursors);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void Any_seed_will_do(int seed)
    {
        var options = Samples.TinyOptions();
        options.Seed = seed;

        using var transformer = Samples.Train(options, pairs: 1);

        Assert.Equal(seed, transformer.Training.Seed);
    }

    [Fact]
    public void The_last_batch_of_an_epoch_may_be_smaller()
    {
        var options = Samples.TinyOptions();
        options.BatchSize = 3;
        options.Epochs = 2;

        using var transformer = Samples.Train(options, pairs: 4);

        Assert.Equal((4, 4, 2), (transformer.Training.Pairs, transformer.Training.Steps, transformer.Training.LossByEpoch.Count));
    }

    [Fact]
    public void The_log_of_the_context_tells_what_is_trained_and_that_it_was_stopped()
    {
        var mlContext = new MLContext(seed: 1);
        var log = new List<string>();
        mlContext.Log += (_, e) => log.Add(e.Message);
        using var cancellation = new CancellationTokenSource();
        var options = Samples.TinyOptions();
        options.CancellationToken = cancellation.Token;
        options.Progress = _ => cancellation.Cancel();

        using var transformer = mlContext.Transforms.SynthesizeFromLabels(options).Fit(mlContext.Data.LoadFromEnumerable(Samples.Pairs(3)));

        Assert.Contains(log, line => line.Contains("Read 3 pairs at 24x32") && line.Contains("Index"));
        Assert.Contains(log, line => line.Contains("parameters on cpu"));
        Assert.Contains(log, line => line.Contains("stopped after 1 steps"));
    }

    [Fact]
    public void Images_that_a_cache_left_out_are_told_of()
    {
        using var folder = new TemporaryFolder();
        var pipeline = MLContext.Transforms.LoadImages("Labels", folder.Path, "LabelPath")
            .Append(MLContext.Transforms.LoadImages("Photo", folder.Path, "PhotoPath"))
            .AppendCacheCheckpoint(MLContext)
            .Append(MLContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions()));

        var error = Assert.Throws<ArgumentOutOfRangeException>(() => pipeline.Fit(MLContext.Data.LoadFromEnumerable(Samples.WriteFiles(folder, 2))));

        Assert.Contains("'Labels'", error.Message);
        Assert.Contains("AppendCacheCheckpoint", error.Message);
    }

    [Fact]
    public void Fitting_twice_gives_two_models_that_live_apart()
    {
        var estimator = MLContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions());
        var pairs = MLContext.Data.LoadFromEnumerable(Samples.Pairs(2));

        var first = estimator.Fit(pairs);
        var entries = Entries(first);
        using var second = estimator.Fit(pairs);
        first.Dispose();

        Assert.Equal(entries, Entries(second));
    }

    [Fact]
    public void Training_images_stay_the_users()
    {
        var pairs = Samples.Pairs(2);
        var before = pairs.Select(pair => (pair.Labels!.Pixels(), pair.Photo!.Pixels())).ToList();

        using var transformer = MLContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions()).Fit(MLContext.Data.LoadFromEnumerable(pairs));

        Assert.Equal(before, pairs.Select(pair => (pair.Labels!.Pixels(), pair.Photo!.Pixels())));
    }

    [Fact]
    public void Progress_is_told_of_every_step_and_previews_change_nothing()
    {
        var told = new List<(long Step, long Steps)>();
        var previews = new List<byte[]>();
        using var labels = Samples.Labels(7, 64, 48);
        var options = Samples.TinyOptions();
        options.Epochs = 2;
        options.Progress = progress =>
        {
            told.Add((progress.Training.Step, progress.Training.Steps));
            using var preview = progress.Preview(labels);
            Assert.Equal((24, 32), (preview.Height, preview.Width));
            previews.Add(preview.Pixels());
        };
        using var watched = Samples.Train(options);
        var unwatched = Samples.TinyOptions();
        unwatched.Epochs = 2;
        using var alone = Samples.Train(unwatched);

        Assert.Equal(Enumerable.Range(1, 8).Select(step => ((long)step, 8L)), told);
        Assert.Equal(8, watched.Training.Steps);
        Assert.Equal(8, previews.Distinct(ByContent).Count());
        using var final = watched.Synthesize(labels);
        Assert.Equal(previews[^1], final.Pixels());
        Assert.Equal(Entries(alone), Entries(watched));
    }

    [Fact]
    public void Cancelling_while_the_network_learns_leaves_what_was_learned()
    {
        using var cancellation = new CancellationTokenSource();
        var options = Samples.TinyOptions();
        options.Epochs = 50;
        options.CancellationToken = cancellation.Token;
        options.Progress = progress =>
        {
            if (progress.Training.Step == 3)
                cancellation.Cancel();
        };

        using var transformer = Samples.Train(options);

        Assert.True(transformer.Training.Stopped);
        Assert.Equal(3, transformer.Training.Steps);
        Assert.Equal(4, Samples.ReadPhotos(transformer.Transform(MLContext.Data.LoadFromEnumerable(Samples.Scenes()))).Count);
        using var stream = new MemoryStream();
        MLContext.Model.Save(transformer, null, stream);
        stream.Position = 0;
        using var loaded = (SynthesizeFromLabelsTransformer)MLContext.Model.Load(stream, out _);
        Assert.True(loaded.Training.Stopped);
    }

    [Fact]
    public void Cancelling_before_the_first_step_is_an_exception()
    {
        var before = Samples.TinyOptions();
        before.CancellationToken = new CancellationToken(canceled: true);
        Assert.ThrowsAny<OperationCanceledException>(() => Samples.Train(before));
    }

    [Fact]
    public void Cancelling_the_context_ends_the_training()
    {
        var mlContext = new MLContext(seed: 1);
        var options = Samples.TinyOptions();
        options.Epochs = 1000;
        // Internal to ML.NET: AutoML calls it when a trial is to end.
        options.Progress = _ => typeof(MLContext).GetMethod("CancelExecution", BindingFlags.Instance | BindingFlags.NonPublic)!.Invoke(mlContext, null);

        Assert.ThrowsAny<OperationCanceledException>(
            () => mlContext.Transforms.SynthesizeFromLabels(options).Fit(mlContext.Data.LoadFromEnumerable(Samples.Pairs(1))));
    }

    [Fact]
    public void An_exception_of_the_progress_callback_ends_the_training()
    {
        var options = Samples.TinyOptions();
        options.Progress = progress => throw new TimeoutException("enough");

        Assert.Equal("enough", Assert.Throws<TimeoutException>(() => Samples.Train(options)).Message);
    }

    private static EqualityComparer<byte[]> ByContent
        => EqualityComparer<byte[]>.Create((a, b) => a.AsSpan().SequenceEqual(b), bytes => bytes.Length);

    /// <summary>A saved model's entries, but for the seconds that training took and the checksum that they change.</summary>
    private static SortedDictionary<string, string> Entries(SynthesizeFromLabelsTransformer transformer)
    {
        using var stream = new MemoryStream();
        MLContext.Model.Save(transformer, null, stream);
        var entries = new SortedDictionary<string, string>();
        using var zip = new ZipArchive(stream, ZipArchiveMode.Read);
        foreach (var entry in zip.Entries.Where(entry => entry.Name != "SHA256SUMS"))
        {
            using var content = new MemoryStream();
            using (var opened = entry.Open())
                opened.CopyTo(content);
            var text = entry.Name.EndsWith(".json") ? Regex.Replace(System.Text.Encoding.UTF8.GetString(content.ToArray()), "\"seconds\": [0-9.]+", "")
                : Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(content.ToArray()));
            entries[entry.Name] = text;
        }

        return entries;
    }
}
