using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Tests.Rows;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using Microsoft.Extensions.Configuration;
using Microsoft.ML;
using Options = CrnMlNet.SynthesizeFromLabelsEstimator.Options;

namespace CrnMlNet.Tests.Training;

public class OptionsTests
{
    private static readonly MLContext MLContext = new(seed: 1);

    public static TheoryData<string, Action<Options>> OutOfRange => new()
    {
        { "Height", options => options.Height = 15 },
        { "Height", options => options.Height = 8193 },
        { "Width", options => options.Width = 0 },
        { "Width", options => options.Width = -32 },
        { "WidthFactor", options => options.WidthFactor = double.NaN },
        { "WidthFactor", options => options.WidthFactor = 0 },
        { "WidthFactor", options => options.WidthFactor = 5 },
        { "Epochs", options => options.Epochs = 0 },
        { "BatchSize", options => options.BatchSize = 0 },
        { "LearningRate", options => options.LearningRate = double.NaN },
        { "LearningRate", options => options.LearningRate = 0 },
        { "LearningRate", options => options.LearningRate = double.PositiveInfinity },
        { "LearningRateDecay", options => options.LearningRateDecay = -0.1 },
        { "LearningRateDecay", options => options.LearningRateDecay = 1.1 },
        { "LearningRateDecay", options => options.LearningRateDecay = double.NaN },
        { "AverageDecay", options => options.AverageDecay = 1 },
        { "PerceptionEpochs", options => options.PerceptionEpochs = 0 },
        { "ColourJitter", options => options.ColourJitter = 1.1 },
        { "Modulation", options => options.Modulation = (Modulation)7 },
        { "NoiseSamples", options => options.NoiseSamples = -1 },
        { "NoiseSamples", options => (options.NoiseSamples, options.NoiseChannels) = (1, 0) },
        { "AverageDecay", options => options.AverageDecay = -0.1 },
        { "OutputColumnName", options => options.OutputColumnName = "" },
        { "InputColumnName", options => options.InputColumnName = " " },
        { "PhotoColumnName", options => options.PhotoColumnName = null! },
        { "Palette", options => options.Palette = null! },
        { "LabelEncoding", options => options.LabelEncoding = (LabelEncoding)9 },
        { "ImagesPerLayout", options => options.ImagesPerLayout = 0 },
        { "ImagesPerLayout", options => options.ImagesPerLayout = 65 },
        { "Diversity", options => options.Diversity = (Diversity)2 },
        { "LayerWeights", options => options.LayerWeights = null! },
        { "EarlyStoppingPatience", options => (options.EarlyStoppingPatience, options.ValidationSet) = (0, new MLContext().Data.LoadFromEnumerable(Samples.Pairs(1))) },
        { "EarlyStoppingPatience", options => options.EarlyStoppingPatience = 3 },
        { "TimeBudget", options => options.TimeBudget = TimeSpan.Zero },
        { "CheckpointInterval", options => options.CheckpointInterval = TimeSpan.FromTicks(-1) },
        { "CheckpointFolder", options => options.CheckpointFolder = " " },
        { "OnCancellation", options => options.OnCancellation = (CancellationPolicy)9 },
        { "PerceptionNormalisation", options => options.PerceptionNormalisation = Vgg19Normalisation.Caffe },
        { "UnknownLabels", options => options.UnknownLabels = (UnknownLabelPolicy)9 },
    };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public void An_option_out_of_its_range_is_named_when_the_estimator_is_made(string name, Action<Options> change)
    {
        var options = Samples.TinyOptions();
        change(options);

        var error = Assert.Throws<ArgumentOutOfRangeException>(() => MLContext.Transforms.SynthesizeFromLabels(options));

        Assert.Contains(name, error.Message);
    }

