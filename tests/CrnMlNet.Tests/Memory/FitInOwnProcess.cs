using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Tests.Memory;

/// <summary>
/// This test program again, which with the variable set trains a small network to have everything loaded, then the one asked for, and
/// tells how much its memory grew for that.
/// </summary>
internal static class FitInOwnProcess
{
    public const string Taken = "Taken: ";
    private const string Training = "CRN_TESTS_TRAINING";

    public static (int ExitCode, string Output) Run(params object[] training)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList = { typeof(FitInOwnProcess).Assembly.Location },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [Training] = string.Join(' ', training.Select(value => Convert.ToString(value, CultureInfo.InvariantCulture))) },
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd() + errors.Result;
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    // Names nothing of CrnMlNet: in other processes of these tests it must not be loaded yet.
    [ModuleInitializer]
    internal static void FitAndEnd()
    {
        if (Environment.GetEnvironmentVariable(Training)?.Split(' ') is not [var height, var width, var widthFactor, var batchSize, var images, var pairs, var checkpointing, var recipe, .. var weights])
            return;
        Fit(height, width, widthFactor, batchSize, images, pairs, checkpointing, recipe, weights.SingleOrDefault());
        Environment.Exit(0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fit(string height, string width, string widthFactor, string batchSize, string images, string pairs, string checkpointing, string recipe, string? perceptionWeights)
    {
        // Instead of [ImageType] at the columns, which needs a size that is known when this is compiled.
        DataViewTypeManager.Register(new ImageDataViewType(), typeof(MLImage));
        var mlContext = new MLContext(seed: 1);
        mlContext.Log += (_, message) => Console.WriteLine(message.RawMessage);
        Fit(mlContext, Samples.TinyOptions(), 2);
        GC.Collect();
        var memory = new PeakMemory();
        Fit(mlContext, new()
        {
            Recipe = Recipe.Parse(recipe),
            Height = int.Parse(height),
            Width = int.Parse(width),
            WidthFactor = double.Parse(widthFactor, CultureInfo.InvariantCulture),
            BatchSize = int.Parse(batchSize),
            GradientCheckpointing = bool.Parse(checkpointing),
            ImagesPerLayout = int.Parse(images),
            Epochs = 1,
            Mirror = false,
            SegmenterEpochs = 1,
            PerceptionWeightsPath = perceptionWeights,
        }, int.Parse(pairs));
        Console.WriteLine($"{Taken}{memory.Growth}");
    }

    private static void Fit(MLContext mlContext, SynthesizeFromLabelsEstimator.Options options, int pairs)
        => mlContext.Transforms.SynthesizeFromLabels(options).Fit(mlContext.Data.LoadFromEnumerable(Rows(options, pairs))).Dispose();

    private static IEnumerable<Row> Rows(SynthesizeFromLabelsEstimator.Options options, int count)
    {
        for (int i = 0; i < count; i++)
        {
            using MLImage labels = Samples.Labels(i, options.Width, options.Height), photo = Samples.Photo(i, options.Width, options.Height);
            yield return new Row { Labels = labels, Photo = photo };
        }
    }

    private sealed class Row
    {
        public MLImage? Labels { get; set; }

        public MLImage? Photo { get; set; }
    }
}
