using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

/// <summary>The adversarial terms: their values by hand, their gradients through both discriminators against finite differences.</summary>
public sealed class AdversarialLossTests
{
    private static readonly double Ln3 = Math.Log(3);

    // A logit of ln 3 is a probability of 3/4.
    [Theory]
    [InlineData(0, 0, 0.5, 0.5)]
    [InlineData(1, -1, 0.75, 0.75)]
    [InlineData(1, 1, 0.75, 0.25)]
    [InlineData(-1, 0, 0.25, 0.5)]
    public void TheDiscriminatorIsToTellRealFromSynthesized(double real, double synthesized, double isReal, double isSynthesized) => Assert.Equal(
        -(Math.Log(isReal) + Math.Log(isSynthesized)) / 2,
        AdversarialLoss.OfDiscriminator(tensor(new[] { real * Ln3 }), tensor(new[] { synthesized * Ln3 })).item<double>(), 1e-12);

    [Fact]
    public void ThePainterIsToBeTakenForReal() =>
        Assert.Equal(-(Math.Log(0.75) + Math.Log(0.25)) / 2, AdversarialLoss.OfPainter(tensor(new[] { Ln3, -Ln3 })).item<double>(), 1e-12);

    [Fact]
    public void FeaturesAreMatchedInEachLayerButTheLast()
    {
        Tensor[] real = [tensor(new[] { 1.0, 2.0 }), tensor(new[] { 5.0 }), tensor(new[] { 100.0 })];
        Tensor[] synthesized = [tensor(new[] { 2.0, 4.0 }), tensor(new[] { 2.0 }), tensor(new[] { -100.0 })];

        // 1.5 and 3.
        Assert.Equal(2.25, AdversarialLoss.FeatureMatching(real, synthesized).item<double>(), 1e-12);
    }

    [Theory]
    [InlineData(DiscriminatorKind.Patches)]
    [InlineData(DiscriminatorKind.WholeImage)]
    public void TheGradientIsThatOfFiniteDifferences(DiscriminatorKind kind)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        using var discriminator = new Discriminator(kind, new CrnArchitecture { Channels = 3, Height = 24, Width = 28, WidthFactor = 1.0 / 64 }, seed: 2);
        Networks.Parameters.Randomise(discriminator, generator);
        discriminator.to(ScalarType.Float64);
        var layouts = nn.functional.softmax(randn(2, 3, 24, 28, ScalarType.Float64, generator: generator), 1);
        var photos = 255 * rand([2, 3, 24, 28], ScalarType.Float64, generator: generator);
        var images = (255 * rand([2, 3, 24, 28], ScalarType.Float64, generator: generator)).requires_grad_();

        Loss(images).backward();

        Gradients.Compare(images, moved => Loss(moved).item<double>(), step: 1e-4);

        Tensor Loss(Tensor images)
        {
            var layers = discriminator.forward(layouts, images);
            return 3 * AdversarialLoss.OfPainter(layers[^1]) + 2 * AdversarialLoss.FeatureMatching(discriminator.forward(layouts, photos), layers);
        }
    }
}
