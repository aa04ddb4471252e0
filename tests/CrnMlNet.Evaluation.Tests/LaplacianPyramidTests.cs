namespace CrnMlNet.Evaluation.Tests;

public sealed class LaplacianPyramidTests
{
    [Fact]
    public void AFlatPlaneIsAllInTheLastLevel()
    {
        var pyramid = LaplacianPyramid.Of(Plane(9, 12, (_, _) => 40), 3);

        Assert.All(pyramid[0].Values, value => Assert.Equal(0, value, 1e-12));
        Assert.All(pyramid[1].Values, value => Assert.Equal(0, value, 1e-12));
        Assert.Equal((3, 3), (pyramid[2].Height, pyramid[2].Width));
        Assert.All(pyramid[2].Values, value => Assert.Equal(40, value, 1e-12));
    }

    [Fact]
    public void HalvingWeighsWith14641AndMirrorsTheBorder()
    {
        // A point of 256 at row 0, column 2 of 4x6. Rows 0 and 2 are kept: row 0 sees it with 6 (and nothing mirrored onto
        // it), row 2 with 1. Columns 0, 2 and 4 see it with 1, 6, 1; column 0 also by the mirror image at -2: 1 + 1.
        var half = LaplacianPyramid.Down(Plane(4, 6, (y, x) => y == 0 && x == 2 ? 256 : 0));

        Assert.Equal([12, 36, 6, 2, 6, 1], half.Values);
    }

    [Fact]
    public void DoublingSpreadsWith14641()
    {
        // A point of 64 at row 1, column 1 of 3x3 comes to row 2, column 2 of 6x6, weighed 1 4 6 4 1 over 8 in both
        // directions; row and column 0 see it at 2 and, mirrored, at -2.
        var doubled = LaplacianPyramid.Up(Plane(3, 3, (y, x) => y == 1 && x == 1 ? 64 : 0), 6, 6);

        double[] weights = [2, 4, 6, 4, 1, 0];
        for (int y = 0; y < 6; y++)
            for (int x = 0; x < 6; x++)
                Assert.Equal(weights[y] * weights[x], doubled[y, x], 1e-12);
    }

    private static Plane Plane(int height, int width, Func<int, int, double> value)
    {
        var plane = new Plane(height, width);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                plane[y, x] = value(y, x);
        return plane;
    }
}
