using System.Diagnostics;
using CrnMlNet;
using Microsoft.ML;
using QuickStart;

namespace AutoSynthesis.Tests;

/// <summary>The sample as a user starts it, on a few drawn scenes.</summary>
public sealed class SampleTests
{
    [Fact]
    public void It_tries_settings_and_shows_the_best_beside_the_defaults_and_goes_on_where_it_was()
    {
        using var folder = new TemporaryFolder();
        StreetScenes.Draw(folder["data"], count: 10, height: 32, width: 32);
        string output = Run(folder);

        Assert.Contains("Trial 3: 3 epochs", output, StringComparison.Ordinal);
        Assert.Contains("2 pairs that no trial has seen, 3 epochs each", output, StringComparison.Ordinal);
        Assert.Equal(["best.zip", "defaults.zip", "trials.jsonl"], Directory.GetFileSystemEntries(folder["output"]).Select(Path.GetFileName).Order());
        using var model = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(folder["output/best.zip"], out _);
        Assert.Equal(("crn", 3), (model.Training.Recipe, model.Training.LossByEpoch.Count));

        string again = Run(folder);
        Assert.DoesNotContain("Trial ", again, StringComparison.Ordinal);
        Assert.Equal(output[output.IndexOf("Trials,", StringComparison.Ordinal)..], again[again.IndexOf("Trials,", StringComparison.Ordinal)..]);
    }

    private static string Run(TemporaryFolder folder)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList =
            {
                typeof(SynthesisExperiment).Assembly.Location, folder["data"], "--output", folder["output"], "--candidates", "3", "--epochs", "3",
                "--height", "32", "--width", "32", "--width-factor", "0.015625", "--recipe", "crn",
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output + errors.Result);
        return output;
    }
}
