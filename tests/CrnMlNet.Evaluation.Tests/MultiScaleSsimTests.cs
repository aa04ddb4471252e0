namespace CrnMlNet.Evaluation.Tests;

public sealed class MultiScaleSsimTests
{
    // Computed once by a program of its own (Python, double precision) straight from the definition: at every place the
    // 121 weights of the two-dimensional window, variances and covariance as weighted means of products of deviations.
    [Theory]
    [InlineData(11, 13, 0.7251651855251349, 0.8542887312153419)]
    [InlineData(32, 41, 0.9522801097857625, 0.863602458289081)]
    [InlineData(96, 128, 0.9784731986647235, 0.8403196933978708)]
    [InlineData(176, 180, 0.9812934298756957, 0.83597470557711)]
    public void AgreesWithAProgramStraightFromTheDefinition(int height, int width, double noisy, double dull)
    {
        var waves = Pictures.Waves(height, width);

        Assert.Equal(noisy, MultiScaleSsim.Between(waves, Pictures.NoisyWaves(height, width)), 1e-9);
        Assert.Equal(dull, MultiScaleSsim.Between(waves, Pictures.DullWaves(height, width)), 1e-9);
    }

    [Theory]
    [InlineData(11, 1.0)]
    [InlineData(40, 0.2856 / (0.0448 + 0.2856))]
    [InlineData(200, 0.1333 / 1.0001)]
    public void OfFlatImagesItIsTheLuminanceTermAtTheCoarsestScale(int side, double power)
    {
        double c1 = 2.55 * 2.55;
        double luminance = (2 * 100 * 150 + c1) / (100 * 100 + 150 * 150 + c1);

        double similarity = MultiScaleSsim.Between(Pictures.Constant(side, side, 100), Pictures.Constant(side, side, 150));

        Assert.Equal(Math.Pow(luminance, power), similarity, 1e-9);
    }

    [Fact]
    public void EqualImagesHaveOne()
    {
        Assert.Equal(1, MultiScaleSsim.Between(Pictures.NoisyWaves(50, 60), Pictures.NoisyWaves(50, 60)), 1e-12);
    }

    [Fact]
    public void ANegativeImageHasZero()
    {
        var noise = new Random(1);
        var image = Pictures.Of(16, 16, (_, _, _) => noise.Next(256));
        var negative = Pictures.Of(16, 16, (c, y, x) => 255 - image.Planes[(c * 16 + y) * 16 + x]);

        Assert.Equal(0, MultiScaleSsim.Between(image, negative));
    }

    [Theory]
    [InlineData(11, 500, 1)]
    [InlineData(21, 21, 1)]
    [InlineData(22, 30, 2)]
    [InlineData(44, 44, 3)]
    [InlineData(128, 96, 4)]
    [InlineData(175, 300, 4)]
    [InlineData(176, 300, 5)]
    [InlineData(2048, 1024, 5)]
    public void EveryScaleLeavesAWindow(int height, int width, int scales)
    {
        Assert.Equal(scales, MultiScaleSsim.Scales(height, width));
    }

    [Fact]
    public void ImagesThatCannotBeComparedAreRefused()
    {
        var small = Assert.Throws<ArgumentException>(() => MultiScaleSsim.Between(Pictures.Waves(10, 20), Pictures.Waves(10, 20)));
        var other = Assert.Throws<ArgumentException>(() => MultiScaleSsim.Between(Pictures.Waves(12, 20), Pictures.Waves(20, 12)));

        Assert.Contains("at least 11x11 pixels, got 10x20", small.Message);
        Assert.Contains("got 12x20 and 20x12", other.Message);
    }
}
