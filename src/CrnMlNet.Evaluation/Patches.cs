namespace CrnMlNet.Evaluation;

/// <summary>Patches of 7x7 pixels in RGB, cut from the levels of Laplacian pyramids, one after the other: each is [3, 7, 7].</summary>
internal static class Patches
{
    public const int Size = 7;
    public const int Area = Size * Size;
    public const int Dimensions = 3 * Area;
    public const int SmallestLevel = 16;

    /// <summary>How many levels with at least 16 pixels on the shorter side an image has.</summary>
    public static int Levels(RgbImage image)
    {
        int side = Math.Min(image.Height, image.Width), levels = 0;
        for (; side >= SmallestLevel; side = (side + 1) / 2)
            levels++;
        return levels;
    }

    /// <summary>For each level, finest first, its red, green and blue.</summary>
    public static Plane[][] Pyramid(RgbImage image, int levels)
    {
        Plane[][] colours = [.. Enumerable.Range(0, 3).Select(colour => LaplacianPyramid.Of(image.Plane(colour), levels))];
        return [.. Enumerable.Range(0, levels).Select(level => colours.Select(pyramid => pyramid[level]).ToArray())];
    }

    /// <summary>Cuts one patch.</summary>
    public static void Cut(Plane[] level, int top, int left, List<double> patches)
    {
        foreach (var colour in level)
            for (int y = 0; y < Size; y++)
                for (int x = 0; x < Size; x++)
                    patches.Add(colour[top + y, left + x]);
    }

    /// <summary>A colour's mean and standard deviation over all patches.</summary>
    public static (double Mean, double Deviation) Moments(double[] patches, int colour)
    {
        int values = patches.Length / 3;
        double sum = 0, squares = 0;
        ForEach(patches, colour, i => sum += patches[i]);
        double mean = sum / values;
        ForEach(patches, colour, i => squares += (patches[i] - mean) * (patches[i] - mean));
        return (mean, Math.Sqrt(squares / values));
    }

    /// <summary>Goes through the indices of a colour's values.</summary>
    public static void ForEach(double[] patches, int colour, Action<int> action)
    {
        for (int start = colour * Area; start < patches.Length; start += Dimensions)
            for (int i = start; i < start + Area; i++)
                action(i);
    }
}
