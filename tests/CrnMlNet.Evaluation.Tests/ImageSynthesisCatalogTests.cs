using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Evaluation.Tests;

public sealed class ImageSynthesisCatalogTests
{
    private readonly MLContext _context = new(seed: 1);

    [Fact]
    public void EvaluateTakesWhatAModelAddsToItsRows()
    {
        var training = Shapes.View(_context, 4, seed: 1);
        using var model = _context.Transforms.SynthesizeFromLabels(new SynthesizeFromLabelsEstimator.Options
        {
            Palette = Shapes.Palette,
            Height = Shapes.Side,
            Width = Shapes.Side,
            Epochs = 1,
            WidthFactor = 1.0 / 64,
            ImagesPerLayout = 2,
            Seed = 1,
        }).Fit(training);
        var test = Shapes.View(_context, 3, seed: 2);

        var evaluation = _context.ImageSynthesis().Evaluate(model.Transform(test), columns: Shapes.Columns);

        // The same without a data view.
        var drawn = Shapes.Draw(3, seed: 2);
        var real = RealPairs.For(model, drawn.Select(pair => (LabelMap.FromImage(Shapes.LabelImage(pair.Layout)), Shapes.ToImage(pair.Photo))));
        var expected = SynthesisEvaluation.Of(model, real);
        Assert.Equal((3, Shapes.Side, Shapes.Side), (evaluation.Pairs, evaluation.Height, evaluation.Width));
        Assert.Equal(expected.Synthesized.Psnr, evaluation.Synthesized.Psnr, 1e-9);
        Assert.Equal(expected.Synthesized.SlicedWasserstein, evaluation.Synthesized.SlicedWasserstein, 1e-9);
        Assert.Equal(expected.FlatPainting!.Psnr, evaluation.FlatPainting!.Psnr, 1e-9);
        Assert.Equal(expected.Best!.Psnr, evaluation.Best!.Psnr);
        Assert.Equal(["left", "right", "square"], evaluation.Classes);
    }

    [Fact]
    public void VectorsAreRoundedAndClipped()
    {
        var drawn = Shapes.Draw(1, seed: 3)[0];
        float[] values = [.. drawn.Photo.Planes.ToArray().Select(value => value + 0.4f)];
        values[0] = -7;
        values[1] = 300;
        byte[] expected = drawn.Photo.Planes.ToArray();
        (expected[0], expected[1]) = (0, 255);

        var evaluation = _context.ImageSynthesis().Evaluate(View(new Row { Labels = Shapes.LabelImage(drawn.Layout), Photo = Shapes.ToImage(drawn.Photo), Synthesized = values }), columns: Shapes.Columns);

        Assert.Equal(Psnr.Between(new RgbImage(Shapes.Side, Shapes.Side, expected), drawn.Photo), evaluation.Synthesized.Psnr, 1e-9);
    }

    [Fact]
    public void ColumnsThatAreMissingOrOfAnotherTypeAreNamed()
    {
        var view = Shapes.View(_context, 1, seed: 4);

        Assert.Contains("no column 'Synthesized'; it has 'Labels', 'Photo'", Assert.Throws<ArgumentOutOfRangeException>(() => _context.ImageSynthesis().Evaluate(view, columns: Shapes.Columns)).Message);
        // Images from memory have no size of their own.
        Assert.Contains("'Photo'", Assert.Throws<ArgumentOutOfRangeException>(() => _context.ImageSynthesis().Evaluate(view, "Photo", Shapes.Columns)).Message);
        float[] nothing = new float[3 * Shapes.Side * Shapes.Side];
        Array.Fill(nothing, float.NaN);
        var drawn = Shapes.Draw(1, seed: 3)[0];
        Assert.Contains("row 0, column 'Synthesized' has no photo", Assert.Throws<InvalidOperationException>(() => _context.ImageSynthesis().Evaluate(
            View(new Row { Labels = Shapes.LabelImage(drawn.Layout), Photo = Shapes.ToImage(drawn.Photo), Synthesized = nothing }), columns: Shapes.Columns)).Message);
    }

    private IDataView View(Row row)
    {
        DataViewTypeManager.Register(new ImageDataViewType(), typeof(MLImage));
        var schema = SchemaDefinition.Create(typeof(Row));
        schema["Synthesized"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 3, Shapes.Side, Shapes.Side);
        return _context.Data.LoadFromEnumerable([row], schema);
    }

    private sealed class Row
    {
        public required MLImage Labels { get; init; }

        public required MLImage Photo { get; init; }

        [VectorType(3, Shapes.Side, Shapes.Side)]
        public required float[] Synthesized { get; init; }
    }
}
