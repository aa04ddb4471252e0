using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Torch.Networks;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Tests.Memory;

/// <summary>
/// Memory is flat after warm-up. Images and networks are large enough here that those which nobody freed would show; the number of live tensors must come out exactly, with no help of the garbage collector.
/// </summary>
[Collection(AloneCollection.Name)]
[Trait("Category", "Long")]
public class FlatMemoryTests
{
    private const int Images = 2000;
    private const int WarmUp = Images / 2;
    private const int Fits = 20;
    private const int Height = 64;
    private const int Width = 96;
    private const long Tolerance = 12 << 20;

    private static readonly MLContext MLContext = new(seed: 1);

    [Fact]
    public void Scoring_2000_rows()
    {
        using var transformer = Train();
        Score(transformer, WarmUp);

        AssertFlat(() => Score(transformer, Images));
    }

    [Fact]
    public void Scoring_2000_files()
    {
        using var folder = new TemporaryFolder();
        var files = Samples.WriteFiles(folder);
        using var transformer = Train();
        var loader = MLContext.Transforms.LoadImages("Labels", folder.Path, "LabelPath").Fit(MLContext.Data.LoadFromEnumerable(files));
        void ScoreFiles(int count) => Read(transformer.Transform(
            loader.Transform(MLContext.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i => files[i % files.Count])))), count);
        ScoreFiles(WarmUp);

        AssertFlat(() => ScoreFiles(Images));
    }

    [Fact]
    public void Predicting_2000_times()
    {
        using var transformer = Train();
        using var engine = MLContext.Model.CreatePredictionEngine<LargeScene, LargeSynthesis>(transformer);
        Predict(engine, WarmUp);

        AssertFlat(() => Predict(engine, Images));
    }

    [Fact]
    public void Fitting_20_times()
    {
        // TorchSharp's count goes up by two for a Parameter and down by one: it empties the tensor that one is made of.
        var architecture = new CrnArchitecture { Channels = 2, Height = Height, Width = Width, WidthFactor = 1.0 / 64 };
        int parameters;
        using (var network = new CascadedRefinementNetwork(architecture))
        using (var discriminator = new Discriminator(Recipe.Default.Objective.Discriminator, architecture, seed: 1))
            parameters = network.parameters().Count() + discriminator.parameters().Count();
        FitOften(Fits / 4);

        AssertFlat(() => FitOften(Fits), Fits * parameters);

        static void FitOften(int times)
        {
            for (int i = 0; i < times; i++)
                Train(widthFactor: 1.0 / 16).Dispose();
        }
    }

    /// <summary>What leaks grows each time; .NET's heap may still find its size the first time.</summary>
    private static void AssertFlat(Action work, int countedTensors = 0)
    {
        long growth = 0;
        for (int times = 0; times < 3; times++)
        {
            var before = UsedMemory.AfterCollection();
            work();
            Assert.Equal(before.Tensors + countedTensors, UsedMemory.Now().Tensors);
            growth = UsedMemory.AfterCollection().PrivateBytes - before.PrivateBytes;
            TestContext.Current.TestOutputHelper!.WriteLine($"Private bytes {before.PrivateBytes:N0}, grown by {growth:N0}; {before.Tensors} tensors.");
            if (growth <= Tolerance)
                return;
        }
        Assert.Fail($"Private bytes grow by {growth:N0} each time.");
    }

    private static SynthesizeFromLabelsTransformer Train(double widthFactor = 1.0 / 64)
    {
        var options = new SynthesizeFromLabelsEstimator.Options { Height = Height, Width = Width, WidthFactor = widthFactor, Epochs = 1 };
        var pairs = Samples.Pairs(2);
        try
        {
            return MLContext.Transforms.SynthesizeFromLabels(options).Fit(MLContext.Data.LoadFromEnumerable(pairs));
        }
        finally
        {
            foreach (var pair in pairs)
            {
                pair.Labels!.Dispose();
                pair.Photo!.Dispose();
            }
        }
    }

    private static void Score(SynthesizeFromLabelsTransformer transformer, int count)
        => Read(transformer.Transform(MLContext.Data.LoadFromEnumerable(Scenes(count))), count);

    private static void Read(IDataView data, int count)
    {
        var column = data.Schema["Synthesized"];
        using var cursor = data.GetRowCursor([column]);
        var getter = cursor.GetGetter<MLImage>(column);
        int read = 0;
        for (MLImage photo = null!; cursor.MoveNext(); read++)
        {
            getter(ref photo);
            photo.Dispose();
        }
        Assert.Equal(count, read);
    }

    private static IEnumerable<LargeScene> Scenes(int count)
    {
        for (int i = 0; i < count; i++)
        {
            using var labels = Samples.Labels(i, Width, Height);
            yield return new LargeScene { Labels = labels };
        }
    }

    private static void Predict(PredictionEngine<LargeScene, LargeSynthesis> engine, int count)
    {
        foreach (var scene in Scenes(count))
            engine.Predict(scene).Synthesized!.Dispose();
    }

    private sealed class LargeScene
    {
        [ImageType(Height, Width)]
        public MLImage? Labels { get; set; }
    }

    private sealed class LargeSynthesis
    {
        [ImageType(Height, Width)]
        public MLImage? Synthesized { get; set; }
    }
}
