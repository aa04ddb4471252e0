using System.Globalization;
using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Torch.Training;
using Microsoft.ML;

namespace CrnMlNet.Tests.Memory;

/// <summary>The memory that is announced before a training is what it then takes, within 30%: measured in a process that does nothing else.</summary>
[Collection(AloneCollection.Name)]
[Trait("Category", "Long")]
public class EstimatedMemoryTests
{
    [Theory]
    [InlineData(96, 128, 0.125, 4, 1, 12)]
    [InlineData(96, 128, 0.25, 1, 1, 6)]
    [InlineData(256, 512, 0.0625, 1, 1, 3)]
    [InlineData(96, 128, 0.125, 1, 9, 3)]
    [InlineData(256, 512, 0.0625, 1, 3, 3)]
    public void A_training_takes_what_was_announced(int height, int width, double widthFactor, int batchSize, int images, int pairs)
    {
        Assert.SkipUnless(PeakMemory.IsKnown, "This system does not tell a process' greatest memory.");

        var (exitCode, output) = FitInOwnProcess.Run(height, width, widthFactor, batchSize, images, pairs);

        Assert.True(exitCode == 0, output);
        double taken = double.Parse(output.Split('\n').Single(line => line.StartsWith(FitInOwnProcess.Taken, StringComparison.Ordinal))[FitInOwnProcess.Taken.Length..], CultureInfo.InvariantCulture);
        double announced = MemoryEstimate.OfTraining(
            new() { Channels = LabelPalette.CamVid.ChannelCount, Height = height, Width = width, WidthFactor = widthFactor, NoiseChannels = 2, ImagesPerLayout = images }, batchSize, pairs).Total;
        TestContext.Current.TestOutputHelper!.WriteLine($"Announced {announced / (1 << 20):0} MiB, taken {taken / (1 << 20):0} MiB.");
        Assert.InRange(announced / taken, 0.7, 1.3);
        Assert.Contains($"Training will take about {MemoryEstimate.Show((long)announced)} of memory", output);
    }
}
