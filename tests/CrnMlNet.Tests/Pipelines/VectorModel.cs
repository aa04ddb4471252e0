using Microsoft.ML;

namespace CrnMlNet.Tests.Pipelines;

/// <summary>A trained transformer whose photos are vectors, and its file. It has the weights of <see cref="TrainedModel"/>.</summary>
public sealed class VectorModel : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public VectorModel()
    {
        var options = Samples.TinyOptions();
        options.OutputKind = OutputKind.Vector;
        Transformer = Samples.Train(options);
        new MLContext().Model.Save(Transformer, null, Path);
    }

    public SynthesizeFromLabelsTransformer Transformer { get; }

    public string Path => _folder["model.zip"];

    public void Dispose()
    {
        Transformer.Dispose();
        _folder.Dispose();
    }
}
