using CrnMlNet.Persistence;
using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Rows;

/// <summary>Labels that cannot be read, in columns of every kind: whoever meets them names row, column, file, pixel and value.</summary>
public sealed class BadLabelTests(TrainedModel model) : IDisposable
{
    private const int Pixels = Samples.Height * Samples.Width;

    private readonly MLContext _mlContext = new(seed: 1);
    private readonly LabelKinds _kinds = new();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _kinds.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void An_id_that_the_palette_lacks()
    {
        AssertRefused<LabelKinds.BytePair>(row => row.Labels = With(LabelKinds.Ids(0), (byte)77), "pixel (3, 1) has id 77", "known ids: 0-11", "1 of 768 pixels");
        AssertRefused<LabelKinds.UshortPair>(row => row.Labels = With(LabelKinds.Ids(0).Select(id => (ushort)id), (ushort)60_000), "pixel (3, 1) has id 60000");
        AssertRefused<LabelKinds.IntPair>(row => row.Labels = With(LabelKinds.Ids(0).Select(id => (int)id), -5), "pixel (3, 1) has id -5");
        AssertRefused<LabelKinds.IntPair>(row => row.Labels = With(LabelKinds.Ids(0).Select(id => (int)id), int.MaxValue), "pixel (3, 1) has id 2147483647");
    }

    [Fact]
    public void A_key_that_is_no_class()
        => AssertRefused<ManyKeys>(row => row.Labels = With(LabelKinds.Ids(0).Select(id => id + 1u), 12u), "pixel (3, 1) has key 12", "palette 'camvid' (11 classes)");

    [Fact]
    public void Shares_that_are_none()
    {
        AssertRefused<LabelKinds.SoftPair>(row => row.Labels = With(LabelKinds.Shares(0, 12), 0.9f), "pixel (3, 1) has shares that sum to 1.9");
        AssertRefused<LabelKinds.SoftPair>(row => row.Labels = new float[12 * Pixels], "pixel (0, 0) has shares that sum to 0");
        AssertRefused<LabelKinds.SoftPair>(row => row.Labels = With(LabelKinds.Shares(0, 12), float.NaN), "pixel (3, 1) has the share NaN of 'sky' (channel 0)");
        AssertRefused<LabelKinds.SoftClassesPair>(row => row.Labels = With(LabelKinds.Shares(0, 11), -2f), "pixel (3, 1) has the share -2 of 'sky' (channel 0)");
    }

    [Fact]
    public void Shares_may_be_off_by_what_half_precision_is()
    {
        float[] rounded = [.. LabelKinds.Shares(0, 12).Select(share => share * 0.999f)];
        using var fitted = Fit(_mlContext.Data.LoadFromEnumerable([new LabelKinds.SoftPair { Labels = rounded, Photo = Samples.Photo(0) }]));
        Assert.Equal(1, fitted.Training.Pairs);
    }

    [Fact]
    public void A_vector_of_another_length_than_the_columns_type()
    {
        AssertRefused<LabelKinds.BytePair>(row => row.Labels = new byte[100], "has 100 values, but the column's type is Vector<Byte, 24, 32>, 768 values");
        AssertRefused<LabelKinds.SoftPair>(row => row.Labels = new float[12 * Pixels + 1], "has 9217 values");
    }

    [Fact]
    public void A_row_without_labels_to_learn_from()
    {
        foreach (var rows in new[]
        {
            _mlContext.Data.LoadFromEnumerable([new LabelKinds.BytePair { Labels = LabelKinds.Ids(0), Photo = Samples.Photo(0) }, new() { Photo = Samples.Photo(1) }]),
            _mlContext.Data.LoadFromEnumerable([new LabelKinds.FilePair { Labels = _kinds.Gray16(0), Photo = Samples.Photo(0) }, new() { Labels = " ", Photo = Samples.Photo(1) }]),
        })
        {
            Assert.Contains("row 1, column 'Labels' has no labels", Assert.Throws<InvalidOperationException>(() => Fit(rows)).Message);
        }
    }

