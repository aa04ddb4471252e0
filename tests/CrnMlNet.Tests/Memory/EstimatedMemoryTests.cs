using System.Globalization;
using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using Microsoft.ML;

namespace CrnMlNet.Tests.Memory;

/// <summary>The memory that is announced before a training is what it then takes, within 30%: measured in a process that does nothing else.</summary>
[Collection(AloneCollection.Name)]
[Trait("Category", "Long")]
public class EstimatedMemoryTests
{
    [Theory]
    [InlineData(96, 128, 0.125, 4, 1, 12, false)]
    [InlineData(96, 128, 0.25, 1, 1, 6, false)]
    [InlineData(256, 512, 0.0625, 1, 1, 3, false)]
    [InlineData(96, 128, 0.125, 1, 9, 3, false)]
    [InlineData(256, 512, 0.0625, 1, 3, 3, false)]
    [InlineData(256, 512, 0.125, 1, 1, 3, true)]
    // What is seen in photos is most of it.
    [InlineData(96, 128, 0.03125, 1, 1, 250, false)]
    public void A_training_takes_what_was_announced(int height, int width, double widthFactor, int batchSize, int images, int pairs, bool checkpointing)
        => Check(height, width, widthFactor, batchSize, images, pairs, checkpointing);

    [Theory]
    [InlineData(96, 128, 0.125, 4, 4)]
    [InlineData(256, 512, 0.0625, 1, 1)]
    public void Comparing_in_VGG_19_takes_what_was_announced(int height, int width, double widthFactor, int batchSize, int pairs)
    {
        using var folder = new TemporaryFolder();
        using var vgg19 = DrawnVgg19.Make();
        string weights = folder["drawn.safetensors"];
        DrawnVgg19.Write(vgg19, weights);

        Check(height, width, widthFactor, batchSize, images: 1, pairs, checkpointing: false, vgg19, weights);
    }

    [Theory]
    [InlineData("image-space")]
    [InlineData("gan-semseg")]
    [InlineData("pix2pix")]
    [InlineData("encoder-decoder")]
    [InlineData("recombinator")]
    [InlineData("full-resolution")]
    [InlineData("crn+gan+semseg")]
    [InlineData("texture")]
    [InlineData("crn+texture")]
    [InlineData("crn+texture+gan")]
    [InlineData("texture+gan")]
    public void So_does_each_recipe(string recipe) => Check(128, 192, 0.125, batchSize: 4, Recipe.Parse(recipe).ImagesPerLayout, pairs: 4, checkpointing: false, recipe: recipe);

    private static void Check(
        int height, int width, double widthFactor, int batchSize, int images, int pairs, bool checkpointing, IPerceptionNetwork? perception = null, string? weights = null, string recipe = "crn")
    {
        Assert.SkipUnless(PeakMemory.IsKnown, "This system does not tell a process' greatest memory.");

        var (exitCode, output) = FitInOwnProcess.Run([height, width, widthFactor, batchSize, images, pairs, checkpointing, recipe, .. weights is null ? Array.Empty<object>() : [weights]]);

        Assert.True(exitCode == 0, output);
        double taken = double.Parse(output.Split('\n').Single(line => line.StartsWith(FitInOwnProcess.Taken, StringComparison.Ordinal))[FitInOwnProcess.Taken.Length..], CultureInfo.InvariantCulture);
        var system = Recipe.Parse(recipe);
        var architecture = SynthesisArchitecture.Of(system.Network, LabelPalette.CamVid.ChannelCount, height, width) with
        {
            WidthFactor = widthFactor,
            NoiseChannels = 2,
            ImagesPerLayout = images,
        };
        if (architecture is CrnArchitecture cascade)
            architecture = cascade with { Modulation = system.Modulation };
        double announced = MemoryEstimate.OfTraining(
            architecture, new() { BatchSize = batchSize, Mirror = false, GradientCheckpointing = checkpointing, Objective = system.Objective, AverageDecay = system.AverageDecay }, pairs, validates: false, perception).Total;
        TestContext.Current.TestOutputHelper!.WriteLine($"Announced {announced / (1 << 20):0} MiB, taken {taken / (1 << 20):0} MiB.");
        Assert.InRange(announced / taken, 0.7, 1.3);
        Assert.Contains($"Training will take about {MemoryEstimate.Show((long)announced)} of memory", output);
    }
}
