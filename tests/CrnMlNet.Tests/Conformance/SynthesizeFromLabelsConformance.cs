using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Conformance;

/// <summary>The component as it is, with several photos painted at once.</summary>
public sealed class SynthesizeFromLabelsConformance(TrainedModel model) : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.Image, scoringBatchSize: 3);

/// <summary>The component that paints row by row.</summary>
public sealed class SynthesizeFromLabelsRowByRowConformance(TrainedModel model) : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.Image, scoringBatchSize: 1);

/// <summary>Labels are vectors of two dimensions.</summary>
public sealed class SynthesizeFromBytesConformance(TrainedModel model) : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.Bytes, scoringBatchSize: 3);

/// <summary>Labels are vectors of one dimension.</summary>
public sealed class SynthesizeFromUshortsConformance(TrainedModel model) : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.FlatUshorts, scoringBatchSize: 3);

/// <summary>Labels are vectors of numbers with a sign.</summary>
public sealed class SynthesizeFromIntsConformance(TrainedModel model) : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.Ints, scoringBatchSize: 3);

/// <summary>Labels are keys, row by row.</summary>
public sealed class SynthesizeFromKeysConformance(TrainedModel model) : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.Keys, scoringBatchSize: 1);

/// <summary>Labels are shares of the classes and of void.</summary>
public sealed class SynthesizeFromSoftLabelsConformance(TrainedModel model) : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.Soft, scoringBatchSize: 3);

/// <summary>Labels are shares of the classes alone, row by row.</summary>
public sealed class SynthesizeFromSoftClassesConformance(TrainedModel model) : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.SoftWithoutVoid, scoringBatchSize: 1);

/// <summary>Labels are the paths of files of 16 bits.</summary>
public sealed class SynthesizeFromFilesConformance(TrainedModel model) : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.Gray16File, scoringBatchSize: 3);

/// <summary>Labels are the paths of palette files, and photos are vectors.</summary>
public sealed class SynthesizeVectorsFromFilesConformance(VectorModel model)
    : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.PaletteFile, scoringBatchSize: 1, OutputKind.Vector), IClassFixture<VectorModel>;

/// <summary>Labels are images, and photos are vectors, several painted at once.</summary>
public sealed class SynthesizeVectorsConformance(VectorModel model)
    : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.Image, scoringBatchSize: 3, OutputKind.Vector), IClassFixture<VectorModel>;

/// <summary>Labels are shares, and photos are vectors.</summary>
public sealed class SynthesizeVectorsFromSoftLabelsConformance(VectorModel model)
    : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.Soft, scoringBatchSize: 3, OutputKind.Vector), IClassFixture<VectorModel>;

/// <summary>Two photos of each layout, a column for each.</summary>
public sealed class SynthesizeTwoConformance(DiverseModel model)
    : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.Bytes, scoringBatchSize: 3, images: 2), IClassFixture<DiverseModel>;

/// <summary>A network of another kind than cascaded refinement.</summary>
public sealed class SynthesizeWithUNetConformance(UNetModel model)
    : SynthesizeFromLabelsConformanceBase(model.Path, LabelKind.Image, scoringBatchSize: 3), IClassFixture<UNetModel>;

public abstract class SynthesizeFromLabelsConformanceBase : ComponentConformance, IDisposable
{
    private readonly LabelKinds _kinds = new();
    private readonly OutputKind _output;
    private readonly int _images;
    private readonly SynthesizeFromLabelsTransformer _transformer;

    protected SynthesizeFromLabelsConformanceBase(string model, LabelKind kind, int scoringBatchSize, OutputKind output = OutputKind.Image, int images = 1)
    {
        (_output, _images) = (output, images);
        _transformer = (SynthesizeFromLabelsTransformer)MLContext.Model.Load(model, out _);
        _transformer.ScoringBatchSize = scoringBatchSize;
        TrainingData = _kinds.Pairs(MLContext, kind);
        // The row in the middle has no labels, and so no photo.
        ScoringData = _kinds.Scenes(MLContext, kind, count: 7, missing: 4);
    }

    protected override MLContext MLContext { get; } = new(seed: 1);

    protected override ITransformer Transformer => _transformer;

    protected override IDataView TrainingData { get; }

    protected override IDataView ScoringData { get; }

    protected override string[] OutputColumns => _images == 1 ? ["Synthesized"] : ["Synthesized", "Synthesized.1"];

    protected override IEnumerable<IDataView> InvalidData =>
    [
        MLContext.Data.LoadFromEnumerable([new Files()]),
        MLContext.Data.LoadFromEnumerable([new Numbers()]),
        MLContext.Data.LoadFromEnumerable([new Vectors()]),
    ];

    public void Dispose()
    {
        _transformer.Dispose();
        _kinds.Dispose();
        GC.SuppressFinalize(this);
    }

    protected override IEstimator<ITransformer> Estimator()
    {
        var options = Samples.TinyOptions();
        (options.OutputKind, options.ImagesPerLayout, options.Recipe) = (_output, _images, Recipe.Parse(_transformer.Training.Recipe));
        return MLContext.Transforms.SynthesizeFromLabels(options);
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
