using Microsoft.ML;

namespace CrnMlNet.Tests.Pipelines;

/// <summary>A trained transformer that paints two photos of each layout, and its file.</summary>
public sealed class DiverseModel : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public DiverseModel()
    {
        var options = Samples.TinyOptions();
        options.ImagesPerLayout = 2;
        using var transformer = Samples.Train(options);
        new MLContext().Model.Save(transformer, null, Path);
    }

    public string Path => _folder["model.zip"];

    public void Dispose() => _folder.Dispose();
}
