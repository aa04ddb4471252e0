using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

public sealed class LayerWeightingTests
{
    // The divisors of p1 to p5 in the authors' demo_256p.py, demo_512p.py, demo_1024p.py and GTA_Diversity_256p.py.
    [Theory]
    [InlineData("cityscapes-256p", 1.6, 2.3, 1.8, 2.8, 0.8)]
    [InlineData("cityscapes-512p", 2.6, 4.8, 3.7, 5.6, 1.5)]
    [InlineData("cityscapes-1024p", 2.6, 4.8, 3.7, 5.6, 1.5)]
    [InlineData("GTA", 1.4, 1.8, 1.3, 2.2, 0.62)]
    public void TheAuthorsWeightsAreThoseOfTheirScripts(string name, double p1, double p2, double p3, double p4, double p5)
    {
        var weights = LayerWeighting.Parse(name).StartFor(new Named("VGG-19", "conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"))!;

        Assert.Equal(["image", "conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"], weights.Layers);
        double[] expected = [1, 1 / p1, 1 / p2, 1 / p3, 1 / p4, 10 / p5];
        for (int layer = 0; layer < expected.Length; layer++)
            Assert.Equal(expected[layer], weights.Values[layer], 1e-12);
    }

    [Fact]
    public void TheyAreRefusedForOtherNetworksThanVgg19()
    {
        using var perception = new FilterBankPerception(CPU);

        var refusal = Assert.Throws<ArgumentException>(() => LayerWeighting.Gta.Check(perception));

        Assert.Contains("'gta' are the authors' for VGG-19, and this training compares in a bank of frequency filters", refusal.Message);
        Assert.Contains("'calibrated' or 'paper'", refusal.Message);
    }

    [Fact]
    public void WithTorchvisionsWeightsTheyAreDoubtful()
    {
        using var torchVision = new Vgg19(new Vgg19Source("a.pth", new string('0', 64), Vgg19Normalisation.TorchVision));
        using var matConvNet = new Vgg19(new Vgg19Source("a.mat", new string('0', 64), Vgg19Normalisation.MatConvNet));

        Assert.Contains("'cityscapes-256p' are for VGG-19 with MatConvNet's weights", LayerWeighting.Cityscapes256p.DoubtAbout(torchVision));
        Assert.Null(LayerWeighting.Cityscapes256p.DoubtAbout(matConvNet));
        Assert.Null(LayerWeighting.Paper().DoubtAbout(torchVision));
        LayerWeighting.Cityscapes256p.Check(torchVision);
    }

    [Theory]
    [InlineData("paper", 100)]
    [InlineData("paper:20", 20)]
    [InlineData(" PAPER:3 ", 3)]
    [InlineData("paper:100", 100)]
    public void ThePapersBeginEvenAndAreRescaled(string text, int rescaleAfter)
    {
        var weighting = LayerWeighting.Parse(text);

        Assert.Equal(rescaleAfter, weighting.RescaleAfter);
        Assert.Equal([1, 1, 1], weighting.StartFor(new BlurAndSquare())!.Values);
    }

    [Fact]
    public void GivenWeightsAreForEachLayerInTurn()
    {
        Assert.Equal("image 1, blur 0.25, square 8E-05", LayerWeighting.Parse("1, 0.25,8e-5").StartFor(new BlurAndSquare())!.ToString());

        var refusal = Assert.Throws<ArgumentException>(() => LayerWeighting.Given([1, 2]).Check(new BlurAndSquare()));
        Assert.Equal("2 layer weights are given, and 3 are needed: for image, blur, square.", refusal.Message);
    }

    [Fact]
    public void CalibratedOnesAreNotKnownBeforehand() => Assert.Null(LayerWeighting.Parse("calibrated").StartFor(new BlurAndSquare()));

    [Theory]
    [InlineData("calibrated", "calibrated")]
    [InlineData("Paper", "paper")]
    [InlineData("paper:100", "paper")]
    [InlineData("paper:7", "paper:7")]
    [InlineData("cityscapes-1024p", "cityscapes-1024p")]
    [InlineData("1,0.5,  2.25e-3", "1, 0.5, 0.00225")]
    public void TextIsReadBackAsItIsWritten(string text, string written)
    {
        Assert.Equal(written, LayerWeighting.Parse(text).ToString());
        Assert.Equal(written, LayerWeighting.Parse(written).ToString());
    }

    [Theory]
    [InlineData("", "none of calibrated, paper, cityscapes-256p")]
    [InlineData("paper:0", "none of calibrated")]
    [InlineData("paper:-4", "none of calibrated")]
    [InlineData("papers", "none of calibrated")]
    [InlineData("1,,2", "none of calibrated")]
    [InlineData("1,0,2", "Layer weight 0 is not a number above zero")]
    [InlineData("1,-2", "Layer weight -2 is not")]
    [InlineData("1,NaN", "Layer weight NaN is not")]
    [InlineData("1,Infinity", "is not a number above zero")]
    public void OtherTextIsRefused(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<ArgumentException>(() => LayerWeighting.Parse(text)).Message);

    [Fact]
    public void RescalingTakesAnEpochAtLeast() => Assert.Throws<ArgumentOutOfRangeException>(() => LayerWeighting.Paper(0));

    private sealed class Named(string description, params string[] taps) : IPerceptionNetwork
    {
        public string Description => description;

        public IReadOnlyList<string> Taps => taps;

        public IReadOnlyList<Tensor> Features(Tensor images) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
