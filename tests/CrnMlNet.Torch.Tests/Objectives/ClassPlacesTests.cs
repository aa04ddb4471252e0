using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Objectives;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

public class ClassPlacesTests
{
    private const int Height = 20;
    private const int Width = 24;

    [Fact]
    public void EachAreaGivesAsManyPlacesAllOfThemItsOwn()
    {
        using var scope = NewDisposeScope();

        var drawn = ClassPlaces.Draw(Layouts(), new Random(1));

        // Of the first layout classes 0 and 1, of the second 0 and 2; class 3 has too little room.
        Assert.Equal(4, drawn.Areas);
        Assert.Equal(4 * ClassPlaces.PerArea, drawn.Places.Length);
        (int Layout, int Class)[] expected = [(0, 0), (0, 1), (1, 0), (1, 2)];
        for (int area = 0; area < 4; area++)
            Assert.All(drawn.Places.AsSpan(area * ClassPlaces.PerArea, ClassPlaces.PerArea).ToArray(), place => Assert.Equal(expected[area], At(place)));
    }

    [Fact]
    public void NoPlaceIsDrawnTwiceBeforeAllAre()
    {
        using var scope = NewDisposeScope();

        var drawn = ClassPlaces.Draw(Layouts(), new Random(2));

        for (int area = 0; area < 4; area++)
        {
            var times = drawn.Places.Skip(area * ClassPlaces.PerArea).Take(ClassPlaces.PerArea).CountBy(place => place).Select(count => count.Value).ToArray();
            int room = Enumerable.Range(0, 2 * Height * Width).Count(place => At(place) == At(drawn.Places[area * ClassPlaces.PerArea]));
            Assert.Equal(Math.Min(room, ClassPlaces.PerArea), times.Length);
            Assert.InRange(times.Max() - times.Min(), 0, 1);
        }
    }

    [Fact]
    public void AnAreaCountsAsTheSquareRootOfItsSizeAndALayoutAsAnyOther()
    {
        using var scope = NewDisposeScope();

        var drawn = ClassPlaces.Draw(Layouts(), new Random(3));

        // 20 x 8 of class 0 beside 20 x 16 of class 1; 20 x 24 of class 0, less 4 x 4 of class 2 and 2 x 4 of class 3.
        double[] sizes = [160, 320, 480 - 16 - 8, 16];
        double one = Math.Sqrt(sizes[0]) + Math.Sqrt(sizes[1]), other = Math.Sqrt(sizes[2]) + Math.Sqrt(sizes[3]);
        double[] expected = [Math.Sqrt(sizes[0]) / one / 2, Math.Sqrt(sizes[1]) / one / 2, Math.Sqrt(sizes[2]) / other / 2, Math.Sqrt(sizes[3]) / other / 2];
        Assert.Equal(expected, drawn.Weights.Select(weight => (double)weight), (a, b) => Math.Abs(a - b) < 1e-6);
    }

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

    private static (int Layout, int Class) At(long place)
    {
        int layout = (int)(place / (Height * Width)), y = (int)(place / Width % Height), x = (int)(place % Width);
        return (layout, Class(layout, y, x));
    }
}
