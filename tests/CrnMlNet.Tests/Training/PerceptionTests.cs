using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Tests.Training;

/// <summary>VGG-19 from a file that the options name.</summary>
public sealed class PerceptionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Weights => _folder["weights.safetensors"];

    [Fact]
    public void What_weights_expect_of_images_is_given_where_the_file_does_not_tell()
    {
        using var drawn = DrawnVgg19.Make();
        DrawnVgg19.Write(drawn, Weights, saysNormalisation: false);

        Assert.Contains("torchvision, matconvnet, caffe", Assert.Throws<FormatException>(() => Train(null)).Message);
        using var trained = Train(Vgg19Normalisation.MatConvNet);

        Assert.EndsWith("images normalised as in matconvnet)", trained.Training.Perception);
    }

    [Fact]
    public void What_is_given_goes_before_what_the_file_says()
    {
        using var drawn = DrawnVgg19.Make();
        DrawnVgg19.Write(drawn, Weights);

        using (var byEvidence = Train(null))
            Assert.EndsWith("images normalised as in torchvision)", byEvidence.Training.Perception);
        using var given = Train(Vgg19Normalisation.Caffe);
        Assert.EndsWith("images normalised as in caffe)", given.Training.Perception);
    }

    [Fact]
    public void Weights_in_no_order_are_refused_as_on_import()
    {
        using var random = DrawnVgg19.Make(coherence: 0);
        DrawnVgg19.Write(random, Weights);

        Assert.Contains("conv1_2.weight in 'weights.safetensors' lie side by side as by chance", Assert.Throws<FormatException>(() => Train(null)).Message);
    }

    [Fact]
    public void A_dead_network_is_refused_as_on_import()
    {
        using var dead = DrawnVgg19.Make();
        dead.Weights["conv4_1.bias"].fill_(-1e6f);
        DrawnVgg19.Write(dead, Weights);

        Assert.Contains("'weights.safetensors' gives a network that is dead", Assert.Throws<FormatException>(() => Train(null)).Message);
    }

    [Theory]
    [InlineData(PerceptionChoice.SelfTaught, 5)]
    [InlineData(PerceptionChoice.FiltersAndSelfTaught, 10)]
    public void A_network_that_teaches_itself_needs_no_file(PerceptionChoice choice, int layers)
    {
        var options = Samples.TinyOptions();
        (options.Perception, options.PerceptionEpochs) = (choice, 2);

        using var trained = Samples.Train(options);

        Assert.EndsWith("learns classes, colours and textures from the pairs first (2 epochs)", trained.Training.Perception);
        Assert.Equal(layers, trained.Training.LayerWeights.Count);
        Assert.All(trained.Training.LossByEpoch, loss => Assert.True(double.IsFinite(loss)));
    }

    public void Dispose() => _folder.Dispose();

    private SynthesizeFromLabelsTransformer Train(Vgg19Normalisation? normalisation)
    {
        var options = Samples.TinyOptions();
        (options.PerceptionWeightsPath, options.PerceptionNormalisation) = (Weights, normalisation);
        return Samples.Train(options, pairs: 1);
    }
}
