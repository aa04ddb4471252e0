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
