using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Pipelines;

/// <summary>
/// A program that knows ML.NET and a model file, and nothing of CrnMlNet but that its assembly lies in the folder: this
/// test program again, which with the variable set loads the model, writes the photos' pixels, and ends before any test.
/// </summary>
internal static class LoadInOwnProcess
{
    private const string Model = "CRN_TESTS_MODEL";
    private const string Labels = "CRN_TESTS_LABELS";
    private const string Pixels = "CRN_TESTS_PIXELS";

    public static (int ExitCode, string Output) Run(string model, IEnumerable<string> labels, string pixels)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList = { typeof(LoadInOwnProcess).Assembly.Location },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [Model] = model, [Labels] = string.Join('|', labels), [Pixels] = pixels },
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd() + errors.Result;
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    [ModuleInitializer]
    internal static void LoadAndEnd()
    {
        if (Environment.GetEnvironmentVariable(Model) is not { } model)
            return;

        if (IsCrnMlNetLoaded())
        {
            Console.WriteLine("CrnMlNet was loaded before the model was.");
            Environment.Exit(2);
        }

        Synthesize(model, Environment.GetEnvironmentVariable(Labels)!.Split('|'), Environment.GetEnvironmentVariable(Pixels)!);
        Console.WriteLine($"CrnMlNet is loaded: {IsCrnMlNetLoaded()}");
        Environment.Exit(0);
    }

    private static void Synthesize(string modelFile, string[] labels, string pixels)
    {
        var mlContext = new MLContext();
        var model = mlContext.Model.Load(modelFile, out _);
        var rows = mlContext.Data.LoadFromEnumerable(labels.Select(label => new Files { LabelPath = label }));
        var photos = model.Transform(rows);
        using var output = File.Create(pixels);
        using var cursor = photos.GetRowCursor([photos.Schema["Synthesized"]]);
        var getter = cursor.GetGetter<MLImage>(photos.Schema["Synthesized"]);
        MLImage photo = null!;
        while (cursor.MoveNext())
        {
            getter(ref photo);
            output.Write(photo.Pixels);
        }
    }

    private static bool IsCrnMlNetLoaded() => AppDomain.CurrentDomain.GetAssemblies().Any(a => a.GetName().Name == "CrnMlNet");
}
