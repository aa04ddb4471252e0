using CrnMlNet.Data;

namespace CrnMlNet.Tests.Data;

public class EdgePreservingSmoothingTests
{
    [Fact]
    public void Two_pixels_by_hand()
    {
        // Guide 0 and 1: the affinity is a = 1 / (1^1.2 + 0.0001). With lambda = 2 the system is
        // (1 + 2a) u0 - 2a u1 = 10, -2a u0 + (1 + 2a) u1 = 20: u0 + u1 = 30, (1 + 4a)(u1 - u0) = 10.
        var a = 1 / 1.0001;
        var difference = 10 / (1 + 4 * a);

        var smoothed = new EdgePreservingSmoothing([0, 1], 1, 2, 1.2).Smooth([10, 20], 2, 1e-10);

        Assert.Equal(15 - difference / 2, smoothed[0], 8);
        Assert.Equal(15 + difference / 2, smoothed[1], 8);
        Assert.Equal(smoothed, new EdgePreservingSmoothing([0, 1], 2, 1, 1.2).Smooth([10, 20], 2, 1e-10));
    }

    [Theory]
    [InlineData(1, 9)]
    [InlineData(7, 1)]
    [InlineData(6, 8)]
    [InlineData(9, 5)]
    public void It_solves_the_system_that_elimination_solves(int height, int width)
    {
        var random = new Random(height);
        var plane = Enumerable.Range(0, height * width).Select(_ => 100 * random.NextDouble()).ToArray();
        // Flat areas, whose affinities are 10,000 times those across an edge.
        var guide = plane.Select(value => Math.Floor(value / 40)).ToArray();

        var smoothed = new EdgePreservingSmoothing(guide, height, width, 1.2).Smooth(plane, 0.5, 1e-6);

        var exact = Eliminate(SystemOf(guide, height, width, lambda: 0.5, alpha: 1.2), plane);
        Assert.All(exact.Zip(smoothed), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 1e-6));
    }

    [Fact]
    public void The_tolerance_bounds_the_error()
    {
        var random = new Random(5);
        var plane = Enumerable.Range(0, 20 * 24).Select(_ => 100 * random.NextDouble()).ToArray();
        var guide = plane.Select(value => Math.Floor(value / 30)).ToArray();
        var smoothing = new EdgePreservingSmoothing(guide, 20, 24, 1.2);

        var coarse = smoothing.Smooth(plane, 0.5, 0.01);

        var exact = Eliminate(SystemOf(guide, 20, 24, lambda: 0.5, alpha: 1.2), plane);
        Assert.InRange(exact.Zip(coarse).Max(pair => Math.Abs(pair.First - pair.Second)), 0, 0.01);
    }

    [Fact]
    public void A_flat_plane_stays_as_it_is()
    {
        var smoothed = new EdgePreservingSmoothing(new double[12 * 10], 12, 10, 1.2).Smooth(Enumerable.Repeat(42.0, 120).ToArray(), 0.5, 1e-3);

        Assert.All(smoothed, value => Assert.Equal(42, value, 9));
    }

    [Fact]
    public void Noise_goes_and_an_edge_stays()
    {
        var random = new Random(2);
        var plane = Enumerable.Range(0, 32 * 32).Select(i => (i % 32 < 16 ? 20 : 80) + random.NextDouble()).ToArray();

        var smoothed = new EdgePreservingSmoothing([.. plane.Select(value => Math.Log(value))], 32, 32, 1.2).Smooth(plane, 0.5, 1e-3);

        double[] left = [.. smoothed.Where((_, i) => i % 32 < 16)], right = [.. smoothed.Where((_, i) => i % 32 >= 16)];
        // Uniform noise of 0 to 1 has a deviation of 0.29. The step between the means, 60, is held by 16 pixels on each side and drawn
        // together by the affinity across the edge, 0.5 / ln(80.5 / 20.5)^1.2 = 0.34: 60 / (1 + 2 * 0.34 / 16) = 57.5 is left of it.
        Assert.InRange(Deviation(right), 0, 0.15);
        Assert.InRange(right.Average() - left.Average(), 57.5 - 0.5, 57.5 + 0.5);
        Assert.InRange(smoothed[16 * 32 + 16] - smoothed[16 * 32 + 15], 57.5 - 1.5, 57.5 + 1.5);
    }

    private static double Deviation(double[] values) => Math.Sqrt(values.Average(value => Math.Pow(value - values.Average(), 2)));

    /// <summary>The matrix of wlsFilter.m, in full.</summary>
    private static double[,] SystemOf(double[] guide, int height, int width, double lambda, double alpha)
    {
        var matrix = new double[guide.Length, guide.Length];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                matrix[y * width + x, y * width + x] += 1;
                if (x + 1 < width)
                    Join(y * width + x, y * width + x + 1);
                if (y + 1 < height)
                    Join(y * width + x, (y + 1) * width + x);
            }
        }

        return matrix;

        void Join(int a, int b)
        {
            var weight = lambda / (Math.Pow(Math.Abs(guide[a] - guide[b]), alpha) + 0.0001);
            matrix[a, a] += weight;
            matrix[b, b] += weight;
            matrix[a, b] -= weight;
            matrix[b, a] -= weight;
        }
    }

    private static double[] Eliminate(double[,] matrix, double[] right)
    {
        var (a, u) = ((double[,])matrix.Clone(), (double[])right.Clone());
        for (var pivot = 0; pivot < u.Length; pivot++)
        {
            for (var row = pivot + 1; row < u.Length; row++)
            {
                var factor = a[row, pivot] / a[pivot, pivot];
                if (factor == 0)
                    continue;
                for (var column = pivot; column < u.Length; column++)
                    a[row, column] -= factor * a[pivot, column];
                u[row] -= factor * u[pivot];
            }
        }

        for (var row = u.Length - 1; row >= 0; row--)
        {
            for (var column = row + 1; column < u.Length; column++)
                u[row] -= a[row, column] * u[column];
            u[row] /= a[row, row];
        }

        return u;
    }
}
