using CrnMlNet.Tests.Conformance;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using TorchSharp;

namespace CrnMlNet.Tests.Rows;

/// <summary>
/// Whose images are whose, by what ML.NET's users ran into. Label images have the photos' size here, which is the case that
/// ML.NET's own ResizeImages gets wrong.
/// </summary>
[Collection(Memory.AloneCollection.Name)]
public class OwnershipTests(TrainedModel model)
{
    /// <summary>dotnet/machinelearning#7444: CreateEnumerable and ToArray disposed the user's images.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Label_images_live_on_after_CreateEnumerable_and_ToArray(int size)
    {
        var scenes = Samples.Scenes(9);
        var pixels = scenes.Select(scene => scene.Labels!.Pixels()).ToList();
        using var transformer = Load(size);

        var rows = model.MLContext.Data.CreateEnumerable<Whole>(transformer.Transform(model.MLContext.Data.LoadFromEnumerable(scenes)), reuseRowObject: false).ToArray();

        Assert.Equal(pixels, scenes.Select(scene => scene.Labels!.Pixels()));
        Assert.Equal(scenes.Select(scene => scene.Labels), rows.Select(row => row.Labels));
        Assert.Equal(rows.Length, rows.Select(row => row.Synthesized!.Pixels()).Distinct(new SamePixels()).Count());
    }

    /// <summary>dotnet/machinelearning#5469: an image that needed no resizing was disposed when it was read a second time.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Images_of_the_right_size_can_be_read_again_and_again(int size)
    {
        var scenes = Samples.Scenes(5);
        using var transformer = Load(size);
        var photos = transformer.Transform(model.MLContext.Data.LoadFromEnumerable(scenes));

        var first = RowValues.Read(photos);
        using var cursor = photos.GetRowCursor(photos.Schema);
        var getters = Enumerable.Range(0, 2).Select(_ => cursor.GetGetter<MLImage>(photos.Schema["Synthesized"])).ToArray();
        MLImage one = null!, other = null!;
        while (cursor.MoveNext())
        {
            getters[0](ref one);
            getters[1](ref other);
            Assert.Equal(one.Pixels(), other.Pixels());
        }

        Assert.Equal(first, RowValues.Read(photos));
    }

    /// <summary>#5469 again, behind a ResizeImages that has nothing to do: a row's photo is asked for twice.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_photo_behind_a_ResizeImages_that_has_nothing_to_do_may_be_asked_for_twice(int size)
    {
        using var transformer = Load(size);
        var expected = Samples.ReadPhotos(transformer.Transform(model.Scenes(5)));
        var scenes = model.MLContext.Data.LoadFromEnumerable(Samples.Scenes(5));
        var photos = transformer.Transform(model.MLContext.Transforms.ResizeImages("Labels", Samples.Width, Samples.Height).Fit(scenes).Transform(scenes));
        using var cursor = photos.GetRowCursor([photos.Schema["Synthesized"]]);
        var getters = Enumerable.Range(0, 2).Select(_ => cursor.GetGetter<MLImage>(photos.Schema["Synthesized"])).ToArray();
        MLImage photo = null!;

        while (cursor.MoveNext())
        {
            foreach (var getPhoto in (ValueGetter<MLImage>[])[getters[0], getters[0], getters[1]])
            {
                getPhoto(ref photo);
                Assert.Equal(expected[(int)cursor.Position], photo.Pixels());
            }
        }
    }

    /// <summary>
    /// dotnet/machinelearning#4126: a data view of images in memory broke when a second model was fitted on it, or when it was
    /// cross-validated. Here it serves for as much as one likes, and all images live on.
    /// </summary>
    [Fact]
    public void One_data_view_of_images_serves_for_several_fits_and_cross_validation()
    {
        var pairs = Samples.Pairs(4);
        var pixels = Pixels();
        var data = model.MLContext.Data.LoadFromEnumerable(pairs);
        var half = Samples.TinyOptions();
        (half.Height, half.Width) = (Samples.Height * 2 / 3, Samples.Width / 2);

        foreach (var options in new[] { Samples.TinyOptions(), half, Samples.TinyOptions() })
        {
            using var fitted = model.MLContext.Transforms.SynthesizeFromLabels(options).Fit(data);
            Assert.Equal(4, Samples.ReadPhotos(fitted.Transform(data)).Count);
        }

        var scored = 0;
        foreach (var fold in model.MLContext.Data.CrossValidationSplit(data, numberOfFolds: 2, seed: 1))
        {
            using var fitted = model.MLContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions()).Fit(fold.TrainSet);
            scored += Samples.ReadPhotos(fitted.Transform(fold.TestSet)).Count;
        }

