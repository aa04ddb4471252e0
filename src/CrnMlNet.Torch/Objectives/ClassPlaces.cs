using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>Places drawn from the area of each class in each of a batch's layouts, as many from every area, whatever its size.</summary>
/// <param name="Places">
/// The places of one area after the other's, <see cref="PerArea"/> of each: indices into maps <c>[N, H, W]</c> of the layouts' size.
/// </param>
/// <param name="Weights">Of each area the square root of its size; those of a layout sum to 1/N, so that large areas count more, and small ones, too.</param>
internal sealed record ClassPlaces(long[] Places, float[] Weights)
{
    /// <summary>Places drawn from an area.</summary>
    public const int PerArea = 128;

    /// <summary>Areas of fewer places are left out: they have no texture.</summary>
    public const int Fewest = 16;

    /// <summary>How many areas there are.</summary>
    public int Areas => Weights.Length;

    /// <summary>Draws places, none twice unless all of the area's are drawn.</summary>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>; a pixel is of the class that has most of it.</param>
    /// <param name="random">Draws.</param>
    public static ClassPlaces Draw(Tensor layouts, Random random)
    {
        var (count, classes, pixels) = ((int)layouts.shape[0], (int)layouts.shape[1], (int)(layouts.shape[2] * layouts.shape[3]));
        long[] labels = Labels(layouts);
        var places = new List<long>();
        var weights = new List<float>();
        for (int n = 0; n < count; n++)
        {
            var areas = new List<long>?[classes];
            for (int place = n * pixels; place < (n + 1) * pixels; place++)
                (areas[labels[place]] ??= []).Add(place);
            var textured = areas.OfType<List<long>>().Where(area => area.Count >= Fewest).ToList();
            double sum = textured.Sum(area => Math.Sqrt(area.Count));
            foreach (var area in textured)
            {
                weights.Add((float)(Math.Sqrt(area.Count) / sum / count));
                AddSome(area.ToArray(), places, random);
            }
        }
        return new ClassPlaces([.. places], [.. weights]);
    }

    private static long[] Labels(Tensor layouts)
    {
        using var scope = NewDisposeScope();
        return layouts.argmax(1).cpu().contiguous().data<long>().ToArray();
    }

    private static void AddSome(long[] area, List<long> places, Random random)
    {
        for (int i = 0; i < PerArea; i++)
        {
            // Fisher & Yates' shuffle, as far as it is needed, and again when all have been drawn.
            int drawn = i % area.Length, other = random.Next(drawn, area.Length);
            (area[drawn], area[other]) = (area[other], area[drawn]);
            places.Add(area[drawn]);
        }
    }
}
