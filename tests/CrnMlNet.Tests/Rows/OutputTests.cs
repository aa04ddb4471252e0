using CrnMlNet.Data;
using CrnMlNet.Persistence;
using CrnMlNet.Tests.Conformance;
using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Torch.Networks;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace CrnMlNet.Tests.Rows;

/// <summary>Photos as vectors, and the several photos of a network that makes more than one for a layout.</summary>
public sealed class OutputTests(TrainedModel model, VectorModel vectors) : IClassFixture<VectorModel>
{
    private const int Pixels = Samples.Height * Samples.Width;

    private static readonly MLContext MLContext = new(seed: 1);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_vector_has_the_images_colours_before_they_are_rounded(int scoringBatchSize)
    {
        vectors.Transformer.ScoringBatchSize = scoringBatchSize;
        var images = Samples.ReadPhotos(model.Transformer.Transform(model.Scenes()));

        var values = vectors.Transformer.Transform(model.Scenes()).GetColumn<float[]>("Synthesized").ToList();

        Assert.Equal(images.Count, values.Count);
        Assert.Contains(values[0], value => value != MathF.Round(value));
        foreach (var (image, vector) in images.Zip(values))
        {
            Assert.All(vector, value => Assert.InRange(value, 0, 255));
            // Red, green and blue planes here; blue, green, red, alpha there.
            Assert.Equal(
                image.Where((_, i) => i % 4 != 3),
                Enumerable.Range(0, Pixels).SelectMany(i => new[] { vector[2 * Pixels + i], vector[Pixels + i], vector[i] }).Select(value => (byte)MathF.Round(value)));
        }
    }

    [Fact]
    public void A_prediction_engine_gives_vectors()
    {
        using var engine = MLContext.Model.CreatePredictionEngine<Scene, Vector>(vectors.Transformer, new PredictionEngineOptions { OwnsTransformer = false });
        var expected = vectors.Transformer.Transform(model.Scenes()).GetColumn<float[]>("Synthesized").ToList();

        Assert.Equal(expected, Samples.Scenes().Select(scene => engine.Predict(scene).Synthesized!.ToArray()));
    }

