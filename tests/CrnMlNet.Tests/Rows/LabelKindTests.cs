using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using TorchSharp;

namespace CrnMlNet.Tests.Rows;

/// <summary>Whatever kind of column labels stand in, the same labels give the same photo and the same model.</summary>
public sealed class LabelKindTests(TrainedModel model) : IDisposable
{
    private const int Pixels = Samples.Height * Samples.Width;

    private readonly MLContext _mlContext = new(seed: 1);
    private readonly LabelKinds _kinds = new();

    public static TheoryData<LabelKind> Kinds => [.. Enum.GetValues<LabelKind>().Where(kind => kind != LabelKind.Image)];

    public void Dispose() => _kinds.Dispose();

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Labels_of_every_kind_are_painted_as_images_are(LabelKind kind)
        => Assert.Equal(Samples.ReadPhotos(model.Transformer.Transform(model.Scenes(5))), Photos(_kinds.Scenes(_mlContext, kind, count: 5)));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Labels_of_every_kind_are_learned_from_as_images_are(LabelKind kind)
    {
        using var learned = _mlContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions()).Fit(_kinds.Pairs(_mlContext, kind));

        // The model of the images, which has learned from the same pairs with the same seed.
        Assert.Equal(Samples.ReadPhotos(model.Transformer.Transform(model.Scenes(3))), Samples.ReadPhotos(learned.Transform(_kinds.Scenes(_mlContext, kind, count: 3))));
        Assert.Equal(model.Transformer.Training.LossByEpoch, learned.Training.LossByEpoch);
    }

    [Fact]
    public void A_prediction_engine_takes_rows_of_every_kind()
    {
        Check(Enumerable.Range(0, 3).Select(i => new LabelKinds.ByteScene { Labels = LabelKinds.Ids(i) }));
        Check(Enumerable.Range(0, 3).Select(i => new LabelKinds.UshortScene { Labels = [.. LabelKinds.Ids(i).Select(id => (ushort)id)] }));
        Check(Enumerable.Range(0, 3).Select(i => new LabelKinds.KeyScene { Labels = [.. LabelKinds.Ids(i).Select(id => id + 1u)] }));
        Check(Enumerable.Range(0, 3).Select(i => new LabelKinds.SoftScene { Labels = LabelKinds.Shares(i, 12) }));
        Check(Enumerable.Range(0, 3).Select(i => new LabelKinds.FileScene { Labels = i % 2 == 0 ? _kinds.Gray16(i) : _kinds.Indexed(i) }));

        void Check<TRow>(IEnumerable<TRow> rows) where TRow : class, new()
        {
            using var engine = _mlContext.Model.CreatePredictionEngine<TRow, Painted>(model.Transformer, new PredictionEngineOptions { OwnsTransformer = false });
            Assert.Equal(Samples.ReadPhotos(model.Transformer.Transform(model.Scenes(3))), rows.Select(row => engine.Predict(row).Synthesized!.Pixels()));
        }
    }

    [Fact]
    public void A_vector_of_another_size_is_read_as_an_image_of_that_size_is()
    {
        var ids = Enumerable.Range(0, 12 * 16).Select(i => (byte)(i % 16 / 2)).ToArray();
        using var image = Images.Gray(16, 12, ids);

        var photos = Photos(_mlContext.Data.LoadFromEnumerable([new SmallBytes { Labels = ids }]));
        var soft = Photos(_mlContext.Data.LoadFromEnumerable([new SmallShares { Labels = [.. Enumerable.Range(0, 11 * 12 * 16).Select(i => ids[i % 192] == i / 192 ? 1f : 0f)] }]));

        using var expected = model.Transformer.Synthesize(image);
        Assert.Equal(expected.Pixels(), Assert.Single(photos));
        Assert.Equal(expected.Pixels(), Assert.Single(soft));
    }

    [Fact]
    public void Sparse_vectors_have_zeros_where_they_say_nothing()
    {
        var sparse = new VBuffer<byte>(Pixels, 2, [3, 8], [5, 700]);
        var rows = _mlContext.Data.LoadFromEnumerable([new SparseBytes { Labels = sparse }]);

        byte[] ids = new byte[Pixels];
        (ids[5], ids[700]) = (3, 8);
        using var image = Images.Gray(Samples.Width, Samples.Height, ids);
        using var expected = model.Transformer.Synthesize(image);
        Assert.Equal(expected.Pixels(), Assert.Single(Photos(rows)));
    }

    [Fact]
    public void A_pixel_may_be_something_of_each_class()
    {
        float[] half = [.. Enumerable.Range(0, 12 * Pixels).Select(i => i / Pixels is 3 or 11 ? 0.5f : 0)];

        Assert.Equal(PaintedByTheNetwork(half), Assert.Single(Photos(_mlContext.Data.LoadFromEnumerable([new LabelKinds.SoftScene { Labels = half }]))));
    }

    [Fact]
    public void Keys_mean_what_their_values_say()
    {
        var ids = LabelKinds.Ids(3);
        var rows = _mlContext.Data.LoadFromEnumerable([new Named { Bytes = ids, Names = [.. ids.Select(id => LabelPalette.CamVid.Classes[id].Name)] }]);
        var expected = Samples.ReadPhotos(model.Transformer.Transform(model.Scenes(4)))[3];

        // In the order of their first appearance, which is not the palette's.
        foreach (var source in new[] { "Bytes", "Names" })
        {
            var keys = _mlContext.Transforms.Conversion.MapValueToKey("Labels", source).Fit(rows).Transform(rows);
            Assert.Equal(expected, Assert.Single(Photos(keys)));
            var photos = model.Transformer.Transform(keys);
            Assert.Equal(KeyValues(keys.Schema["Labels"]), KeyValues(photos.Schema["Labels"]));
        }
    }

    [Fact]
    public void A_missing_key_is_void()
    {
        var missing = Photos(_mlContext.Data.LoadFromEnumerable([new LabelKinds.KeyScene { Labels = new uint[Pixels] }]));

        using var voids = Images.Gray(Samples.Width, Samples.Height, [.. Enumerable.Repeat((byte)11, Pixels)]);
        using var expected = model.Transformer.Synthesize(voids);
        Assert.Equal(expected.Pixels(), Assert.Single(missing));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Class_names_are_the_label_columns_KeyValues(LabelKind kind)
    {
        var scenes = _kinds.Scenes(_mlContext, kind, count: 1);
        using var loaded = (SynthesizeFromLabelsTransformer)model.Load();

        foreach (var schema in new[] { loaded.Transform(scenes).Schema, loaded.GetOutputSchema(scenes.Schema) })
            Assert.Equal(LabelPalette.CamVid.Classes.Select(label => label.Name), KeyValues(schema["Labels"]));
    }

    [Fact]
    public void Keys_can_be_mapped_to_the_class_names()
    {
        var photos = model.Transformer.Transform(_kinds.Scenes(_mlContext, LabelKind.Keys, count: 2));

        var named = _mlContext.Transforms.Conversion.MapKeyToValue("ClassNames", "Labels").Fit(photos).Transform(photos);

        var rows = named.GetColumn<ReadOnlyMemory<char>[]>("ClassNames").ToList();
        Assert.Equal(LabelKinds.Ids(1).Select(id => LabelPalette.CamVid.Classes[id].Name), rows[1].Select(name => name.ToString()));
    }

    [Fact]
    public void Vectors_and_files_pass_where_images_are_dropped()
    {
        foreach (var kind in new[] { LabelKind.Bytes, LabelKind.Soft, LabelKind.Gray16File })
        {
            var cached = _mlContext.Data.Cache(_kinds.Scenes(_mlContext, kind, count: 3));
            Assert.Equal(Samples.ReadPhotos(model.Transformer.Transform(model.Scenes(3))), Photos(cached));

            using var stream = new MemoryStream();
            _mlContext.Model.Save(model.Transformer, cached.Schema, stream);
            stream.Position = 0;
            using var loaded = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(stream, out var schema);
            Assert.Equal(cached.Schema["Labels"].Type, schema["Labels"].Type);
        }
    }

    [Fact]
    public void Relative_paths_begin_in_a_folder_that_the_model_keeps()
    {
        using var folder = new TemporaryFolder();
        using var elsewhere = new TemporaryFolder();
        File.Copy(_kinds.Gray16(2), folder["labels.png"]);
        File.Copy(_kinds.Gray16(0), elsewhere["labels.png"]);
        var options = Samples.TinyOptions();
        options.LabelFolder = folder.Path;
        var pair = new LabelKinds.FilePair { Labels = "labels.png", Photo = Samples.Photo(2) };
        using var trained = _mlContext.Transforms.SynthesizeFromLabels(options).Fit(_mlContext.Data.LoadFromEnumerable([pair]));
        using var stream = new MemoryStream();
        _mlContext.Model.Save(trained, null, stream);
        stream.Position = 0;
        using var loaded = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(stream, out _);
        var rows = _mlContext.Data.LoadFromEnumerable([new LabelKinds.FileScene { Labels = "labels.png" }]);

        Assert.Equal(folder.Path, loaded.LabelFolder);
        Assert.Equal(PaintedHere(2), Assert.Single(Samples.ReadPhotos(loaded.Transform(rows))));
        loaded.LabelFolder = elsewhere.Path;
        Assert.Equal(PaintedHere(0), Assert.Single(Samples.ReadPhotos(loaded.Transform(rows))));

        byte[] PaintedHere(int number)
        {
            using var labels = Samples.Labels(number);
            using var photo = loaded.Synthesize(labels);
            return photo.Pixels();
        }
    }

    [Fact]
    public void Palette_files_that_contradict_are_read_by_colour_all_of_them()
    {
        using var folder = new TemporaryFolder();
        // Index 1 is building by id; its colour is sky's. Only the second file uses it.
        byte[] colors = [0, 0, 0, 128, 128, 128];
        foreach (var index in new ushort[] { 0, 1 })
            PngWriter.WriteNumbers(folder[$"{index}.png"], Samples.Width, Samples.Height, 1, [.. Enumerable.Repeat(index, Pixels)], palette: colors);
        var pairs = new[] { "0.png", "1.png" }.Select((file, i) => new LabelKinds.FilePair { Labels = folder[file], Photo = Samples.Photo(i) });
        using var trained = _mlContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions()).Fit(_mlContext.Data.LoadFromEnumerable(pairs));

        Assert.Equal([11, 0], new[] { "0.png", "1.png" }.Select(file => trained.ReadLabels(LabelMap.Load(folder[file]))[0]));
    }

    private List<byte[]> Photos(IDataView rows) => Samples.ReadPhotos(model.Transformer.Transform(rows));

    /// <summary>What the model's network itself makes of a tensor.</summary>
    private byte[] PaintedByTheNetwork(float[] shares) => model.Transformer.WithNetwork(network =>
    {
        using var inference = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        float[] values = [.. network.call(torch.tensor(shares, [1, 12, Samples.Height, Samples.Width])).flatten().data<float>()];
        byte Value(int plane, int i) => (byte)Math.Clamp(Math.Round(values[plane * Pixels + i]), 0, 255);
        return Enumerable.Range(0, Pixels).SelectMany(i => new[] { Value(2, i), Value(1, i), Value(0, i), (byte)255 }).ToArray();
    });

    private static string[] KeyValues(DataViewSchema.Column column)
    {
        if (column.Annotations.Schema["KeyValues"].Type is VectorDataViewType { ItemType: TextDataViewType })
        {
            VBuffer<ReadOnlyMemory<char>> names = default;
            column.Annotations.GetValue("KeyValues", ref names);
            return [.. names.DenseValues().Select(name => name.ToString())];
        }

        VBuffer<byte> ids = default;
        column.Annotations.GetValue("KeyValues", ref ids);
        return [.. ids.DenseValues().Select(id => $"{id}")];
    }

    private sealed class Painted
    {
        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Synthesized { get; set; }
    }

    private sealed class SmallBytes
    {
        [VectorType(12, 16)]
        public byte[]? Labels { get; set; }
    }

    private sealed class SmallShares
    {
        [VectorType(11, 12, 16)]
        public float[]? Labels { get; set; }
    }

    private sealed class SparseBytes
    {
        [VectorType(Pixels)]
        public VBuffer<byte> Labels { get; set; }
    }

    private sealed class Named
    {
        [VectorType(Pixels)]
        public byte[] Bytes { get; set; } = [];

        [VectorType(Pixels)]
        public string[] Names { get; set; } = [];
    }
}
