using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using static TorchSharp.torch;

namespace CrnMlNet.Tests.Training;

public class WarmStartTests(TrainedModel trained)
{
    [Fact]
    public void A_model_of_the_same_shape_is_taken_whole()
    {
        var before = Weights(trained.Transformer);
        var options = NearlyUntrained();
        options.WarmStartModel = trained.Transformer;

        using var warm = Samples.Train(options, contextSeed: 44);

        // The learning rate is so small that a step changes nothing that a float could show beside the weights.
        foreach (var (name, value) in Weights(warm))
            Assert.All(before[name].Zip(value), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
        Assert.Equal("the given model: g_3, g_6, g_12, g_24, conv100", warm.Training.WarmStart);
    }

    [Fact]
    public void A_model_file_of_another_size_gives_the_modules_that_both_have()
    {
        var log = new List<string>();
        var mlContext = new MLContext(seed: 44);
        mlContext.Log += (_, e) => log.Add(e.Message);
        var options = NearlyUntrained();
        (options.Height, options.Width) = (48, 64);
        options.WarmStartModelPath = trained.Path;
        var before = Weights(trained.Transformer);

        using var warm = mlContext.Transforms.SynthesizeFromLabels(options).Fit(mlContext.Data.LoadFromEnumerable(Samples.Pairs(1)));

        Assert.Contains(log, line => line.Contains("Warm start from 'model.zip': copied g_3, g_6, g_12, g_24, conv100; from chance begin g_48."));
        foreach (var (name, value) in Weights(warm).Where(weight => !weight.Key.StartsWith("g_48", StringComparison.Ordinal)))
            Assert.All(before[name].Zip(value), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
        using var stream = new MemoryStream();
        mlContext.Model.Save(warm, null, stream);
        stream.Position = 0;
        using var loaded = (SynthesizeFromLabelsTransformer)mlContext.Model.Load(stream, out _);
        Assert.Equal("'model.zip': g_3, g_6, g_12, g_24, conv100", loaded.Training.WarmStart);
    }

    [Fact]
    public void Starting_warm_needs_fewer_steps_than_starting_from_chance()
    {
        var options = Samples.TinyOptions();
        options.Epochs = 30;
        using var first = Samples.Train(options);
        var more = Samples.TinyOptions();
        more.WarmStartModel = first;

        using var warm = Samples.Train(more);
        using var cold = Samples.Train();

        Assert.True(warm.Training.LossByEpoch[0] < 0.7 * cold.Training.LossByEpoch[0], $"{warm.Training.LossByEpoch[0]}, {cold.Training.LossByEpoch[0]}");
    }

    [Fact]
    public void What_cannot_be_started_from_is_told()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["text.zip"], "no model");
        var (missing, damaged, both, wide) = (Samples.TinyOptions(), Samples.TinyOptions(), Samples.TinyOptions(), Samples.TinyOptions());
        missing.WarmStartModelPath = folder["none.zip"];
        damaged.WarmStartModelPath = folder["text.zip"];
        (both.WarmStartModelPath, both.WarmStartModel) = (trained.Path, trained.Transformer);
        (wide.WidthFactor, wide.WarmStartModel) = (1.0 / 32, trained.Transformer);
        var disposed = Samples.TinyOptions();
        disposed.WarmStartModel = Samples.Train();
        disposed.WarmStartModel.Dispose();

        Assert.Contains("none.zip", Assert.Throws<FileNotFoundException>(() => Samples.Train(missing)).Message);
        Assert.ThrowsAny<Exception>(() => Samples.Train(damaged));
        Assert.Contains("not from both", Assert.Throws<ArgumentOutOfRangeException>(() => Samples.Train(both)).Message);
        Assert.Throws<ObjectDisposedException>(() => Samples.Train(disposed));
        var error = Assert.Throws<InvalidOperationException>(() => Samples.Train(wide));
        Assert.Contains("width factor 0.015625", error.Message);
        Assert.Contains("width factor 0.03125", error.Message);
    }

    private static SynthesizeFromLabelsEstimator.Options NearlyUntrained()
    {
        var options = Samples.TinyOptions();
        options.LearningRate = 1e-12;
        return options;
    }

    private static Dictionary<string, float[]> Weights(SynthesizeFromLabelsTransformer transformer)
    {
        using var scope = NewDisposeScope();
        return transformer.WithNetwork(network => network.named_parameters().ToDictionary(named => named.name, named => named.parameter.detach().data<float>().ToArray()));
    }
}
