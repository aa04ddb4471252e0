using CrnMlNet.Torch.Training;

namespace CrnMlNet.Torch.Tests.Training;

/// <summary>
/// Pairs drawn here, 24x32: rectangles of four classes, bright inside and darker towards their borders. The photo follows from
/// the layout alone, but not class by class: where a pixel lies in its rectangle decides, which flat painting misses.
/// </summary>
internal static class ShadedShapes
{
    public const int Channels = 4;
    public const int Height = 24;
    public const int Width = 32;

    private const int Shade = 3;

    private static readonly byte[][] Colours = [[90, 120, 200], [200, 60, 50], [70, 180, 80], [230, 210, 90]];

    public static TrainingPairs Pairs(int count, int seed)
    {
        var random = new Random(seed);
        var pairs = new TrainingPairs(Channels, Height, Width);
        for (int i = 0; i < count; i++)
        {
            var ids = Ids(random);
            pairs.Add(ids, Photo(ids));
        }
        return pairs;
    }

    private static byte[] Ids(Random random)
    {
        var ids = new byte[Height * Width];
        for (int shape = 0; shape < 4; shape++)
        {
            int height = random.Next(8, 17), width = random.Next(8, 17);
            int top = random.Next(Height - height), left = random.Next(Width - width);
            byte id = (byte)random.Next(Channels);
            for (int y = top; y < top + height; y++)
                ids.AsSpan(y * Width + left, width).Fill(id);
        }
        return ids;
    }

    private static byte[] Photo(byte[] ids)
    {
        var photo = new byte[3 * ids.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            double inside = Around(i).Average(neighbour => ids[neighbour] == ids[i] ? 1.0 : 0);
            for (int colour = 0; colour < 3; colour++)
                photo[colour * ids.Length + i] = (byte)(Colours[ids[i]][colour] * inside * inside);
        }
        return photo;
    }

    private static IEnumerable<int> Around(int i)
    {
        for (int y = Math.Max(0, i / Width - Shade); y <= Math.Min(Height - 1, i / Width + Shade); y++)
            for (int x = Math.Max(0, i % Width - Shade); x <= Math.Min(Width - 1, i % Width + Shade); x++)
                yield return y * Width + x;
    }
}
