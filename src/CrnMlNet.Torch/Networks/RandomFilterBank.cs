using CrnMlNet.Torch.Backend;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// Filters of 5x5 pixels in RGB that are drawn by chance, of zero mean in each colour and of unit length, every direction as likely. What they
/// give of a picture are the projections of its patches onto random directions. A third of them sees shades alone, a third hues alone, and a
/// third both: hues differ so little in photos that only filters of their own tell a speckle of colours from none.
/// </summary>
internal static class RandomFilterBank
{
    /// <summary>The side of a filter in pixels.</summary>
    public const int Size = 5;

    private const int Colours = 3;

    /// <summary>Draws filters.</summary>
    /// <param name="count">How many.</param>
    /// <param name="random">Draws them.</param>
    /// <returns><c>[count, 3, 5, 5]</c>, float32, on the CPU: shades, hues, both, and again.</returns>
    public static Tensor Draw(int count, Random random)
    {
        const int Area = Size * Size, Length = Colours * Area;
        var filters = new float[count * Length];
        for (int filter = 0; filter < count; filter++)
            Draw(filters.AsSpan(filter * Length, Length), filter % 3, random);
        return torch.tensor(filters, [count, Colours, Size, Size]);
    }

    private static void Draw(Span<float> filter, int kind, Random random)
    {
        int area = filter.Length / Colours;
        for (int i = 0; i < filter.Length; i++)
            filter[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        for (int place = 0; place < area; place++)
        {
            float shade = (filter[place] + filter[area + place] + filter[2 * area + place]) / Colours;
            for (int colour = 0; colour < Colours; colour++)
                filter[colour * area + place] = kind switch { 0 => shade, 1 => filter[colour * area + place] - shade, _ => filter[colour * area + place] };
        }
        for (int colour = 0; colour < Colours; colour++)
            TakeMean(filter.Slice(colour * area, area));
        float length = MathF.Sqrt(Sum(filter, value => value * value));
        foreach (ref float value in filter)
            value /= length;
    }

    private static void TakeMean(Span<float> plane)
    {
        float mean = Sum(plane, value => value) / plane.Length;
        foreach (ref float value in plane)
            value -= mean;
    }

    private static float Sum(ReadOnlySpan<float> values, Func<float, float> of)
    {
        float sum = 0;
        foreach (float value in values)
            sum += of(value);
        return sum;
    }
}
