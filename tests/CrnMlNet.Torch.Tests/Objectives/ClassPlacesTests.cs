using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Objectives;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

public class ClassPlacesTests
{
    private const int Height = 20;
    private const int Width = 24;

    private const int Reach = 2;

    [Fact]
    public void EachAreaGivesAsManyPlacesAllOfThemItsOwn()
    {
        using var scope = NewDisposeScope();

        var drawn = ClassPlaces.Draw(Layouts(), Reach, new Random(1));

        Assert.Equal(Expected.Length, drawn.Areas);
        Assert.Equal(Expected.Length * ClassPlaces.PerArea, drawn.Places.Length);
        for (int area = 0; area < Expected.Length; area++)
            Assert.All(drawn.Places.AsSpan(area * ClassPlaces.PerArea, ClassPlaces.PerArea).ToArray(), place =>
            {
                var (layout, label, isInside) = At(place);
                Assert.Equal(Expected[area], (layout, label, Expected[area].IsInside is null ? null : isInside));
            });
    }

    [Fact]
    public void NoPlaceIsDrawnTwiceBeforeAllAre()
    {
        using var scope = NewDisposeScope();

        var drawn = ClassPlaces.Draw(Layouts(), Reach, new Random(2));

        for (int area = 0; area < Expected.Length; area++)
        {
            var times = drawn.Places.Skip(area * ClassPlaces.PerArea).Take(ClassPlaces.PerArea).CountBy(place => place).Select(count => count.Value).ToArray();
            Assert.Equal(Math.Min(Sizes[area], ClassPlaces.PerArea), times.Length);
            Assert.InRange(times.Max() - times.Min(), 0, 1);
        }
    }

    [Fact]
    public void AnAreaCountsAsTheSquareRootOfItsSizeAndALayoutAsAnyOther()
    {
        using var scope = NewDisposeScope();

        var drawn = ClassPlaces.Draw(Layouts(), Reach, new Random(3));

        double one = Sizes[..4].Sum(size => Math.Sqrt(size)), other = Sizes[4..].Sum(size => Math.Sqrt(size));
        double[] expected = [.. Sizes.Select((size, area) => Math.Sqrt(size) / (area < 4 ? one : other) / 2)];
        Assert.Equal(expected, drawn.Weights.Select(weight => (double)weight), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    // Of the first layout the insides and the edges of classes 0 and 1, of the second class 0's, and class 2, whose inside is nothing; class 3 has too little room.
    private static (int Layout, int Class, bool? IsInside)[] Expected => [(0, 0, true), (0, 0, false), (0, 1, true), (0, 1, false), (1, 0, true), (1, 0, false), (1, 2, null)];

    // 20 x 8 of class 0, of which 2 columns see the 20 x 16 of class 1, and 2 of those see them. Then 20 x 24 of class 0; 12 x 8 see class 2 or 3, or are the 4 x 4 and the 2 x 4 of them.
    private static int[] Sizes => [120, 40, 280, 40, 480 - 12 * 8, 12 * 8 - 16 - 8, 16];

    private static Tensor Layouts()
    {
        var ids = new long[2 * Height * Width];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = Class(i / (Height * Width), i / Width % Height, i % Width);
        return SemanticLayout.OneHot(tensor(ids, [2, Height, Width]), 5);
    }

    private static int Class(int layout, int y, int x) => layout == 0
        ? x < 8 ? 0 : 1
        : y is >= 6 and < 10 && x is >= 10 and < 14 ? 2 : y is >= 12 and < 14 && x is >= 10 and < 14 ? 3 : 0;

    private static (int Layout, int Class, bool? IsInside) At(long place)
    {
        int layout = (int)(place / (Height * Width)), y = (int)(place / Width % Height), x = (int)(place % Width);
        var seen = Enumerable.Range(y - Reach, 2 * Reach + 1).SelectMany(row => Enumerable.Range(x - Reach, 2 * Reach + 1).Select(column => Class(layout, Math.Clamp(row, 0, Height - 1), Math.Clamp(column, 0, Width - 1))));
        return (layout, Class(layout, y, x), seen.Distinct().Count() == 1);
    }
}