        Assert.Equal(4, scored);
        Assert.Equal(pixels, Pixels());
        List<byte[]> Pixels() => [.. pairs.SelectMany(pair => new[] { pair.Labels!.Pixels(), pair.Photo!.Pixels() })];
    }

    /// <summary>
    /// #4126 and #7444 where they cannot be undone, as it is ResizeImages that disposes an image that has its size already. One pass
    /// is painted, with the label column beside it, however many photos are painted at once; a second pass says whose doing it is.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Behind_a_ResizeImages_that_has_nothing_to_do_a_pass_is_painted_and_the_next_one_told_why_not(int size)
    {
        using var transformer = Load(size);
        var expected = Samples.ReadPhotos(transformer.Transform(model.Scenes(11)));
        var scenes = model.MLContext.Data.LoadFromEnumerable(Samples.Scenes(11));
        var resized = model.MLContext.Transforms.ResizeImages("Labels", Samples.Width, Samples.Height).Fit(scenes).Transform(scenes);
        var photos = transformer.Transform(resized);
        var labels = photos.Schema["Labels"];

        var rows = RowValues.Read(photos, [labels, photos.Schema["Synthesized"]]);

        Assert.Equal(Samples.Scenes(11).Select(scene => Written(scene.Labels!.Pixels())), rows.Select(row => row.Values[0]));
        Assert.Equal(expected.Select(Written), rows.Select(row => row.Values[1]));
        var error = Assert.Throws<InvalidOperationException>(() => RowValues.Read(photos, [photos.Schema["Synthesized"]]));
        Assert.Contains("row 0, column 'Labels'", error.Message);
        Assert.Contains("ResizeImages", error.Message);
    }

    /// <summary>dotnet/machinelearning#6579: PredictionEngine disposes no output row; nothing native may hang on one.</summary>
    [Fact]
    public void A_disposed_prediction_engine_leaves_nothing_behind()
    {
        using var labels = Samples.Labels(1);
        using var shared = Load(4);
        Predict();
        var before = LiveTensors();

        for (var i = 0; i < 5; i++)
            Predict();

        // Without a collection: what only a finalizer frees would still be there.
        Assert.Equal(before, torch.Tensor.TotalCount);
        void Predict()
        {
            using var engine = model.MLContext.Model.CreatePredictionEngine<Scene, Synthesis>(shared, new PredictionEngineOptions { OwnsTransformer = false });
            engine.Predict(new Scene { Labels = labels }).Synthesized!.Dispose();
        }
    }

    /// <summary>dotnet/machinelearning#5945: the engine disposed a model that others used, who got an access violation.</summary>
    [Fact]
    public void A_prediction_engine_that_owns_the_model_ends_it_for_others_with_an_exception()
    {
        var shared = (SynthesizeFromLabelsTransformer)model.Load();
        using var labels = Samples.Labels(1);
        var scene = new Scene { Labels = labels };
        var owner = model.MLContext.Model.CreatePredictionEngine<Scene, Synthesis>(shared);
        using var other = model.MLContext.Model.CreatePredictionEngine<Scene, Synthesis>(shared, new PredictionEngineOptions { OwnsTransformer = false });
        var before = other.Predict(scene).Synthesized!;
        var pixels = before.Pixels();

        owner.Dispose();

        Assert.Throws<ObjectDisposedException>(() => other.Predict(scene));
        Assert.Equal(pixels, before.Pixels());
        owner.Dispose();
        shared.Dispose();
    }

    /// <summary>#5945 again: an engine that does not own the model leaves it to the next one.</summary>
    [Fact]
    public void A_prediction_engine_that_does_not_own_the_model_leaves_it()
    {
        using var shared = (SynthesizeFromLabelsTransformer)model.Load();
        using var labels = Samples.Labels(1);
        var photos = new List<MLImage>();

        for (var i = 0; i < 3; i++)
        {
            using var engine = model.MLContext.Model.CreatePredictionEngine<Scene, Synthesis>(shared, new PredictionEngineOptions { OwnsTransformer = false });
            photos.Add(engine.Predict(new Scene { Labels = labels }).Synthesized!);
        }

        Assert.All(photos, photo => Assert.Equal(photos[0].Pixels(), photo.Pixels()));
    }

    [Fact]
    public void Disposing_a_photo_twice_or_early_harms_nothing()
    {
        using var transformer = Load(4);
        var photos = transformer.Transform(model.Scenes(6));
        using var cursor = photos.GetRowCursor(photos.Schema);
        var getPhoto = cursor.GetGetter<MLImage>(photos.Schema["Synthesized"]);
        MLImage photo = null!;
        while (cursor.MoveNext())
        {
            // The variable still holds the photo before, disposed.
            getPhoto(ref photo);
            Assert.Equal(Samples.Width, photo.Width);
            photo.Dispose();
            photo.Dispose();
        }
    }

    private SynthesizeFromLabelsTransformer Load(int scoringBatchSize)
    {
        var transformer = (SynthesizeFromLabelsTransformer)model.Load();
        transformer.ScoringBatchSize = scoringBatchSize;
        return transformer;
    }

    private static string Written(byte[] pixels) => $"{Samples.Width}x{Samples.Height} Bgra32 {Convert.ToHexString(pixels)}";

    private static long LiveTensors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return torch.Tensor.TotalCount;
    }

    private sealed class Whole
    {
        public int Number { get; set; }

        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Labels { get; set; }

        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Synthesized { get; set; }
    }

    private sealed class SamePixels : IEqualityComparer<byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] pixels) => pixels[0];
    }
}
