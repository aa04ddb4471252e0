namespace CrnMlNet.Evaluation.Tests;

/// <summary>Images by formulas in whole numbers, which any other program can draw as well.</summary>
internal static class Pictures
{
    public static RgbImage Constant(int height, int width, byte value) => Of(height, width, (_, _, _) => value);

    /// <summary>Slanted triangle waves: up from 0 to 255 and down again, red, green and blue shifted.</summary>
    public static RgbImage Waves(int height, int width) => Of(height, width, Wave);

    public static RgbImage NoisyWaves(int height, int width) =>
        Of(height, width, (c, y, x) => Math.Clamp(Wave(c, y, x) + (7 * x + 13 * y + 5 * c) % 31 - 15, 0, 255));

    public static RgbImage DullWaves(int height, int width) => Of(height, width, (c, y, x) => Wave(c, y, x) / 2 + 60);

    public static RgbImage Of(int height, int width, Func<int, int, int, int> value)
    {
        var planes = new byte[3 * height * width];
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                    planes[(c * height + y) * width + x] = (byte)value(c, y, x);
        return new RgbImage(height, width, planes);
    }

    private static int Wave(int c, int y, int x)
    {
        int t = (3 * x + 2 * y + 40 * c) % 510;
        return t <= 255 ? t : 510 - t;
    }
}
