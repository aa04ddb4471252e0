using CrnMlNet.Data;

namespace CrnMlNet.Tests.Data;

public class VividTonesTests
{
    // Worked by hand from the authors' numbers: a flat gray has no detail, so only base and exposure count. For 128: 128/255 to the
    // power 0.75, as a linear intensity 0.314, L = 62.87; the bases are 62.87 (twice, nearly) and 74.1; the mean of their grays is 180.7.
    [Theory]
    [InlineData(0, 7)]
    [InlineData(40, 49)]
    [InlineData(128, 181)]
    [InlineData(200, 227)]
    [InlineData(255, 255)]
    public void A_flat_gray_gets_the_tone_that_the_formula_gives(byte gray, byte expected)
    {
        var rgb = Enumerable.Repeat(gray, 3 * 6 * 5).ToArray();

        VividTones.Apply(rgb, 6, 5);

        Assert.All(rgb, value => Assert.Equal(expected, value));
    }

    [Fact]
    public void Colours_and_contrast_grow()
    {
        // Bands of a dull green with a light ripple.
        byte Ripple(int i) => (byte)(i / 4 % 2 == 0 ? 0 : 6);
        var rgb = new byte[3 * 16 * 16];
        for (var i = 0; i < 256; i++)
            (rgb[i], rgb[256 + i], rgb[512 + i]) = ((byte)(90 + Ripple(i)), (byte)(120 + Ripple(i)), (byte)(90 + Ripple(i)));
        var before = (byte[])rgb.Clone();

        VividTones.Apply(rgb, 16, 16);

        Assert.InRange(Range(rgb), 2 * Range(before), 80);
        Assert.True(rgb[256] - rgb[0] > before[256] - before[0], "green is no greener");

        static int Range(byte[] planes) => planes[256..512].Max() - planes[256..512].Min();
    }

    [Fact]
    public void A_black_and_white_edge_gets_no_halo()
    {
        var rgb = new byte[3 * 24 * 24];
        for (var i = 0; i < rgb.Length; i++)
            rgb[i] = (byte)(i % 24 < 12 ? 60 : 200);

        VividTones.Apply(rgb, 24, 24);

        // Each side is flat up to the edge: 60 and 200 are made of nothing but themselves.
        Assert.InRange(rgb.Where((_, i) => i % 24 < 12).Max() - rgb.Where((_, i) => i % 24 < 12).Min(), 0, 3);
        Assert.InRange(rgb.Where((_, i) => i % 24 >= 12).Max() - rgb.Where((_, i) => i % 24 >= 12).Min(), 0, 3);
    }

    [Fact]
    public void An_image_keeps_its_size_and_is_another_one()
    {
        using var photo = Images.Gray(5, 3, Enumerable.Repeat((byte)128, 15).ToArray());

        using var vivid = VividTones.Apply(photo);

        Assert.Equal((5, 3), (vivid.Width, vivid.Height));
        Assert.Equal([181, 181, 181, 255], vivid.Pixels[..4].ToArray());
        Assert.Equal([128, 128, 128, 255], photo.Pixels[..4].ToArray());
    }

    // Published values: white, and sRGB's primaries against D50 as ICC-based software gives them.
    [Theory]
    [InlineData(1, 1, 1, 100, 0, 0)]
    [InlineData(0, 0, 0, 0, 0, 0)]
    [InlineData(1, 0, 0, 54.29, 80.81, 69.89)]
    [InlineData(0, 1, 0, 87.82, -79.29, 80.99)]
    [InlineData(0, 0, 1, 29.57, 68.30, -112.03)]
    public void Lab_is_that_of_ICC_profiles(double r, double g, double b, double l, double a, double blueToYellow)
    {
        var lab = CieLab.FromLinearRgb(r, g, b);

        Assert.InRange(lab.L, l - 0.02, l + 0.02);
        Assert.InRange(lab.A, a - 0.02, a + 0.02);
        Assert.InRange(lab.B, blueToYellow - 0.02, blueToYellow + 0.02);
        var back = CieLab.ToLinearRgb(lab.L, lab.A, lab.B);
        Assert.Equal((r, g, b), (Math.Round(back.R, 4) + 0, Math.Round(back.G, 4) + 0, Math.Round(back.B, 4) + 0));
    }
}
