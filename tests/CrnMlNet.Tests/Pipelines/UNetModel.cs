using Microsoft.ML;

namespace CrnMlNet.Tests.Pipelines;

/// <summary>A trained transformer whose network is a U-Net, and its file.</summary>
public sealed class UNetModel : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public UNetModel()
    {
        var options = Samples.TinyOptions();
        options.Recipe = Recipe.EncoderDecoder;
        using var transformer = Samples.Train(options);
        new MLContext().Model.Save(transformer, null, Path);
    }

    public string Path => _folder["model.zip"];

    public void Dispose() => _folder.Dispose();
}
