using System.Diagnostics;
using System.Runtime.CompilerServices;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;

namespace CrnMlNet.Tests.Training;

/// <summary>
/// A program that trains with checkpoints and saves its model: this test program again, which with the variable set does
/// that and ends before any test. Killed, it dies as any process does, with nothing tidied up.
/// </summary>
internal static class TrainInOwnProcess
{
    public const int Epochs = 12;

    private const string Folder = "CRN_TESTS_CHECKPOINTS";
    private const string Model = "CRN_TESTS_TRAINED_MODEL";

    public static Process Start(string folder, string model)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList = { typeof(TrainInOwnProcess).Assembly.Location },
            RedirectStandardOutput = true,
            Environment = { [Folder] = folder, [Model] = model, ["OMP_NUM_THREADS"] = "1" },
        };
        return Process.Start(start)!;
    }

    [ModuleInitializer]
    internal static void TrainAndEnd()
    {
        if (Environment.GetEnvironmentVariable(Folder) is not { } folder)
            return;

        Train(folder, Environment.GetEnvironmentVariable(Model)!);
        Environment.Exit(0);
    }

    // A method of its own, because compiling it loads CrnMlNet, which other programs made of this one must not find loaded.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Train(string folder, string model)
    {
        var mlContext = new MLContext(seed: 1);
        var options = Samples.TinyOptions();
        options.Epochs = Epochs;
        options.CheckpointFolder = folder;
        options.CheckpointInterval = TimeSpan.Zero;
        options.Progress = progress => Console.WriteLine(progress.Training.Step);
        var pairs = mlContext.Data.LoadFromEnumerable(Samples.Pairs());
        options.ValidationSet = mlContext.Data.LoadFromEnumerable(Samples.Pairs(2));
        using var transformer = mlContext.Transforms.SynthesizeFromLabels(options).Fit(pairs);
        mlContext.Model.Save(transformer, null, model);
    }
}
