using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;

[assembly: AssemblyFixture(typeof(TrainedModel))]

namespace CrnMlNet.Tests.Pipelines;

/// <summary>One trained transformer and its file, for all tests that only use a model.</summary>
public sealed class TrainedModel : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TrainedModel()
    {
        Transformer = Samples.Train();
        MLContext.Model.Save(Transformer, MLContext.Data.LoadFromEnumerable(Samples.Scenes(1)).Schema, Path);
    }

    public MLContext MLContext { get; } = new(seed: 1);

    public SynthesizeFromLabelsTransformer Transformer { get; }

    public string Path => _folder["model.zip"];

    public IDataView Scenes(int count = 4) => MLContext.Data.LoadFromEnumerable(Samples.Scenes(count));

    public ITransformer Load() => MLContext.Model.Load(Path, out _);

    public void Dispose()
    {
        Transformer.Dispose();
        _folder.Dispose();
    }
}
