using System.IO.Compression;
using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using TorchSharp;

namespace CrnMlNet.Tests.Persistence;

/// <summary>Models whose weights are saved as float16.</summary>
public sealed class HalfPrecisionTests(TrainedModel trained) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Saved => _folder["half.zip"];

    [Fact]
    public void Weights_take_half_the_bytes_and_are_the_nearest_that_there_are()
    {
        using var model = (SynthesizeFromLabelsTransformer)trained.Load();
        Assert.False(model.StoresHalfPrecision);
        model.StoresHalfPrecision = true;

        trained.MLContext.Model.Save(model, null, Saved);

        using var loaded = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(Saved, out _);
        Assert.True(loaded.StoresHalfPrecision);
        Assert.Equal(Weights(model).Select(weight => (float)(Half)weight), Weights(loaded));
        Assert.InRange(BytesOfWeights(Saved), 2 * model.Architecture.ParameterCount(), 0.6 * BytesOfWeights(trained.Path));
        using var labels = Samples.Labels(3);
        using var expected = model.Synthesize(labels);
        using var photo = loaded.Synthesize(labels);
        Assert.InRange(expected.Pixels().Zip(photo.Pixels(), (a, b) => Math.Abs(a - b)).Average(), 0, 0.5);
    }

    [Fact]
    public void Saving_again_loses_nothing_more()
    {
        using var model = (SynthesizeFromLabelsTransformer)trained.Load();
        model.StoresHalfPrecision = true;
        trained.MLContext.Model.Save(model, null, Saved);
        using var loaded = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(Saved, out _);

        trained.MLContext.Model.Save(loaded, null, _folder["again.zip"]);

        using var again = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(_folder["again.zip"], out _);
        Assert.Equal(Weights(loaded), Weights(again));
    }

    [Fact]
    public void A_weight_that_float16_cannot_hold_is_named_before_it_is_lost()
    {
        using var model = (SynthesizeFromLabelsTransformer)trained.Load();
        model.StoresHalfPrecision = true;
        model.WithNetwork(network =>
        {
            using var _ = torch.no_grad();
            return network.state_dict()["conv100.bias"].fill_(70_000).numel();
        });

        var failure = Assert.Throws<InvalidOperationException>(() => trained.MLContext.Model.Save(model, null, Saved));

        Assert.Contains("conv100.bias", failure.Message);
    }

    public void Dispose() => _folder.Dispose();

    private static float[] Weights(SynthesizeFromLabelsTransformer model)
        => model.WithNetwork(network => network.state_dict().Values.SelectMany(weights => weights.data<float>().ToArray()).ToArray());

    private static long BytesOfWeights(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        return zip.Entries.Single(entry => entry.Name == ModelFile.Weights).Length;
    }
}
