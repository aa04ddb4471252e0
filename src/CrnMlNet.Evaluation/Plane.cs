namespace CrnMlNet.Evaluation;

/// <summary>One channel of an image in double precision, row by row.</summary>
internal sealed class Plane(int height, int width)
{
    public int Height => height;

    public int Width => width;

    public double[] Values { get; } = new double[height * width];

    public double this[int y, int x]
    {
        get => Values[y * width + x];
        set => Values[y * width + x] = value;
    }
}
