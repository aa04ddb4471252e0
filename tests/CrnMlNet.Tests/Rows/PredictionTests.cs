using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Rows;

public class PredictionTests(TrainedModel model)
{
    [Fact]
    public void A_prediction_engine_paints_what_Transform_does()
    {
        var scenes = Samples.Scenes();
        var expected = Samples.ReadPhotos(model.Transformer.Transform(model.MLContext.Data.LoadFromEnumerable(scenes)));

        using var engine = Engine(model.Transformer);
        var predictions = scenes.Select(scene => engine.Predict(scene)).ToList();

        // All of them after all predictions: a later one has not disposed an earlier one's photo.
        Assert.Equal(expected, predictions.Select(p => p.Synthesized!.Pixels()));
        Assert.Equal([100, 101, 102, 103], predictions.Select(p => p.Number));
        Assert.Equal(predictions.Count, predictions.Select(p => p.Synthesized).Distinct().Count());
    }

    [Fact]
    public void A_prediction_engine_of_a_chain_reads_files()
    {
        using var folder = new TemporaryFolder();
        var files = Samples.WriteFiles(folder, 2);
        var mlContext = new MLContext();
        var rows = mlContext.Data.LoadFromEnumerable(files);
        using var chain = mlContext.Transforms.LoadImages("Labels", folder.Path, "LabelPath").Fit(rows).Append(model.Load());

        using var engine = mlContext.Model.CreatePredictionEngine<Files, Photo>(chain, new PredictionEngineOptions { OwnsTransformer = false });

        var expected = Samples.ReadPhotos(chain.Transform(rows));
        Assert.Equal(expected, files.Select(row => engine.Predict(row).Synthesized!.Pixels()));
    }

    [Fact]
    public void Label_images_stay_the_users()
    {
        var scenes = Samples.Scenes();
        var before = scenes.Select(scene => scene.Labels!.Pixels()).ToList();
        using var engine = Engine(model.Transformer);

        foreach (var scene in scenes)
            engine.Predict(scene).Synthesized!.Dispose();
        Samples.ReadPhotos(model.Transformer.Transform(model.MLContext.Data.LoadFromEnumerable(scenes)));

        Assert.Equal(before, scenes.Select(scene => scene.Labels!.Pixels()));
    }

    [Fact]
    public void A_list_of_an_enumerable_has_every_photo()
    {
        var photos = model.Transformer.Transform(model.Scenes());

        var list = model.MLContext.Data.CreateEnumerable<Synthesis>(photos, reuseRowObject: false).ToList();

        Assert.Equal(Samples.ReadPhotos(photos), list.Select(row => row.Synthesized!.Pixels()));
    }

    [Fact]
    public void A_row_class_need_not_know_the_size_of_the_photos()
    {
        var options = Samples.TinyOptions();
        (options.Height, options.Width) = (18, 22);
        using var transformer = Samples.Train(options);
        using var engine = model.MLContext.Model.CreatePredictionEngine<Scene, AnyPhoto>(transformer, new PredictionEngineOptions { OwnsTransformer = false });

        using var predicted = engine.Predict(Samples.Scenes(1)[0]).Synthesized!;
        using var listed = model.MLContext.Data.CreateEnumerable<AnyPhoto>(transformer.Transform(model.Scenes(1)), reuseRowObject: false).Single().Synthesized!;

        Assert.Equal((18, 22), (predicted.Height, predicted.Width));
        Assert.Equal(predicted.Pixels(), listed.Pixels());
    }

    [Fact]
    public void A_row_without_labels_has_no_photo()
    {
        var scenes = model.MLContext.Data.LoadFromEnumerable([new Scene { Number = 1 }, new Scene { Number = 2, Labels = Samples.Labels(2) }]);

        var list = model.MLContext.Data.CreateEnumerable<Synthesis>(model.Transformer.Transform(scenes), reuseRowObject: false).ToList();

        Assert.Null(list[0].Synthesized);
        Assert.NotNull(list[1].Synthesized);
    }

    [Fact]
    public void Label_images_of_any_size_and_both_pixel_orders_are_read()
    {
        using var small = Samples.Labels(3);
        using var large = Data.Images.Gray(2 * Samples.Width, 2 * Samples.Height,
            [.. Enumerable.Range(0, 4 * Samples.Width * Samples.Height).Select(i => Samples.Id(3, i % (2 * Samples.Width) / 2))]);
        var colors = Enumerable.Range(0, Samples.Width * Samples.Height).Select(i => LabelPalette.CamVid.ColorOf(Samples.Id(3, i % Samples.Width))).ToArray();
        using var bgra = Data.Images.Colored(Samples.Width, Samples.Height, colors);
        using var rgba = Data.Images.Colored(Samples.Width, Samples.Height, colors, MLPixelFormat.Rgba32);

        using var expected = model.Transformer.Synthesize(small);

        foreach (var labels in new[] { large, bgra, rgba })
        {
            using var photo = model.Transformer.Synthesize(labels);
            Assert.Equal(expected.Pixels(), photo.Pixels());
        }
    }

    [Fact]
    public void An_unknown_label_names_row_column_file_and_value()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["odd.png"], 32, 24, PngWriter.Gray, [.. Enumerable.Repeat((byte)77, 32 * 24)]);
        var files = Samples.WriteFiles(folder, 1).Append(new Files { LabelPath = "odd.png" });
        var rows = model.MLContext.Data.LoadFromEnumerable(files);
        var scenes = model.MLContext.Transforms.LoadImages("Labels", folder.Path, "LabelPath").Fit(rows).Transform(rows);

        var error = Assert.Throws<InvalidOperationException>(() => Samples.ReadPhotos(model.Transformer.Transform(scenes)));

        Assert.Contains("row 1, column 'Labels'", error.Message);
        Assert.Contains("odd.png", error.Message);
        Assert.Contains("id 77", error.Message);
    }

    [Fact]
    public void A_label_image_that_was_disposed_is_named_by_row_and_column()
    {
        var scenes = Samples.Scenes(2);
        scenes[1].Labels!.Dispose();

        var error = Assert.Throws<InvalidOperationException>(
            () => Samples.ReadPhotos(model.Transformer.Transform(model.MLContext.Data.LoadFromEnumerable(scenes))));

        Assert.Contains("row 1, column 'Labels'", error.Message);
    }

    private PredictionEngine<Scene, Synthesis> Engine(ITransformer transformer)
        => model.MLContext.Model.CreatePredictionEngine<Scene, Synthesis>(transformer, new PredictionEngineOptions { OwnsTransformer = false });

    private sealed class AnyPhoto
    {
        [Microsoft.ML.Transforms.Image.ImageType(1, 1)]
        public MLImage? Synthesized { get; set; }
    }

    private sealed class Photo
    {
        [Microsoft.ML.Transforms.Image.ImageType(Samples.Height, Samples.Width)]
        public MLImage? Synthesized { get; set; }
    }
}
