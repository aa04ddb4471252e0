using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Tests.Rows;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Tests.Conformance;

/// <summary>The component as it is, with several photos painted at once.</summary>
public sealed class SynthesizeFromLabelsConformance(TrainedModel model) : SynthesizeFromLabelsConformanceBase(model, scoringBatchSize: 3);

/// <summary>The component that paints row by row.</summary>
public sealed class SynthesizeFromLabelsRowByRowConformance(TrainedModel model) : SynthesizeFromLabelsConformanceBase(model, scoringBatchSize: 1);

public abstract class SynthesizeFromLabelsConformanceBase : ComponentConformance, IDisposable
{
    private readonly SynthesizeFromLabelsTransformer _transformer;

    protected SynthesizeFromLabelsConformanceBase(TrainedModel model, int scoringBatchSize)
    {
        _transformer = (SynthesizeFromLabelsTransformer)model.Load();
        _transformer.ScoringBatchSize = scoringBatchSize;
        TrainingData = MLContext.Data.LoadFromEnumerable(Samples.Pairs());
        // The row in the middle has no label image, and so no photo.
        ScoringData = ShufflableRows.From(MLContext, Enumerable.Range(0, 7).Select(i => new Row
        {
            Number = 10 * i,
            Name = $"row {i}",
            Vector = [i, 0.5f, -i],
            Labels = i == 4 ? null : Samples.Labels(i),
        }).ToList());
    }

    protected override MLContext MLContext { get; } = new(seed: 1);

    protected override ITransformer Transformer => _transformer;

    protected override IDataView TrainingData { get; }

    protected override IDataView ScoringData { get; }

    protected override string[] OutputColumns => ["Synthesized"];

    protected override IEnumerable<IDataView> InvalidData =>
    [
        MLContext.Data.LoadFromEnumerable([new Files()]),
        MLContext.Data.LoadFromEnumerable([new Numbers()]),
        MLContext.Data.LoadFromEnumerable([new Vectors()]),
    ];

    public void Dispose()
    {
        _transformer.Dispose();
        GC.SuppressFinalize(this);
    }

    protected override IEstimator<ITransformer> Estimator() => MLContext.Transforms.SynthesizeFromLabels(Samples.TinyOptions());

    private sealed class Row
    {
        public int Number { get; set; }

        public string Name { get; set; } = "";

        [VectorType(3)]
        public float[] Vector { get; set; } = [];

        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Labels { get; set; }
    }

    private sealed class Numbers
    {
        public float Labels { get; set; }

        public float Photo { get; set; }
    }

    private sealed class Vectors
    {
        [VectorType(Samples.Height, Samples.Width)]
        public float[] Labels { get; set; } = [];

        [VectorType(Samples.Height, Samples.Width)]
        public float[] Photo { get; set; } = [];
    }
}