    [Fact]
    public void The_short_form_checks_the_same()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => MLContext.Transforms.SynthesizeFromLabels(""));
        Assert.Throws<ArgumentOutOfRangeException>(() => MLContext.Transforms.SynthesizeFromLabels("Synthesized", "Labels", height: 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => MLContext.Transforms.SynthesizeFromLabels("Synthesized", "Labels", epochs: 0));
        Assert.Throws<ArgumentNullException>(() => MLContext.Transforms.SynthesizeFromLabels((Options)null!));
        Assert.Throws<ArgumentNullException>(() => ((TransformsCatalog)null!).SynthesizeFromLabels("Synthesized"));
    }

    [Theory]
    [InlineData("tpu")]
    [InlineData("cuda:x")]
    [InlineData("")]
    public void A_device_that_is_none_is_told_before_a_row_is_read(string device)
    {
        var options = Samples.TinyOptions();
        options.Device = device;
        var rows = new WatchedView(MLContext.Data.LoadFromEnumerable(Samples.Pairs(1)));

        var error = Assert.Throws<ArgumentOutOfRangeException>(() => MLContext.Transforms.SynthesizeFromLabels(options).Fit(rows));

        Assert.Contains("cuda:1", error.Message);
        Assert.Empty(rows.Cursors);
    }

    [Fact]
    public void Later_changes_do_not_reach_the_estimator_and_fitting_changes_nothing()
    {
        var options = Samples.TinyOptions();
        var estimator = MLContext.Transforms.SynthesizeFromLabels(options);
        options.Height = 5000;
        options.InputColumnName = "Nothing";
        options.Epochs = 100_000;
        var before = Describe(options);

        using var transformer = estimator.Fit(MLContext.Data.LoadFromEnumerable(Samples.Pairs(2)));

        Assert.Equal((24, "Labels", 2), (transformer.Architecture.Height, transformer.InputColumnName, transformer.Training.Steps));
        Assert.Equal(before, Describe(options));
    }

    [Fact]
    public void All_values_come_from_configuration()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Synthesis:OutputColumnName"] = "Painted",
            ["Synthesis:InputColumnName"] = "Layout",
            ["Synthesis:PhotoColumnName"] = "Real",
            ["Synthesis:Palette"] = "cityscapes",
            ["Synthesis:LabelEncoding"] = "Color",
            ["Synthesis:UnknownLabels"] = "void",
            ["Synthesis:Height"] = "64",
            ["Synthesis:Width"] = "128",
            ["Synthesis:WidthFactor"] = "0.25",
            ["Synthesis:Epochs"] = "7",
            ["Synthesis:BatchSize"] = "3",
            ["Synthesis:LearningRate"] = "2e-4",
            ["Synthesis:LearningRateDecay"] = "0.75",
            ["Synthesis:AverageDecay"] = "0.99",
            ["Synthesis:NoiseSamples"] = "8",
            ["Synthesis:Mirror"] = "false",
            ["Synthesis:GradientCheckpointing"] = "true",
            ["Synthesis:ImagesPerLayout"] = "9",
            ["Synthesis:Diversity"] = "WholeImage",
            ["Synthesis:LayerWeights"] = "paper:30",
            ["Synthesis:PerceptionNormalisation"] = "caffe",
            ["Synthesis:Seed"] = "12",
            ["Synthesis:Device"] = "cuda:1",
            ["Synthesis:FallbackToCpu"] = "true",
            ["Synthesis:EarlyStoppingPatience"] = "4",
            ["Synthesis:TimeBudget"] = "01:30:00",
            ["Synthesis:OnCancellation"] = "throw",
            ["Synthesis:CheckpointFolder"] = "kept",
            ["Synthesis:CheckpointInterval"] = "00:02:00",
            ["Synthesis:KeepCheckpoint"] = "true",
            ["Synthesis:WarmStartModelPath"] = "older.zip",
            ["Synthesis:Stages:0:Height"] = "64",
            ["Synthesis:Stages:0:Width"] = "128",
            ["Synthesis:Stages:0:Epochs"] = "9",
            ["Synthesis:Stages:1:Height"] = "128",
            ["Synthesis:Stages:1:Width"] = "256",
            ["Synthesis:Stages:1:Epochs"] = "2",
            ["Synthesis:Stages:1:TrainOnlyNewestModules"] = "1",
            ["Synthesis:Stages:1:LearningRate"] = "1e-5",
        }).Build();

        var options = configuration.GetSection("Synthesis").Get<Options>()!;

        Assert.Same(LabelPalette.Cityscapes, options.Palette);
        Assert.Equal(("Painted", "Layout", "Real"), (options.OutputColumnName, options.InputColumnName, options.PhotoColumnName));
        Assert.Equal((LabelEncoding.Color, UnknownLabelPolicy.Void), (options.LabelEncoding, options.UnknownLabels));
        Assert.Equal((64, 128, 0.25, 7, 3, 2e-4), (options.Height, options.Width, options.WidthFactor, options.Epochs, options.BatchSize, options.LearningRate));
        Assert.Equal((false, 12, "cuda:1", true), (options.Mirror, options.Seed, options.Device, options.FallbackToCpu));
        Assert.True(options.GradientCheckpointing);
        Assert.Equal((0.75, 0.99, 8), (options.LearningRateDecay, options.AverageDecay, options.NoiseSamples));
        Assert.Equal(
            [
                new TrainingStage { Height = 64, Width = 128, Epochs = 9 },
                new TrainingStage { Height = 128, Width = 256, Epochs = 2, TrainOnlyNewestModules = 1, LearningRate = 1e-5 },
            ],
            options.Stages!);
        Assert.Equal((9, Diversity.WholeImage, "paper:30"), (options.ImagesPerLayout, options.Diversity, options.LayerWeights.ToString()));
        Assert.Same(Vgg19Normalisation.Caffe, options.PerceptionNormalisation);
        Assert.Equal((4, TimeSpan.FromHours(1.5), CancellationPolicy.Throw), (options.EarlyStoppingPatience, options.TimeBudget, options.OnCancellation));
        Assert.Equal(("kept", TimeSpan.FromMinutes(2), true, "older.zip"),
            (options.CheckpointFolder, options.CheckpointInterval, options.KeepCheckpoint, options.WarmStartModelPath));
    }

    [Fact]
    public void A_palette_that_configuration_misspells_is_named()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Palette"] = "camvit" }).Build();

        var error = Assert.ThrowsAny<Exception>(() => configuration.Get<Options>());

        Assert.Contains("camvit", error.ToString());
        Assert.Contains("cityscapes-labelids", error.ToString());
    }

    private static string Describe(Options options)
        => string.Join("; ", typeof(Options).GetProperties().Select(property => $"{property.Name} = {property.GetValue(options)}"));
}
