namespace CrnMlNet.Evaluation.Tests;

public class BestOfImagesTests
{
    [Fact]
    public void TheBestOfSomeIsExpectedOverAllWaysToDrawThem()
    {
        double[] values = [3, 10, 1, 6];

        var expected = BestOfImages.ExpectedBest(values);

        // Of two: 10 in three of six pairs, 6 in two, 3 in one. Of three: 10 in three of four, 6 in the other.
        Assert.Equal(4, expected.Length);
        Assert.Equal(5, expected[0], 1e-12);
        Assert.Equal((3 * 10 + 2 * 6 + 3) / 6.0, expected[1], 1e-12);
        Assert.Equal((3 * 10 + 6) / 4.0, expected[2], 1e-12);
        Assert.Equal(10, expected[3], 1e-12);
    }

    [Fact]
    public void OneImageIsRightWhereTheOtherIsWrong()
    {
        const int Side = 64;
        // Left half class 0, right half class 1; each image is right in one half, and 10 gray levels off in the other.
        byte[] layout = [.. Enumerable.Range(0, Side * Side).Select(i => (byte)(i % Side < Side / 2 ? 0 : 1))];
        var photo = Pictures.Constant(Side, Side, 100);
        RgbImage[] images =
        [
            Pictures.Of(Side, Side, (_, _, x) => x < Side / 2 ? 101 : 110),
            Pictures.Of(Side, Side, (_, _, x) => x < Side / 2 ? 120 : 102),
        ];

        var best = BestOfImages.Of(images, photo, layout);

        // Squared errors: (1 + 100) / 2 and (400 + 4) / 2; class by class the lesser ones: (1 + 4) / 2.
        double first = 10 * Math.Log10(65025 / 50.5), second = 10 * Math.Log10(65025 / 202.0);
        Assert.Equal((first + second) / 2, best.Psnr[0], 1e-9);
        Assert.Equal(first, best.Psnr[1], 1e-9);
        Assert.Equal(10 * Math.Log10(65025 / 2.5), best.AssembledPsnr, 1e-9);
        Assert.Equal((19 + 8) / 2.0, best.PairwiseDifference, 1e-9);
    }

    [Fact]
    public void ImagesThatAreAllTheSameGainNothing()
    {
        var (photo, image) = (Pictures.Waves(64, 64), Pictures.NoisyWaves(64, 64));

        var best = BestOfImages.Of([image, image, image], photo, new byte[64 * 64]);

        Assert.Equal(0, best.PairwiseDifference);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(Psnr.Between(image, photo), best.Psnr[i], 1e-9);
            Assert.Equal(MultiScaleSsim.Between(image, photo), best.MultiScaleSsim[i], 1e-9);
        }
        Assert.Equal(Psnr.Between(image, photo), best.AssembledPsnr, 1e-9);
    }

    [Fact]
    public void TheMeanIsOverLayouts()
    {
        var mean = BestOfImages.Mean([new([10, 20], [0.2, 0.4], 30, 5), new([20, 24], [0.4, 0.5], 40, 7)]);

        Assert.Equal([15, 22], mean.Psnr);
        Assert.Equal([0.3, 0.45], mean.MultiScaleSsim.Select(value => Math.Round(value, 12)));
        Assert.Equal((35, 6), (mean.AssembledPsnr, mean.PairwiseDifference));
    }

    [Fact]
    public void OneImageIsTooFew() =>
        Assert.Throws<ArgumentException>(() => BestOfImages.Of([Pictures.Constant(16, 16, 1)], Pictures.Constant(16, 16, 1), new byte[256]));
}
