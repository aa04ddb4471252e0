using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation.Tests;

public sealed class FeatureExtractorTests
{
    [Fact]
    public void AGrayImageHasNoTextureAndItsBrightness()
    {
        using var scope = NewDisposeScope();
        using var filters = new FilterBankPerception(CPU);

        // 9 photos: more than are looked at together.
        var features = FeatureExtractor.Of(filters).Features([.. Enumerable.Range(0, 9).Select(i => Pictures.Constant(32, 32, (byte)(16 * i)))]);

        // 24 frequencies at 4 scales, then brightness, red against green and yellow against blue.
        Assert.Equal([9, 4 * 24 + 3], features.shape);
        for (int i = 0; i < 9; i++)
        {
            double[] ofPhoto = [.. features[i].data<double>()];
            Assert.All(ofPhoto[..96], strength => Assert.Equal(0, strength, 1e-3));
            Assert.Equal([16 * i / 64.0, 0, 0], ofPhoto[96..].Select(colour => Math.Round(colour, 5)));
        }
    }

    [Fact]
    public void StrengthsAreLogarithms()
    {
        using var scope = NewDisposeScope();
        using var filters = new FilterBankPerception(CPU);
        var extractor = FeatureExtractor.Of(filters);
        RgbImage weak = Pictures.Of(32, 32, (_, _, x) => 128 + (x % 2 == 0 ? 20 : -20)), strong = Pictures.Of(32, 32, (_, _, x) => 128 + (x % 2 == 0 ? 40 : -40));

        // Twice the contrast is twice the strength.
        var (one, two) = (extractor.Features([weak])[0].narrow(0, 0, 24).expm1(), extractor.Features([strong])[0].narrow(0, 0, 24).expm1());

        Assert.True(one.max().item<double>() > 5);
        Assert.True((two - one - one).abs().max().item<double>() < 1e-3);
    }

    [Fact]
    public void InceptionLooksAtPhotosBroughtToItsSize()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var inception = new Inception();
        using var generator = new Generator(1);
        foreach (var (weight, bias) in inception.Weights.Values)
            weight.normal_(0, Math.Sqrt(2.0 / (weight.shape[1] * weight.shape[2] * weight.shape[3])), generator);
        var photo = Pictures.NoisyWaves(48, 64);
        var extractor = FeatureExtractor.Of(inception, new string('a', 64));

        var features = extractor.Features([photo]);

        var expected = inception.Features(AntialiasedResize.Bicubic(photo.ToTensor(CPU), 299, 299)).to(ScalarType.Float64);
        Assert.True(expected.abs().sum().item<double>() > 1);
        Assert.True((features - expected).abs().max().item<double>() < 1e-5);
        Assert.True(extractor.IsInception);
        Assert.Equal("Inception aaaaaaaaaaaaaaaa at 299x299, bicubic antialiased", extractor.ToString());
    }
}
