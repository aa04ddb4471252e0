using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Tests.Objectives;
using CrnMlNet.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

/// <summary>Gradient checkpointing changes what is kept, and no bit of what comes out: libtorch's own backward pass is what it is compared with.</summary>
[Collection(RunAlone.Name)]
public sealed class BackwardPassTests
{
    [Theory]
    [InlineData(24, 32, 0, 1, 1, null)]
    [InlineData(37, 90, 0, 1, 2, null)] // cropped from 40x96, whose base cell is 5x12
    [InlineData(48, 20, 2, 1, 1, null)]
    [InlineData(24, 32, 1, 3, 2, null)]
    [InlineData(24, 32, 2, 2, 1, 1)]
    [InlineData(24, 32, 0, 1, 2, 2)]
    [InlineData(24, 32, 0, 1, 1, 99)]
    public void GivesTheGradientsOfThePlainPassBitForBit(int height, int width, int noise, int images, int batch, int? newestModules)
    {
        using var network = Network(height, width, noise, images);
        network.LearnOnly(newestModules);
        using IPerceptionNetwork bank = new FilterBankPerception(CPU), blur = new BlurAndSquare();
        foreach (var perception in new[] { bank, blur })
        {
            var (expectedLoss, expected) = Gradients(network, perception, batch, BackwardPass.Plain);
            var (loss, actual) = Gradients(network, perception, batch, BackwardPass.Checkpointed);

            Assert.Equal(expectedLoss, loss);
            Assert.Equal(expected.Keys, actual.Keys);
            Assert.All(expected, named => Assert.Equal(named.Value, actual[named.Key]));
            int learning = newestModules is { } newest ? Math.Min(newest, network.Cascade.Modules().Count) : network.Cascade.Modules().Count;
            Assert.Equal(6 * learning + 2, expected.Count);
        }
    }

    [Fact]
    public void LeavesNoTensorBehind()
    {
        using var network = Network(24, 32, noise: 1, images: 1);
        using var perception = new BlurAndSquare();
        Gradients(network, perception, 1, BackwardPass.Checkpointed);
        long before = Tensor.TotalCount;

        Gradients(network, perception, 1, BackwardPass.Checkpointed);

        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void AFaultInTheLossIsAnExceptionThatCanBeCaught()
    {
        using var scope = NewDisposeScope();
        using var network = Network(24, 32, noise: 0, images: 1);
        var layouts = torch.ones([1, ShadedShapes.Channels, 24, 32]) / ShadedShapes.Channels;

        Assert.Throws<InvalidOperationException>(() => BackwardPass.Checkpointed(network, layouts, _ => throw new InvalidOperationException("fault")));
    }

    private static CascadedRefinementNetwork Network(int height, int width, int noise, int images)
    {
        var network = new CascadedRefinementNetwork(
            new() { Channels = ShadedShapes.Channels, Height = height, Width = width, WidthFactor = 1.0 / 64, NoiseChannels = noise, ImagesPerLayout = images }, seed: 3);
        network.train();
        return network;
    }

    private static (double Loss, SortedDictionary<string, byte[]> Gradients) Gradients(
        CascadedRefinementNetwork network, IPerceptionNetwork perception, int batch, Func<CascadedRefinementNetwork, Tensor, Func<Tensor, Tensor>, double> pass)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var architecture = network.Architecture;
        var ids = torch.randint(0, architecture.Channels, [batch, architecture.Height, architecture.Width], ScalarType.Int64, generator: generator);
        var layouts = CrnMlNet.Torch.Layouts.SemanticLayout.OneHot(ids, architecture.Channels);
        var photos = torch.rand([batch, 3, architecture.Height, architecture.Width], generator: generator) * 255;
        var layers = FeatureObjective.LayersOf(perception);
        var weights = new LayerWeights(layers, [.. layers.Select((_, i) => 1 + 0.3 * i)]);
        FeatureObjective objective = architecture.ImagesPerLayout == 1 ? new FeatureMatching(perception, weights) : new DiversityLoss(perception, weights);
        foreach (var parameter in network.parameters())
            parameter.grad?.zero_();

        double loss = pass(network, layouts, images => objective.Loss(images, layouts, photos));

        return (loss, new(network.named_parameters().Where(named => named.parameter.grad is not null)
            .ToDictionary(named => named.name, named => named.parameter.grad!.bytes.ToArray())));
    }
}
