using CrnMlNet.Persistence;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Tests.Rows;

public class SchemaTests(TrainedModel model)
{
    private static readonly MLContext MLContext = new(seed: 1);

    [Fact]
    public void The_estimator_the_transformer_and_the_data_agree_on_the_photo_column()
    {
        var pairs = MLContext.Data.LoadFromEnumerable(Samples.Pairs(1));
        var estimator = MLContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions());

        var promised = estimator.GetOutputSchema(MLNetInternals.CreateShape(pairs.Schema));
        var schema = model.Transformer.GetOutputSchema(pairs.Schema);
        var delivered = model.Transformer.Transform(pairs).Schema;

        Assert.True(MLNetInternals.TryFindColumn(promised, "Synthesized", out var column));
        Assert.Equal((SchemaShape.Column.VectorKind.Scalar, false), (column.Kind, column.IsKey));
        Assert.Equal(new ImageDataViewType(24, 32), column.ItemType);
        Assert.Empty(column.Annotations);
        Assert.Equal(["Labels", "Photo", "Synthesized"], promised.Select(c => c.Name).Order());
        foreach (var actual in new[] { schema, delivered, model.Load().GetOutputSchema(pairs.Schema) })
        {
            Assert.Equal(["Labels", "Photo", "Synthesized"], actual.Select(c => c.Name));
            Assert.Equal(new ImageDataViewType(24, 32), actual["Synthesized"].Type);
            Assert.Empty(actual["Synthesized"].Annotations.Schema);
        }
    }

    [Fact]
    public void The_photo_column_that_fitting_lacks_is_named()
    {
        var scenes = MLContext.Data.LoadFromEnumerable(Samples.Scenes(2));
        var estimator = MLContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions());

        AssertNames("Photo", () => estimator.Fit(scenes));
        AssertNames("Photo", () => estimator.GetOutputSchema(MLNetInternals.CreateShape(scenes.Schema)));
    }

    [Fact]
    public void A_missing_label_column_is_named_by_all_who_need_it()
    {
        var nothing = MLContext.Data.LoadFromEnumerable([new Files()]);

        AssertRefused("Could not find label column 'Labels'", nothing);
    }

    [Fact]
    public void A_label_column_of_another_type_is_named_with_both_types()
    {
        var numbers = MLContext.Data.LoadFromEnumerable([new Numbers()]);

        AssertRefused("Schema mismatch for label column 'Labels': expected image, text (paths of label files), or vector of Byte, UInt16, Int32, Key or Single of known size, got Single", numbers);
    }

    [Fact]
    public void The_output_may_hide_the_column_it_is_made_of()
    {
        var options = Samples.TinyOptions();
        options.OutputColumnName = options.InputColumnName;
        using var transformer = Samples.Train(options);
        var scenes = MLContext.Data.LoadFromEnumerable(Samples.Scenes(2));

        var photos = transformer.Transform(scenes);

        Assert.Equal(["Number", "Labels", "Labels"], photos.Schema.Select(c => c.Name));
        Assert.Equal([false, true, false], photos.Schema.Select(c => c.IsHidden));
        var painted = Samples.ReadPhotos(photos, "Labels");
        using var labels = Samples.Labels(1);
        using var expected = transformer.Synthesize(labels);
        Assert.Equal(expected.Pixels(), painted[1]);
        using var hidden = photos.GetRowCursor([photos.Schema[1]]);
        var getter = hidden.GetGetter<MLImage>(photos.Schema[1]);
        Assert.True(hidden.MoveNext());
        MLImage original = null!;
        getter(ref original);
        using var first = Samples.Labels(0);
        Assert.Equal(first.Pixels(), original.Pixels());
    }

    [Fact]
    public void Without_an_input_column_the_output_column_is_read()
    {
        var estimator = MLContext.Transforms.SynthesizeFromLabels("Labels", height: 24, width: 32);

        var shape = estimator.GetOutputSchema(MLNetInternals.CreateShape(MLContext.Data.LoadFromEnumerable(Samples.Pairs(1)).Schema));

        Assert.Equal(["Labels", "Photo"], shape.Select(c => c.Name).Order());
    }

    [Fact]
    public void A_disposed_transformer_says_so_and_may_be_disposed_again()
    {
        var scenes = MLContext.Data.LoadFromEnumerable(Samples.Scenes(1));
        var transformer = (SynthesizeFromLabelsTransformer)model.Load();
        var view = transformer.Transform(scenes);
        using var labels = Samples.Labels(0);

        transformer.Dispose();
        transformer.Dispose();

        Assert.Throws<ObjectDisposedException>(() => transformer.Transform(scenes));
        Assert.Throws<ObjectDisposedException>(() => transformer.Synthesize(labels));
        Assert.Throws<ObjectDisposedException>(() => Samples.ReadPhotos(view));
        Assert.Throws<ObjectDisposedException>(() => MLContext.Model.Save(transformer, scenes.Schema, new MemoryStream()));
        Assert.Equal("Synthesized", transformer.OutputColumnName);
    }

    [Fact]
    public void A_chain_disposes_its_transformer()
    {
        var transformer = (SynthesizeFromLabelsTransformer)model.Load();
        var chain = new TransformerChain<SynthesizeFromLabelsTransformer>(transformer);

        chain.Dispose();

        Assert.Throws<ObjectDisposedException>(() => transformer.Transform(MLContext.Data.LoadFromEnumerable(Samples.Scenes(1))));
    }

    private void AssertRefused(string message, IDataView data)
    {
        var estimator = MLContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions());
        foreach (var use in (Action[])[
            () => estimator.Fit(data),
            () => estimator.GetOutputSchema(MLNetInternals.CreateShape(data.Schema)),
            () => model.Transformer.Transform(data)])
        {
            AssertNames(message, use);
        }
    }

    private static void AssertNames(string expected, Action use)
        => Assert.Contains(expected, Assert.Throws<ArgumentOutOfRangeException>(use).Message);

    private sealed class Numbers
    {
        public float Labels { get; set; }

        public float Photo { get; set; }
    }
}
