using static TorchSharp.torch;

namespace CrnMlNet.Evaluation.Tests;

public sealed class FrechetDistanceTests
{
    [Fact]
    public void OfIndependentNormalsItIsClosed()
    {
        using var scope = NewDisposeScope();
        // The sum over dimensions of (m1 - m2)^2 + (s1 - s2)^2.
        double distance = FrechetDistance.Between(
            tensor(new[] { 1.0, 2, 3 }), diag(tensor(new[] { 1.0, 4, 9 })), tensor(new[] { 2.0, 2, 0 }), diag(tensor(new[] { 16.0, 0, 1 })));

        Assert.Equal(1 + 9 + (9 + 4 + 4), distance, 1e-9);
    }

    [Fact]
    public void OfDependentNormalsItIsClosedForTwoDimensions()
    {
        using var scope = NewDisposeScope();
        double[] one = [2, 1, 1, 3], other = [4, -1, -1, 2];

        double distance = FrechetDistance.Between(zeros(2, ScalarType.Float64), tensor(one, 2, 2), zeros(2, ScalarType.Float64), tensor(other, 2, 2));

        // Of a 2x2 matrix P = S1 S2 with positive eigenvalues, Tr(P^(1/2))^2 = Tr P + 2 sqrt(det P). Tr P = 8 - 1 - 1 + 6, det P = 5 * 7.
        Assert.Equal(5 + 6 - 2 * Math.Sqrt(12 + 2 * Math.Sqrt(35)), distance, 1e-9);
    }

    [Fact]
    public void MomentsOfSamplesAreTheUnbiasedOnes()
    {
        using var scope = NewDisposeScope();
        // One feature. 0, 2, 4: mean 2, variance 8 / 2. 5, 7: mean 6, variance 2.
        double distance = FrechetDistance.Between(tensor(new[] { 0.0, 2, 4 }, 3, 1), tensor(new[] { 5.0, 7 }, 2, 1));

        Assert.Equal(16 + Math.Pow(2 - Math.Sqrt(2), 2), distance, 1e-9);
    }

    [Fact]
    public void OfSamplesItIsWhatScipyGives()
    {
        using var scope = NewDisposeScope();
        // 40 and 50 rows of 6 features by a formula in whole numbers; the other set wider, shifted and its first two features dependent.
        double[] gains = [1, 2, 0.5, 1, 1, 3];
        double[] first = Formula(1, 240), second = [.. Formula(2, 300).Select((value, i) => value * gains[i % 6] + 0.2)];
        for (int i = 0; i < 300; i += 6)
            second[i] += second[i + 1];

        // numpy 1.24's cov and scipy 1.10's linalg.sqrtm, as in pytorch-fid's calculate_frechet_distance.
        Assert.Equal(1.1319675837751058, FrechetDistance.Between(tensor(first, 40, 6), tensor(second, 50, 6)), 1e-9);

        static double[] Formula(uint seed, int count) => [.. Enumerable.Range(0, count).Select(i =>
        {
            uint bits = unchecked(((uint)i + seed * 1000003) * 2654435761);
            bits ^= bits >> 15;
            bits = unchecked(bits * 2246822519);
            return (bits ^ (bits >> 13)) / 4294967296.0 - 0.5;
        })];
    }

    [Fact]
    public void FewerPhotosThanFeaturesGiveANumberAndEqualSetsZero()
    {
        using var scope = NewDisposeScope();
        var (few, others) = (KernelDistanceTests.Rows(KernelDistanceTests.Drawn(4, 12, 1, 0)), KernelDistanceTests.Rows(KernelDistanceTests.Drawn(5, 12, 2, 0.3)));

        Assert.Equal(0, FrechetDistance.Between(few, few), 1e-6);
        double distance = FrechetDistance.Between(few, others);
        Assert.True(distance > 12 * 0.01, $"{distance}");
        Assert.Equal(distance, FrechetDistance.Between(others, few), 1e-7);
        // A shift alone is its square.
        Assert.Equal(12 * 0.25, FrechetDistance.Between(few, few + 0.5), 1e-6);
    }
}
