using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;

namespace CrnMlNet.Torch.Tests.Training;

/// <summary>That estimates come true is measured where networks are trained in a process of their own: EstimatedMemoryTests.</summary>
public sealed class MemoryEstimateTests
{
    private const long Gigabyte = 1L << 30;

    private static readonly CrnArchitecture Paper = new() { Channels = 20, Height = 256, Width = 512 };
    private static readonly TrainingOptions Single = BatchesOf(1);

    [Fact]
    public void PairsTakeFourBytesAPixel() => Assert.Equal(1000L * 256 * 512 * 4, MemoryEstimate.OfTraining(Paper, Single, 1000, validates: false).Pairs);

    [Fact]
    public void WeightsOfATrainingTakeWhatGradientsAndAdamAddToThem()
    {
        Assert.InRange(MemoryEstimate.OfTraining(Paper, Single, 1, validates: false).Weights, 4 * 4 * Paper.ParameterCount(), 4 * 6 * Paper.ParameterCount());
        Assert.Equal(4 * Paper.ParameterCount(), MemoryEstimate.OfSynthesis(Paper).Weights);
        // The best weights so far are one copy more.
        Assert.Equal(4 * Paper.ParameterCount(), MemoryEstimate.OfTraining(Paper, Single, 1, validates: true).Weights - MemoryEstimate.OfTraining(Paper, Single, 1, validates: false).Weights);
    }

    // A PatchGAN of 20 + 3 channels has 2,786,113 parameters, the segmentation network some two million.
    [Fact]
    public void ADiscriminatorAndASegmentationNetworkCount()
    {
        var alone = MemoryEstimate.OfTraining(Paper, Single, 1, validates: false);
        var game = MemoryEstimate.OfTraining(Paper, Single with { Objective = new() { Adversarial = 1 } }, 1, validates: false);
        var segmented = MemoryEstimate.OfTraining(Paper, Single with { Objective = new() { Segmentation = 1 } }, 1, validates: false);

        Assert.InRange(game.Weights - alone.Weights, 4 * 4 * 2_786_113, 4 * 6 * 2_786_113);
        using var segmenter = new SegmentationNetwork(19);
        long parameters = segmenter.parameters().Sum(parameter => parameter.numel());
        Assert.InRange(segmented.Weights - alone.Weights, 4 * 4 * parameters, 4 * 6 * parameters);
        Assert.True(game.Activations > alone.Activations && segmented.Activations > alone.Activations);
    }

    [Fact]
    public void ActivationsGrowWithTheBatch() =>
        Assert.Equal(4.0, (double)MemoryEstimate.OfTraining(Paper, BatchesOf(4), 1, validates: false).Activations / MemoryEstimate.OfTraining(Paper, Single, 1, validates: false).Activations, 0.001);

    [Fact]
    public void ModulesThatDoNotLearnTakeTheirWeightsAlone()
    {
        var large = Paper with { Height = 1024, Width = 2048 };
        var newest = MemoryEstimate.OfTraining(large, Single with { NewestModules = 2 }, 1, validates: true);
        var all = MemoryEstimate.OfTraining(large, Single, 1, validates: true);

        // Of the authors' 1024p network: 99 million parameters, of which those of its last two modules and its head, 813 thousand, learn.
        Assert.Equal(97_861_632, large.ParameterCount() - large.ParameterCount(2));
        Assert.InRange(newest.Weights, 4 * 98_674_531L, 4 * 98_674_531L + 4 * 6 * 812_899L);
        Assert.True(newest.Activations < all.Activations);
    }

    [Fact]
    public void GradientCheckpointingKeepsFarLess()
    {
        var large = Paper with { Height = 1024, Width = 2048 };
        long plain = MemoryEstimate.OfTraining(large, Single, 1, validates: false).Activations;
        Assert.InRange(MemoryEstimate.OfTraining(large, Single with { GradientCheckpointing = true }, 1, validates: false).Activations, 0.2 * plain, 0.6 * plain);
    }

    [Fact]
    public void WhatFitsIsNotRefused() => MemoryEstimate.CheckTraining(new CrnArchitecture { Channels = 12, Height = 96, Width = 128, WidthFactor = 0.125 }, Single, 100, validates: false);

    [Fact]
    public void ATrainingThatIsFarTooLargeSaysWhatWouldFit()
    {
        var large = Paper with { Height = 1024, Width = 2048 };
        var refusal = Assert.Throws<InsufficientMemoryException>(() => MemoryEstimate.OfTraining(large, BatchesOf(8), 10, validates: false).CheckRoom(
            24 * Gigabyte, available => MemoryEstimate.TrainingThatFits(large, BatchesOf(8), 10, validates: false, available)));

        Assert.StartsWith("Training at 1024x2048, width factor 1, with batches of 8 takes about ", refusal.Message);
        Assert.Contains("and 24 GiB are there. This would fit: ", refusal.Message);
    }

    [Theory]
    [InlineData(8, 256, 512, 1)]
    [InlineData(2, 1024, 2048, 0.25)]
    [InlineData(1, 512, 512, 2)]
    public void WhatIsSaidToFitFits(int batchSize, int height, int width, double widthFactor)
    {
        var architecture = Paper with { Height = height, Width = width, WidthFactor = widthFactor };
        long total = MemoryEstimate.OfTraining(architecture, BatchesOf(batchSize), 10, validates: false).Total;

        foreach (var way in MemoryEstimate.TrainingThatFits(architecture, BatchesOf(batchSize), 10, validates: false, total / 2).TrimEnd('.').Replace("This would fit: ", "").Split(", or "))
        {
            var words = way.Split(' ');
            var (changed, options) = words switch
            {
                ["gradient", "checkpointing"] => (architecture, BatchesOf(batchSize) with { GradientCheckpointing = true }),
                ["batches", "of", var count] => (architecture, BatchesOf(int.Parse(count))),
                ["width", "factor", var factor] => (architecture with { WidthFactor = double.Parse(factor) }, BatchesOf(batchSize)),
                [var size] => (architecture with { Height = int.Parse(size.Split('x')[0]), Width = int.Parse(size.Split('x')[1]) }, BatchesOf(batchSize)),
                _ => throw new FormatException(way),
            };
            Assert.InRange(MemoryEstimate.OfTraining(changed, options, 10, validates: false).Total, 1, total / 2);
        }
    }

    [Fact]
    public void WhatNoSingleStepMakesFitIsTakenDownInAll()
    {
        var largest = Paper with { Height = 8192, Width = 8192, WidthFactor = 4 };

        Assert.Matches(
            "^This would fit: (1024x1024|2048x2048|4096x4096) with width factor 0.125, batches of 1 and gradient checkpointing.$", MemoryEstimate.TrainingThatFits(largest, Single, 1, validates: false, 24 * Gigabyte));
    }

    [Fact]
    public void ANetworkThatIsFarTooLargeIsRefused()
    {
        var largest = Paper with { Height = 8192, Width = 8192, WidthFactor = 4, NoiseChannels = 64 };

        Assert.Throws<InsufficientMemoryException>(() => MemoryEstimate.OfSynthesis(largest).CheckRoom(24 * Gigabyte, _ => ""));
    }

    [Theory]
    [InlineData(900, "900 bytes")]
    [InlineData(380L << 20, "380 MiB")]
    [InlineData(1536L << 20, "1.5 GiB")]
    [InlineData(1230L << 30, "1.2 TiB")]
    public void BytesReadAsPeopleSayThem(long bytes, string expected) => Assert.Equal(expected, MemoryEstimate.Show(bytes));

    private static TrainingOptions BatchesOf(int pairs) => new() { BatchSize = pairs };
}
