using CrnMlNet.Data;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Data;

public class PhotoPixelsTests
{
    [Fact]
    public void Same_size_keeps_every_byte()
    {
        var colors = new RgbColor[] { new(1, 2, 3), new(4, 5, 6), new(255, 0, 128), new(7, 8, 9), new(0, 255, 1), new(250, 251, 252) };
        byte[] expected = [1, 4, 255, 7, 0, 250, 2, 5, 0, 8, 255, 251, 3, 6, 128, 9, 1, 252];
        using var bgra = Images.Colored(3, 2, colors);
        using var rgba = Images.Colored(3, 2, colors, MLPixelFormat.Rgba32);

        Assert.Equal(expected, PhotoPixels.FromImage(bgra, 2, 3));
        Assert.Equal(expected, PhotoPixels.FromImage(rgba, 2, 3));
    }

    // Worked by hand. 3 -> 2: pixel 0 covers 0 and half of 1, so (30 + 60 / 2) / 1.5 = 40 and (60 / 2 + 120) / 1.5 = 100.
    // 5 -> 2: (10 + 20 + 30 / 2) / 2.5 = 18 and (30 / 2 + 40 + 100) / 2.5 = 62. 2 -> 1: 0 and 1 give 0.5, rounded up.
    // 2 -> 4, centres at halves: positions -0.25, 0.25, 0.75, 1.25. 2 -> 3: positions -1/6, 0.5, 7/6.
    [Theory]
    [InlineData(new byte[] { 30, 60, 120 }, new byte[] { 40, 100 })]
    [InlineData(new byte[] { 10, 20, 30, 40, 100 }, new byte[] { 18, 62 })]
    [InlineData(new byte[] { 0, 1 }, new byte[] { 1 })]
    [InlineData(new byte[] { 0, 0, 1 }, new byte[] { 0 })]
    [InlineData(new byte[] { 10, 50 }, new byte[] { 10, 20, 40, 50 })]
    [InlineData(new byte[] { 10, 51 }, new byte[] { 10, 31, 51 })]
    [InlineData(new byte[] { 77 }, new byte[] { 77, 77, 77 })]
    public void One_axis_by_hand(byte[] source, byte[] expected)
    {
        using var wide = Images.Gray(source.Length, 1, source);
        using var high = Images.Gray(1, source.Length, source);
        byte[] planes = [.. expected, .. expected, .. expected];

        Assert.Equal(planes, PhotoPixels.FromImage(wide, 1, expected.Length));
        Assert.Equal(planes, PhotoPixels.FromImage(high, expected.Length, 1));
    }

    [Theory]
    [InlineData(7, 5, 3, 2)]
    [InlineData(48, 36, 13, 10)]
    [InlineData(13, 10, 31, 17)]
    [InlineData(20, 9, 7, 25)]
    [InlineData(9, 20, 25, 7)]
    [InlineData(64, 32, 16, 8)]
    public void Any_ratio_agrees_with_a_plain_computation(int sourceWidth, int sourceHeight, int width, int height)
    {
        var random = new Random(sourceWidth * 100 + width);
        var colors = new RgbColor[sourceWidth * sourceHeight];
        for (var i = 0; i < colors.Length; i++)
            colors[i] = new((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256));
        using var image = Images.Colored(sourceWidth, sourceHeight, colors);

        var actual = PhotoPixels.FromImage(image, height, width);

        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var at = y * width + x;
                AssertRounded(Plain(color => color.R), actual[at]);
                AssertRounded(Plain(color => color.G), actual[width * height + at]);
                AssertRounded(Plain(color => color.B), actual[2 * width * height + at]);

                double Plain(Func<RgbColor, byte> component)
                {
                    double sum = 0, weights = 0;
                    for (var sy = 0; sy < sourceHeight; sy++)
                    {
                        for (var sx = 0; sx < sourceWidth; sx++)
                        {
                            var weight = Weight(sy, y, sourceHeight, height) * Weight(sx, x, sourceWidth, width);
                            sum += weight * component(colors[sy * sourceWidth + sx]);
                            weights += weight;
                        }
                    }

                    return sum / weights;
                }
            }
        }
    }

    [Fact]
    public void Back_to_an_image_and_to_pixels_again()
    {
        byte[] rgb = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 255];
        using var image = PhotoPixels.ToImage(rgb, 2, 3);

        Assert.Equal((3, 2, MLPixelFormat.Bgra32), (image.Width, image.Height, image.PixelFormat));
        Assert.Equal([13, 7, 1, 255], image.Pixels[..4].ToArray());
        Assert.Equal(rgb, PhotoPixels.FromImage(image, 2, 3));
    }

    [Fact]
    public void Floats_are_clamped_and_rounded()
    {
        using var image = PhotoPixels.ToImage([-3f, 0.49f, 0.5f, 254.4f, 254.5f, 1e9f, float.NaN, float.PositiveInfinity, float.NegativeInfinity], 1, 3);
        Assert.Equal([0, 0, 1, 254, 255, 255, 0, 255, 0], PhotoPixels.FromImage(image, 1, 3));
        Assert.Throws<ArgumentException>(() => PhotoPixels.ToImage([1f], 1, 1));
    }

    // The weight of a source pixel in a target pixel: the length that both cover when shrinking; a tent around the target's
    // centre when enlarging, with the centre held between the first and the last source centre.
    private static double Weight(int source, int target, int sourceSize, int targetSize)
    {
        var ratio = (double)sourceSize / targetSize;
        if (ratio >= 1)
            return Math.Max(0, Math.Min(source + 1, (target + 1) * ratio) - Math.Max(source, target * ratio));
        var centre = Math.Clamp((target + 0.5) * ratio - 0.5, 0, sourceSize - 1);
        return Math.Max(0, 1 - Math.Abs(centre - source));
    }

    private static void AssertRounded(double expected, byte actual) => Assert.InRange(actual - expected, -0.5 - 1e-9, 0.5 + 1e-9);
}
