namespace CrnMlNet.Evaluation.Tests;

public sealed class PsnrTests
{
    [Fact]
    public void IsTheLogarithmOfTheMeanSquaredError()
    {
        var first = new RgbImage(1, 2, [0, 255, 10, 20, 100, 100]);
        var second = new RgbImage(1, 2, [0, 250, 10, 23, 104, 98]);

        // (25 + 9 + 16 + 4) / 6 = 9: 20 log10(255 / 3) = 20 log10(85).
        Assert.Equal(20 * Math.Log10(85), Psnr.Between(first, second), 1e-12);
        Assert.Equal(38.588378514, Psnr.Between(second, first), 1e-8);
    }

    [Fact]
    public void BlackAgainstWhiteIsZeroDecibels()
    {
        Assert.Equal(0, Psnr.Between(Pictures.Constant(3, 4, 0), Pictures.Constant(3, 4, 255)), 1e-12);
    }

    [Fact]
    public void EqualImagesAreInfinitelyNear()
    {
        Assert.Equal(double.PositiveInfinity, Psnr.Between(Pictures.Waves(5, 6), Pictures.Waves(5, 6)));
    }

    [Fact]
    public void ImagesOfOtherSizesAreRefused()
    {
        var exception = Assert.Throws<ArgumentException>(() => Psnr.Between(Pictures.Waves(5, 6), Pictures.Waves(6, 5)));

        Assert.Contains("got 5x6 and 6x5", exception.Message);
        Assert.Contains("3 x 5 x 6 bytes, got 89", Assert.Throws<ArgumentException>(() => new RgbImage(5, 6, new byte[89])).Message);
        Assert.Throws<ArgumentException>(() => new RgbImage(0, 6, []));
    }
}