    [Fact]
    public void A_row_without_labels_is_not_a_number()
    {
        var rows = MLContext.Data.LoadFromEnumerable([new Scene(), new Scene { Labels = Samples.Labels(0) }]);

        var values = vectors.Transformer.Transform(rows).GetColumn<float[]>("Synthesized").ToList();

        Assert.Equal(3 * Pixels, values[0].Length);
        Assert.All(values[0], value => Assert.Equal(float.NaN, value));
        Assert.DoesNotContain(float.NaN, values[1]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Each_of_several_images_has_a_column(int scoringBatchSize)
    {
        using var transformer = WithImages(3, OutputKind.Image, image: null);
        transformer.ScoringBatchSize = scoringBatchSize;
        Assert.Equal(["Synthesized", "Synthesized.1", "Synthesized.2"], transformer.OutputColumnNames);

        var photos = transformer.Transform(model.Scenes(5));

        Assert.Equal(["Number", "Labels", "Synthesized", "Synthesized.1", "Synthesized.2"], photos.Schema.Select(column => column.Name));
        for (var image = 0; image < 3; image++)
            Assert.Equal(Enumerable.Range(0, 5).Select(number => PaintedByTheNetwork(transformer, number, image)), Samples.ReadPhotos(photos, transformer.OutputColumnNames[image]));
        var rows = RowValues.Read(photos);
        var scenes = model.Scenes(5);
        Assert.Equal(rows, RowValues.ReadByMapper(transformer.GetRowToRowMapper(scenes.Schema), scenes));
        Assert.All(photos.Schema.Skip(2), column => Assert.Equal(rows.Select(row => row.Only([column])), RowValues.Read(photos, [column])));
        var all = transformer.SynthesizeAll(LabelMap.FromImage(Samples.Labels(2)));
        Assert.Equal(Enumerable.Range(0, 3).Select(image => PaintedByTheNetwork(transformer, 2, image)), all.Select(photo => photo.Pixels()));
        var channels = transformer.ReadLabels(LabelMap.FromImage(Samples.Labels(2)));
        Assert.Equal(all.Select(photo => photo.Pixels()), transformer.SynthesizeAll(channels).Select(photo => photo.Pixels()));
    }

    [Fact]
    public void A_layout_of_channels_must_be_the_networks()
    {
        using var transformer = WithImages(1, OutputKind.Image, image: null);
        var (width, channels) = (transformer.Architecture.Width, transformer.Palette.ChannelCount);
        var layout = new byte[transformer.Architecture.Height * width];
        layout[width + 2] = (byte)channels;

        Assert.Contains($"Row 1, column 2 has channel {channels}", Assert.Throws<ArgumentException>(() => transformer.SynthesizeAll(layout)).Message);
        Assert.Contains($"got {layout.Length - 1}", Assert.Throws<ArgumentException>(() => transformer.SynthesizeAll(layout.AsSpan(1))).Message);
    }

    [Theory]
    [InlineData(OutputKind.Image)]
    [InlineData(OutputKind.Vector)]
    public void Or_one_of_them_is_chosen_and_a_saved_model_knows_which(OutputKind kind)
    {
        using var transformer = WithImages(3, kind, image: 2);
        using var stream = new MemoryStream();
        MLContext.Model.Save(transformer, null, stream);
        stream.Position = 0;
        using var loaded = (SynthesizeFromLabelsTransformer)MLContext.Model.Load(stream, out _);

        Assert.Equal((kind, "Synthesized"), (loaded.OutputKind, Assert.Single(loaded.OutputColumnNames)));
        using var labels = Samples.Labels(1);
        using var photo = loaded.Synthesize(labels);
        Assert.Equal(PaintedByTheNetwork(transformer, 1, image: 2), photo.Pixels());
        Assert.Equal(RowValues.Read(transformer.Transform(model.Scenes())), RowValues.Read(loaded.Transform(model.Scenes())));
    }

    [Fact]
    public void Several_vectors_are_painted_once_a_row()
    {
        using var transformer = WithImages(2, OutputKind.Vector, image: null);
        var source = new WatchedView(model.Scenes(3));

        var photos = transformer.Transform(source);
        var rows = RowValues.Read(photos, [photos.Schema["Synthesized"], photos.Schema["Synthesized.1"]]);

        Assert.Equal(3, source.Reads["Labels"]);
        Assert.All(rows, row => Assert.NotEqual(row.Values[0], row.Values[1]));
    }

    [Fact]
    public void An_image_that_the_network_has_not_is_refused()
    {
        var options = Samples.TinyOptions();
        options.OutputImage = 1;
        Assert.Contains("OutputImage must be from 0 to 0", Assert.Throws<ArgumentOutOfRangeException>(() => MLContext.Transforms.SynthesizeFromLabels(options)).Message);
        options.OutputImage = null;
        options.OutputKind = (OutputKind)7;
        Assert.Contains("OutputKind must be one of Image, Vector", Assert.Throws<ArgumentOutOfRangeException>(() => MLContext.Transforms.SynthesizeFromLabels(options)).Message);

        using var transformer = WithImages(3, OutputKind.Image, image: 2);
        var json = Description(transformer);
        Assert.Throws<FormatException>(() => SynthesisModel.FromJson(json.Replace("\"outputImage\": 2", "\"outputImage\": 3")));
        Assert.Throws<FormatException>(() => SynthesisModel.FromJson(json.Replace("\"outputKind\": \"Image\"", "\"outputKind\": \"Sound\"")));
        Assert.Equal(2, SynthesisModel.FromJson(json).OutputImage);
    }

    private static SynthesizeFromLabelsTransformer WithImages(int images, OutputKind kind, int? image)
    {
        var architecture = new CrnArchitecture { Channels = 12, Height = Samples.Height, Width = Samples.Width, WidthFactor = 1.0 / 64, ImagesPerLayout = images };
        var network = new CascadedRefinementNetwork(architecture, seed: 5);
        var decoder = new LabelDecoder(LabelPalette.CamVid, LabelEncoding.Index, UnknownLabelPolicy.Error);
        return new SynthesizeFromLabelsTransformer(
            (IHostEnvironment)MLContext, new SynthesisModel("Labels", "Synthesized", decoder, architecture, TrainingRecordOf(images)) { OutputKind = kind, OutputImage = image }, network);
    }

    private static TrainingRecord TrainingRecordOf(int pairs) => new()
    {
        Pairs = pairs,
        Steps = 0,
        BatchSize = 1,
        LearningRate = 1e-3,
        Mirror = false,
        Seed = 5,
        Stopped = false,
        Seconds = 0,
        Perception = "none",
        LayerWeights = new Dictionary<string, double>(),
        LossByEpoch = [],
    };

    /// <summary>The planar head by hand: image u is made of the channels u, u + k and u + 2k.</summary>
    private static byte[] PaintedByTheNetwork(SynthesizeFromLabelsTransformer transformer, int number, int image) => transformer.WithNetwork(network =>
    {
        using var inference = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        float[] values = [.. network.call(torch.tensor(LabelKinds.Shares(number, 12), [1, 12, Samples.Height, Samples.Width])).flatten().data<float>()];
        byte Value(int plane, int i) => (byte)Math.Clamp(Math.Round(values[(3 * image + plane) * Pixels + i]), 0, 255);
        return Enumerable.Range(0, Pixels).SelectMany(i => new[] { Value(2, i), Value(1, i), Value(0, i), (byte)255 }).ToArray();
    });

    private static string Description(SynthesizeFromLabelsTransformer transformer)
    {
        using var stream = new MemoryStream();
        MLContext.Model.Save(transformer, null, stream);
        using var zip = new System.IO.Compression.ZipArchive(stream);
        using var reader = new StreamReader(zip.Entries.Single(entry => entry.Name == Persistence.ModelFile.Description).Open());
        return reader.ReadToEnd();
    }

    private sealed class Vector
    {
        [VectorType(3, Samples.Height, Samples.Width)]
        public float[]? Synthesized { get; set; }
    }
}
