using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>
/// Places drawn from the area of each class in each of a batch's layouts: from its inside, where a filter sees that class alone, and from its edge, where it sees another, too. As many
/// are drawn from either, whatever its size.
/// </summary>
/// <param name="Places">
/// The places of one area after the other's, <see cref="PerArea"/> of each: indices into maps <c>[N, H, W]</c> of the layouts' size.
/// </param>
/// <param name="Weights">Of each area the square root of its size; those of a layout sum to 1/N, so that large areas count more, and small ones, too.</param>
internal sealed record ClassPlaces(long[] Places, float[] Weights)
{
    /// <summary>Places drawn from an area.</summary>
    public const int PerArea = 128;

    /// <summary>Areas of fewer places are left out: they have no texture. An inside or an edge of fewer is drawn from with the other.</summary>
    public const int Fewest = 16;

    /// <summary>How many areas there are.</summary>
    public int Areas => Weights.Length;

    /// <summary>Draws places, none twice unless all of the area's are drawn.</summary>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>; a pixel is of the class that has most of it.</param>
    /// <param name="reach">How far from its middle a filter sees, in pixels; at the border of the layout it sees what is there repeated.</param>
    /// <param name="random">Draws.</param>
    public static ClassPlaces Draw(Tensor layouts, int reach, Random random)
    {
        var (count, classes, rows, columns) = ((int)layouts.shape[0], (int)layouts.shape[1], (int)layouts.shape[2], (int)layouts.shape[3]);
        long[] labels = Labels(layouts);
        var places = new List<long>();
        var weights = new List<float>();
        for (int n = 0; n < count; n++)
        {
            var (inside, edge) = (new List<long>[classes], new List<long>[classes]);
            for (int c = 0; c < classes; c++)
                (inside[c], edge[c]) = ([], []);
            int first = n * rows * columns;
            bool[] isInside = Inside(labels.AsSpan(first, rows * columns), rows, columns, reach);
            for (int i = 0; i < isInside.Length; i++)
                (isInside[i] ? inside : edge)[labels[first + i]].Add(first + i);
            var textured = inside.Zip(edge).SelectMany(area => Apart(area.First, area.Second)).Where(area => area.Count >= Fewest).ToList();
            double sum = textured.Sum(area => Math.Sqrt(area.Count));
            foreach (var area in textured)
            {
                weights.Add((float)(Math.Sqrt(area.Count) / sum / count));
                AddSome(area.ToArray(), places, random);
            }
        }
        return new ClassPlaces([.. places], [.. weights]);

        static IEnumerable<List<long>> Apart(List<long> inside, List<long> edge) => Math.Min(inside.Count, edge.Count) >= Fewest ? [inside, edge] : [[.. inside, .. edge]];
    }

    /// <summary>Whether all that is seen from a place is of one class: along its row, and so in each of the rows that are seen.</summary>
    private static bool[] Inside(ReadOnlySpan<long> labels, int rows, int columns, int reach)
    {
        var along = new bool[labels.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            int row = i / columns * columns, column = i % columns;
            along[i] = !labels[(row + Math.Max(0, column - reach))..(row + Math.Min(columns - 1, column + reach) + 1)].ContainsAnyExcept(labels[i]);
        }
        var inside = new bool[labels.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            int row = i / columns, column = i % columns;
            inside[i] = true;
            for (int y = Math.Max(0, row - reach); y <= Math.Min(rows - 1, row + reach); y++)
                inside[i] &= along[y * columns + column] && labels[y * columns + column] == labels[i];
        }
        return inside;
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
