using static TorchSharp.torch;

namespace CrnMlNet.Evaluation.Tests;

public sealed class KernelDistanceTests
{
    [Fact]
    public void IsTheUnbiasedEstimateByHand()
    {
        using var scope = NewDisposeScope();
        // d = 1, k(x, y) = (xy + 1)^3. First set 0, 1: k(0, 1) = 1. Second set 1, 2: k(1, 2) = 27.
        // Across: k(0, 1) = 1, k(0, 2) = 1, k(1, 1) = 8, k(1, 2) = 27, mean 37 / 4.
        var distance = KernelDistance.Between(tensor(new[] { 0.0, 1 }, 2, 1), tensor(new[] { 1.0, 2 }, 2, 1), subsets: 3, subsetSize: 2);

        Assert.Equal(1 + 27 - 2 * 37 / 4.0, distance.Mean, 1e-12);
        // A subset of all is the same each time.
        Assert.Equal(0, distance.Deviation, 1e-12);
        Assert.Equal((3, 2), (distance.Subsets, distance.SubsetSize));
    }

    [Fact]
    public void DoesWhatPlainLoopsDo()
    {
        using var scope = NewDisposeScope();
        double[][] first = Drawn(7, 5, seed: 1, shift: 0), second = Drawn(9, 5, seed: 2, shift: 0.5);

        double within = 0, withinOther = 0, across = 0;
        foreach (var x in first)
            foreach (var y in first)
                within += ReferenceEquals(x, y) ? 0 : Kernel(x, y) / (7 * 6);
        foreach (var x in second)
            foreach (var y in second)
                withinOther += ReferenceEquals(x, y) ? 0 : Kernel(x, y) / (9 * 8);
        foreach (var x in first)
            foreach (var y in second)
                across += Kernel(x, y) / (7 * 9);

        Assert.Equal(within + withinOther - 2 * across, KernelDistance.Unbiased(Rows(first), Rows(second)), 1e-10);

        static double Kernel(double[] x, double[] y) => Math.Pow(x.Zip(y, (a, b) => a * b).Sum() / x.Length + 1, 3);
    }

    [Fact]
    public void SubsetsOfTwoAverageToTheWholeAndSpread()
    {
        using var scope = NewDisposeScope();
        var (first, second) = (Rows(Drawn(20, 3, seed: 3, shift: 0)), Rows(Drawn(20, 3, seed: 4, shift: 1)));

        // The estimate is unbiased, so the mean over many small subsets comes near that of the whole sets.
        var distance = KernelDistance.Between(first, second, subsets: 3000, subsetSize: 5);
        double whole = KernelDistance.Unbiased(first, second);

        Assert.True(whole > 1, $"{whole}");
        Assert.True(Math.Abs(distance.Mean - whole) < 4 * distance.Deviation / Math.Sqrt(3000), $"{distance} {whole}");
        Assert.True(distance.Deviation > 0.01);
        Assert.Equal(10, KernelDistance.Between(first, second, subsets: 1).SubsetSize);
        Assert.Equal(distance, KernelDistance.Between(first, second, subsets: 3000, subsetSize: 5));
        Assert.NotEqual(distance.Mean, KernelDistance.Between(first, second, subsets: 3000, subsetSize: 5, seed: 1).Mean);
    }

    [Fact]
    public void TheIntervalIsAsWideAsDistancesOfOtherPhotosScatter()
    {
        using var scope = NewDisposeScope();
        // The distances of 200 other pairs of sets of the same kinds, and what one pair's subsets say of them.
        double[] others = [.. Enumerable.Range(0, 200).Select(i => Distance(seed: 100 + 2 * i))];
        double mean = others.Average(), deviation = Math.Sqrt(others.Average(other => (other - mean) * (other - mean)));

        double[] reaches = [.. Enumerable.Range(0, 10).SelectMany(i => new[] { Reach(1000 + 2 * i, 15), Reach(1000 + 2 * i, 6) })];

        Assert.Equal(1.96 * deviation, reaches.Average(), 0.3 * 1.96 * deviation);
        Assert.Null(KernelDistance.Between(First(1), Second(2), subsets: 1).Interval);
        Assert.Null(KernelDistance.Between(First(1), Second(2), subsets: 5, subsetSize: 30).Interval);

        Tensor First(int seed) => Rows(Drawn(30, 3, seed, shift: 0));
        Tensor Second(int seed) => Rows(Drawn(30, 3, seed, shift: 0.6));
        double Distance(int seed) => KernelDistance.Unbiased(First(seed), Second(seed + 1));

        double Reach(int seed, int size)
        {
            var distance = KernelDistance.Between(First(seed), Second(seed + 1), subsets: 200, subsetSize: size);
            Assert.Equal(distance.Mean, (distance.Interval!.Value.Low + distance.Interval.Value.High) / 2, 1e-9);
            return distance.Interval.Value.High - distance.Mean;
        }
    }

    [Fact]
    public void WhatCannotBeComparedIsRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("got [3, 2] and [3, 4]", Assert.Throws<ArgumentException>(() => KernelDistance.Between(zeros(3, 2), zeros(3, 4))).Message);
        Assert.Throws<ArgumentException>(() => KernelDistance.Between(zeros(1, 2), zeros(3, 2)));
        Assert.Contains("from 2 to 3", Assert.Throws<ArgumentException>(() => KernelDistance.Between(zeros(3, 2), zeros(4, 2), subsetSize: 4)).Message);
    }

    internal static double[][] Drawn(int rows, int features, int seed, double shift)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Range(0, features).Select(_ => random.NextDouble() * 2 - 1 + shift).ToArray())];
    }

    internal static Tensor Rows(double[][] rows) => tensor([.. rows.SelectMany(row => row)], [rows.Length, rows[0].Length]);
}
