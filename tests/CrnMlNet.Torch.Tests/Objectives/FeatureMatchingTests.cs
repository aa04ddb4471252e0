using CrnMlNet.Torch.Objectives;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

public sealed class FeatureMatchingTests
{
    private static readonly LayerWeights Weights = new(["image", "blur", "square"], [1, 10, 0.5]);

    [Fact]
    public void TheTermsAreTheMeanDifferencesOfImageAndTaps()
    {
        using var scope = NewDisposeScope();
        var photo = tensor(new[] { 1.0, 2, 3, 4, /**/ 0, 0, 0, 0, /**/ 5, 5, 5, 5 }, 1, 3, 2, 2);
        var synthesized = tensor(new[] { 2.0, 1, 3, 0, /**/ 0, 0, 0, 0, /**/ 5, 5, 5, 7 }, new long[] { 1, 1, 3, 2, 2 });
        var objective = new FeatureMatching(new BlurAndSquare(), Weights);

        var terms = objective.Terms(synthesized, ones(1, 1, 2, 2), photo).data<double>().ToArray();

        // Image: 1 + 1 + 0 + 4 and 2, of 12. Blur: 10/4 - 6/4 = 1 and 22/4 - 20/4 = 0.5, of 3. Square: 3 + 3 + 0 + 16 and 24, of 12.
        Assert.Equal(8.0 / 12, terms[0], 1e-12);
        Assert.Equal(1.5 / 3, terms[1], 1e-12);
        Assert.Equal(46.0 / 12, terms[2], 1e-12);
        Assert.Equal(8.0 / 12 + 10 * 1.5 / 3 + 0.5 * 46 / 12, objective.Loss(synthesized, ones(1, 1, 2, 2), photo).item<double>(), 1e-12);
    }

    [Fact]
    public void SmallDifferencesCountByTheirSquareWhereThatIsWanted()
    {
        using var scope = NewDisposeScope();
        var photo = zeros(1, 3, 2, 2, ScalarType.Float64);
        var synthesized = tensor(new[] { 0.5, -1, 2, 4, /**/ 0, 0, 0, 0, /**/ 0, 0, 0, 0 }, new long[] { 1, 1, 3, 2, 2 });
        var objective = new FeatureMatching(new BlurAndSquare(), Weights) { SmoothBelow = 2 };

        var terms = objective.Terms(synthesized, ones(1, 1, 2, 2), photo).data<double>().ToArray();

        // Image, below 2: 0.25 / 4, 1 / 4, 4 / 4 and 4 - 1, of 12. Blur, below 2 / 10: 5.5 / 4 - 0.1, of 3. Square, below 2 / 0.5: 0.0625 / 8, 1 / 8, 16 / 8 and 16 - 2, of 12.
        Assert.Equal((0.0625 + 0.25 + 1 + 3) / 12, terms[0], 1e-12);
        Assert.Equal((1.375 - 0.1) / 3, terms[1], 1e-12);
        Assert.Equal((0.0625 / 8 + 1 / 8.0 + 2 + 14) / 12, terms[2], 1e-12);
    }

    [Fact]
    public void TheGradientOfThoseIsThatOfFiniteDifferences()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var photo = 5 * randn([1, 3, 6, 8], ScalarType.Float64, generator: generator);
        var images = (5 * randn([1, 2, 3, 6, 8], ScalarType.Float64, generator: generator)).requires_grad_();
        var objective = new FeatureMatching(new BlurAndSquare(), Weights) { SmoothBelow = 4 };

        objective.Loss(images, ones(1, 1, 6, 8), photo).backward();

        Gradients.Compare(images, moved => objective.Loss(moved, ones(1, 1, 6, 8), photo).item<double>(), step: 1e-6);
    }

    [Fact]
    public void PhotosGetNoGradient()
    {
        using var scope = NewDisposeScope();
        var photo = rand(1, 3, 4, 4);
        var objective = new FeatureMatching(new BlurAndSquare(), Weights);

        var loss = objective.Loss(photo.unsqueeze(1), ones(1, 1, 4, 4), photo);

        Assert.Equal(0, loss.item<float>());
        Assert.False(loss.requires_grad);
    }

    [Fact]
    public void WeightsOfOtherLayersAreRefused()
    {
        var weights = new LayerWeights(["image", "conv1_2"], [1, 1]);

        var exception = Assert.Throws<ArgumentException>(() => new FeatureMatching(new BlurAndSquare(), weights));

        Assert.Contains("for image, conv1_2; this perception network compares image, blur, square", exception.Message);
    }
}