    [Fact]
    public void A_file_that_cannot_be_read()
    {
        var path = _folder["bad.png"];
        AssertFileRefused("does not exist");
        File.WriteAllText(path, "not an image");
        AssertFileRefused("not a picture");
        PngWriter.WriteNumbers(path, Samples.Width, Samples.Height, 16, [.. Enumerable.Repeat((ushort)400, Pixels)]);
        AssertFileRefused($"(file '{path}')", "pixel (0, 0) has id 400");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..100]);
        AssertFileRefused("truncated");
        PngWriter.Write(path, 1, 1, PngWriter.Rgb, new byte[6], depth: 16);
        AssertFileRefused("16 bits per component");

        void AssertFileRefused(params string[] expected) => AssertRefused<LabelKinds.FilePair>(row => row.Labels = path, [path, .. expected]);
    }

    [Fact]
    public void Labels_and_a_photo_of_different_shape()
    {
        foreach (var rows in new[]
        {
            _mlContext.Data.LoadFromEnumerable([new LabelKinds.BytePair { Labels = LabelKinds.Ids(0), Photo = Samples.Photo(0, width: 24, height: 24) }]),
            _mlContext.Data.LoadFromEnumerable([new LabelKinds.FilePair { Labels = _kinds.Gray16(0), Photo = Samples.Photo(0, width: 24, height: 24) }]),
        })
        {
            var error = Assert.Throws<InvalidOperationException>(() => Fit(rows));
            Assert.Contains("row 0, column 'Photo' is 24x24, but its label map", error.Message);
            Assert.Contains("is 32x24", error.Message);
        }
    }

    [Fact]
    public void A_column_that_labels_cannot_stand_in()
    {
        AssertSchemaRefused(new FlatBytes(), "expected vector of 24 x 32 = 768 numbers, or of two dimensions [height, width], got Vector<Byte, 700>");
        AssertSchemaRefused(new DeepBytes(), "two dimensions [height, width], got Vector<Byte, 2, 24, 32>");
        AssertSchemaRefused(new FlatShares(), "expected vector of Single [12, height, width] (the shares of 11 classes and of void) or [11, height, width] (without void), got Vector<Single, 24, 32>");
        AssertSchemaRefused(new AnyBytes(), "expected image, text (paths of label files), or vector of Byte, UInt16, Int32, Key or Single of known size, got Vector<Byte>");
        AssertSchemaRefused(new Doubles(), "of known size, got Vector<Double, 24, 32>");
        AssertSchemaRefused(new Number(), "of known size, got Int32");
    }

    [Fact]
    public void Keys_whose_values_are_neither_names_nor_ids()
    {
        var rows = _mlContext.Data.LoadFromEnumerable([new Floats { Values = [.. Enumerable.Range(0, Pixels).Select(i => i % 2 + 0.5f)] }]);
        var keys = _mlContext.Transforms.Conversion.MapValueToKey("Labels", "Values").Fit(rows).Transform(rows);

        Assert.Contains("KeyValues of Vector<Single, 2>", Assert.Throws<ArgumentOutOfRangeException>(() => model.Transformer.Transform(keys)).Message);
    }

    [Fact]
    public void Keys_with_a_name_that_is_no_class_are_refused_where_they_occur()
    {
        var rows = _mlContext.Data.LoadFromEnumerable([new Texts { Names = [.. Enumerable.Range(0, Pixels).Select(i => i == 40 ? "meadow" : "road")] }]);
        var keys = _mlContext.Transforms.Conversion.MapValueToKey("Labels", "Names").Fit(rows).Transform(rows);

        var error = Assert.Throws<InvalidOperationException>(() => Samples.ReadPhotos(model.Transformer.Transform(keys)));
        Assert.Contains("row 0, column 'Labels': pixel (8, 1) has key 2", error.Message);
    }

    /// <summary>The second of three rows is bad: for who learns from it, and for who scores it, alone or in a batch.</summary>
    private void AssertRefused<TPair>(Action<TPair> spoil, params string[] expected) where TPair : LabelKinds.NumberedScene, new()
    {
        TPair[] pairs = [New(0), New(1), New(2)];
        spoil(pairs[1]);
        var rows = ShufflableRows.From(_mlContext, pairs);

        string[] parts = ["row 1, column 'Labels'", .. expected];
        AssertSays(Assert.Throws<InvalidOperationException>(() => Fit(rows)));
        using var loaded = (SynthesizeFromLabelsTransformer)model.Load();
        foreach (var size in new[] { 1, 4 })
        {
            loaded.ScoringBatchSize = size;
            AssertSays(Assert.Throws<InvalidOperationException>(() => Samples.ReadPhotos(loaded.Transform(rows))));
        }

        void AssertSays(Exception error) => Assert.All(parts, part => Assert.Contains(part, error.Message));

        TPair New(int number)
        {
            object row = new TPair();
            switch (row)
            {
                case LabelKinds.BytePair r: (r.Labels, r.Photo) = (LabelKinds.Ids(number), Samples.Photo(number)); break;
                case LabelKinds.UshortPair r: (r.Labels, r.Photo) = ([.. LabelKinds.Ids(number).Select(id => (ushort)id)], Samples.Photo(number)); break;
                case LabelKinds.IntPair r: (r.Labels, r.Photo) = ([.. LabelKinds.Ids(number).Select(id => (int)id)], Samples.Photo(number)); break;
                case ManyKeys r: (r.Labels, r.Photo) = ([.. LabelKinds.Ids(number).Select(id => id + 1u)], Samples.Photo(number)); break;
                case LabelKinds.SoftPair r: (r.Labels, r.Photo) = (LabelKinds.Shares(number, 12), Samples.Photo(number)); break;
                case LabelKinds.SoftClassesPair r: (r.Labels, r.Photo) = (LabelKinds.Shares(number, 11), Samples.Photo(number)); break;
                case LabelKinds.FilePair r: (r.Labels, r.Photo) = (_kinds.Gray16(number), Samples.Photo(number)); break;
            }

            return (TPair)row;
        }
    }

    private void AssertSchemaRefused<TRow>(TRow row, string expected) where TRow : class
    {
        var rows = _mlContext.Data.LoadFromEnumerable([row]);
        Assert.Contains("Schema mismatch for label column 'Labels': ", Refusal(() => model.Transformer.Transform(rows)));
        Assert.Contains(expected, Refusal(() => model.Transformer.Transform(rows)));
        Assert.Contains(expected, Refusal(() => Fit(rows)));
        // A shape knows no sizes.
        if (expected.Contains("of known size"))
            Assert.Contains("of known size, got ", Refusal(() => _mlContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions()).GetOutputSchema(MLNetInternals.CreateShape(rows.Schema))));

        static string Refusal(Action use) => Assert.Throws<ArgumentOutOfRangeException>(use).Message;
    }

    private SynthesizeFromLabelsTransformer Fit(IDataView rows) => _mlContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions()).Fit(rows);

    private static T[] With<T>(IEnumerable<T> values, T bad)
    {
        T[] changed = [.. values];
        changed[Samples.Width + 3] = bad;
        return changed;
    }

    private sealed class ManyKeys : LabelKinds.NumberedScene
    {
        [VectorType(Samples.Height, Samples.Width)]
        [KeyType(40)]
        public uint[]? Labels { get; set; }

        [Microsoft.ML.Transforms.Image.ImageType(Samples.Height, Samples.Width)]
        public MLImage? Photo { get; set; }
    }

    private sealed class FlatBytes
    {
        [VectorType(700)]
        public byte[]? Labels { get; set; }
    }

    private sealed class DeepBytes
    {
        [VectorType(2, Samples.Height, Samples.Width)]
        public byte[]? Labels { get; set; }
    }

    private sealed class FlatShares
    {
        [VectorType(Samples.Height, Samples.Width)]
        public float[]? Labels { get; set; }
    }

    private sealed class AnyBytes
    {
        public byte[]? Labels { get; set; }
    }

    private sealed class Doubles
    {
        [VectorType(Samples.Height, Samples.Width)]
        public double[]? Labels { get; set; }
    }

    private sealed class Number
    {
        public int Labels { get; set; }
    }

    private sealed class Floats
    {
        [VectorType(Pixels)]
        public float[] Values { get; set; } = [];
    }

    private sealed class Texts
    {
        [VectorType(Pixels)]
        public string[] Names { get; set; } = [];
    }
}
