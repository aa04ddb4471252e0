namespace CrnMlNet.Evaluation.Tests;

/// <summary>Images of 24x24 have one level, the image itself, so that patches are its pixels.</summary>
public sealed class ClassTextureTests
{
    private const int Side = 24;

    [Fact]
    public void AShiftIsItsMeanShadowInUnitsOfThePhotosDeviation()
    {
        // A pattern that repeats every 7 pixels: each patch has it whole, so its deviation is the patches' wherever they are.
        var photo = Pictures.Of(Side, Side, (_, y, x) => 60 + 2 * (7 * (y % 7) + x % 7));
        var shifted = Pictures.Of(Side, Side, (colour, y, x) => 60 + 2 * (7 * (y % 7) + x % 7) + (colour == 0 ? 30 : 0));

        var texture = Assert.Single(ClassTexture.Between([shifted, shifted], Pairs(photo, new byte[Side * Side], "all")));

        // 0, 2, ... 96 have a deviation of 2 sqrt((49^2 - 1) / 12). 49 of a patch's 147 numbers are shifted by 30 of that: a vector 7 times as long.
        // Its mean shadow on the directions of n dimensions is Gamma(n / 2) / (sqrt(pi) Gamma((n + 1) / 2)) of it, for n = 147 within 1e-5
        // sqrt(2 / (pi n)) (1 + 1 / (4 n)).
        double deviation = 2 * Math.Sqrt((49 * 49 - 1) / 12.0), shadow = Math.Sqrt(2 / (Math.PI * 147)) * (1 + 1 / (4.0 * 147));
        double expected = 1000 * 7 * 30 / deviation * shadow;
        Assert.Equal(expected, texture.SlicedWasserstein, 0.15 * expected);
        Assert.Equal(texture.SlicedWasserstein, Assert.Single(texture.Levels).Distance);
        Assert.Equal((0, Side, Side), (texture.Class, texture.Levels[0].Height, texture.Levels[0].Width));
        Assert.Empty(texture.Spectrum);
    }

    [Fact]
    public void OnlyTheClassThatDiffersIsFar()
    {
        byte[] layout = Layout((_, x) => x < 12 ? 0 : 1);
        var photo = Noise(1, (_, _) => 40);
        var images = Noise(1, (_, x) => x < 12 ? 40 : 20);

        var textures = ClassTexture.Between([images, images, images], Pairs([photo, photo, photo], layout, "left", "right"));

        Assert.Equal([0, 1], textures.Select(texture => texture.Class));
        Assert.Equal(0, textures[0].SlicedWasserstein);
        Assert.True(textures[1].SlicedWasserstein > 50, $"{textures[1]}");
    }

    [Fact]
    public void TooWeakATextureIsFarAndShowsInItsPower()
    {
        // Gray values 128 +- 2 d and 128 +- d: half as strong at every frequency, and brightness and layout are the same.
        var random = new Random(3);
        int[] drawn = [.. Enumerable.Range(0, 64 * 64).Select(_ => random.Next(-30, 31))];
        var photo = Pictures.Of(64, 64, (_, y, x) => 128 + 2 * drawn[y * 64 + x]);
        var weak = Pictures.Of(64, 64, (_, y, x) => 128 + drawn[y * 64 + x]);

        var texture = Assert.Single(ClassTexture.Between([weak, weak], Pairs(photo, new byte[64 * 64], "all")));

        Assert.Equal([(0.25, 0.5), (0.125, 0.25)], texture.Spectrum.Select(band => (band.From, band.To)));
        Assert.All(texture.Spectrum, band => Assert.Equal(20 * Math.Log10(0.5), band.Decibels, 1e-9));
        // All of the distance is in the strength, to which the sets' own normalisation is blind: there it is nothing but at the last level.
        Assert.Equal(0, SlicedWasserstein.Between([weak, weak], [photo, photo])[0].Distance, 1e-6);
        // Along a direction a patch's number is x, and half of it: the mean of |x - x / 2|, x of deviation 1 and nearly normal: sqrt(2 / pi) / 2.
        Assert.Equal(1000 * Math.Sqrt(2 / Math.PI) / 2, texture.Levels[0].Distance, 60.0);
    }

    [Fact]
    public void PatchesLieWhollyInsideAndSmallClassesAreLeftOut()
    {
        // Class 1 is 6 pixels wide: no patch fits. Void is no class. What class 1 and void look like must not matter to class 0.
        byte[] layout = Layout((_, x) => x < 9 ? 0 : x < 15 ? 1 : 2);
        var photo = Noise(4, (_, _) => 50);
        var images = Noise(4, (_, x) => x < 9 ? 50 : 5);

        var texture = Assert.Single(ClassTexture.Between([images, images, images], Pairs([photo, photo, photo], layout, "wide", "narrow")));

        Assert.Equal((0, 0.0), (texture.Class, texture.SlicedWasserstein));
    }

    [Fact]
    public void ARegionOfOneClassEndsWhereAnotherBegins()
    {
        // Rows 0 to 6 and 8 to 23 are class 0, row 7 is class 1: were it overlooked, patches would cross it.
        byte[] layout = Layout((y, _) => y == 7 ? 1 : 0);
        var photo = Noise(5, (_, _) => 50);
        var images = Noise(5, (y, _) => y == 7 ? 5 : 50);

        var texture = Assert.Single(ClassTexture.Between([images, images, images], Pairs([photo, photo, photo], layout, "field", "line")));

        Assert.Equal((0, 0.0), (texture.Class, texture.SlicedWasserstein));
    }

    [Fact]
    public void TheSeedDecidesAndLayoutsAreNeeded()
    {
        var real = Pairs(Noise(6, (_, _) => 40), new byte[Side * Side], "all");
        RgbImage[] images = [Noise(7, (_, _) => 40), Noise(8, (_, _) => 40)];

        double distance = ClassTexture.Between(images, real, seed: 1)[0].SlicedWasserstein;

        Assert.Equal(distance, ClassTexture.Between(images, real, seed: 1)[0].SlicedWasserstein);
        Assert.NotEqual(distance, ClassTexture.Between(images, real, seed: 2)[0].SlicedWasserstein);
        Assert.Contains("need layouts", Assert.Throws<ArgumentException>(() => ClassTexture.Between(images, new RealPairs(real.Photos))).Message);
        Assert.Contains("got 1 and 2", Assert.Throws<ArgumentException>(() => ClassTexture.Between(images[..1], real)).Message);
    }

    private static RealPairs Pairs(RgbImage photo, byte[] layout, params string[] classes) => Pairs([photo, photo], layout, classes);

    private static RealPairs Pairs(RgbImage[] photos, byte[] layout, params string[] classes) => new(photos, [.. photos.Select(_ => layout)], classes);

    private static byte[] Layout(Func<int, int, int> label) => [.. Enumerable.Range(0, Side * Side).Select(i => (byte)label(i / Side, i % Side))];

    /// <summary>Noise of a strength that depends on the place; of the same seed the same but for it.</summary>
    private static RgbImage Noise(int seed, Func<int, int, int> strength)
    {
        var random = new Random(seed);
        return Pictures.Of(Side, Side, (_, y, x) => 128 + strength(y, x) * random.Next(-100, 101) / 100);
    }
}
