namespace CrnMlNet.Evaluation.Tests;

public sealed class SlicedWassersteinTests
{
    [Fact]
    public void OnALineItIsTheMeanDifferenceOfTheSortedPoints()
    {
        var random = new Random(1);

        Assert.Equal(5, SlicedWasserstein.Distance([3, 0, 1], [6, 8, 5], 1, 4, random), 1e-12);
        // Sorted 0 2 9 and 1 4 4: (1 + 2 + 5) / 3.
        Assert.Equal(8.0 / 3, SlicedWasserstein.Distance([9, 0, 2], [4, 4, 1], 1, 4, random), 1e-12);
        Assert.Equal(0, SlicedWasserstein.Distance([9, 0, 2], [0, 2, 9], 1, 4, random), 1e-12);
    }

    [Fact]
    public void AShiftInThePlaneIsSeenByItsMeanShadow()
    {
        // Shifted by (3, 4): |5 cos| over all directions has the mean 5 * 2 / pi.
        double distance = SlicedWasserstein.Distance([0, 0, 7, 1, 2, 5], [3, 4, 10, 5, 5, 9], 2, 20_000, new Random(1));

        Assert.Equal(10 / Math.PI, distance, 0.05);
    }

    [Fact]
    public void InSpaceTheMeanShadowIsHalf()
    {
        double distance = SlicedWasserstein.Distance([0, 0, 0], [2, 3, 6], 3, 20_000, new Random(1));

        Assert.Equal(7.0 / 2, distance, 0.05);
    }

    [Fact]
    public void ASetHasNoDistanceToItself()
    {
        RgbImage[] set = [Pictures.Waves(40, 64), Pictures.NoisyWaves(40, 64)];

        var levels = SlicedWasserstein.Between(set, set);

        Assert.Equal([(40, 64), (20, 32)], levels.Select(level => (level.Height, level.Width)));
        Assert.All(levels, level => Assert.Equal(0, level.Distance));
    }

    [Fact]
    public void ItIsSymmetricAndFollowsTheSeed()
    {
        RgbImage[] one = [Pictures.Waves(32, 32)], other = [Pictures.NoisyWaves(32, 32)];

        var distances = SlicedWasserstein.Between(one, other, seed: 3);

        Assert.Equal(distances, SlicedWasserstein.Between(one, other, seed: 3));
        Assert.Equal(distances, SlicedWasserstein.Between(other, one, seed: 3));
        Assert.NotEqual(distances, SlicedWasserstein.Between(one, other, seed: 4));
        Assert.All(distances, level => Assert.True(level.Distance > 0));
    }

    [Fact]
    public void BrightnessAndContrastAloneMakeNoDifference()
    {
        RgbImage[] one = [Pictures.Of(48, 48, (c, y, x) => (31 * x * x + 17 * y * x + 7 * c) % 64)];
        RgbImage[] other = [Pictures.Of(48, 48, (c, y, x) => 3 * ((31 * x * x + 17 * y * x + 7 * c) % 64) + 40)];

        Assert.All(SlicedWasserstein.Between(one, other), level => Assert.Equal(0, level.Distance, 1e-6));
    }

    [Fact]
    public void FineNoiseIsSeenAtTheFinestLevel()
    {
        var random = new Random(5);
        var smooth = Enumerable.Range(0, 4).Select(i => Pictures.Of(64, 64, (c, y, x) =>
            (int)(127 + 100 * Math.Sin((x + 10 * i) / 9.0) * Math.Cos((y + 5 * c) / 7.0)))).ToArray();
        var noisy = smooth.Select(image => Pictures.Of(64, 64, (c, y, x) =>
            Math.Clamp(image.Planes[(c * 64 + y) * 64 + x] + random.Next(-9, 10), 0, 255))).ToArray();

        var levels = SlicedWasserstein.Between(smooth, noisy);

        Assert.Equal(3, levels.Count);
        Assert.True(levels[0].Distance > 3 * levels[2].Distance, string.Join(", ", levels));
    }

    [Fact]
    public void SetsThatCannotBeComparedAreRefused()
    {
        RgbImage[] one = [Pictures.Waves(16, 20)];

        Assert.Contains("got 1 and 2", Assert.Throws<ArgumentException>(() => SlicedWasserstein.Between(one, [.. one, .. one])).Message);
        Assert.Contains("got 0 and 0", Assert.Throws<ArgumentException>(() => SlicedWasserstein.Between([], [])).Message);
        Assert.Contains("got 16x20 and 20x16", Assert.Throws<ArgumentException>(() => SlicedWasserstein.Between(one, [Pictures.Waves(20, 16)])).Message);
        Assert.Contains(
            "got 15x20",
            Assert.Throws<ArgumentException>(() => SlicedWasserstein.Between([Pictures.Waves(15, 20)], [Pictures.Waves(15, 20)])).Message);
    }
}
