using System.CommandLine;
using CrnMlNet.Cli.Batch;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn synthesize merge</c>: one manifest of those of all shards.</summary>
internal static class SynthesizeMergeCommand
{
    public static Command Create()
    {
        var output = new Option<string>("--output", "-o") { Description = "The folder of the photos.", HelpName = "DIR", Required = true };
        var command = new Command("merge",
            $"""
            Makes one manifest.csv and one failures.csv of those of all shards, when they are done. The shards' own files stay.

            Example:
              crn synthesize merge --output photos

            A photo that several shards list stands there once, as it was painted last. The exit code is {ExitCode.Partial} if label images have failed.
            """)
        {
            output,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(output)));
        return command;
    }

    private static int Run(string output)
    {
        var merged = ManifestMerge.In(output);
        Console.WriteLine($"{merged.Photos} photos in {ManifestMerge.PathOf(output, BatchManifest.Names.Manifest)}");
        if (merged.Damaged > 0)
            Console.WriteLine($"{merged.Damaged} damaged lines were left out; the shards' commands again add what is missing.");
        if (merged.Failures == 0)
            return ExitCode.Success;
        Console.Error.WriteLine($"crn: {(merged.Failures == 1 ? "1 label image has" : $"{merged.Failures} label images have")} failed: {ManifestMerge.PathOf(output, BatchManifest.Names.Failures)}");
        return ExitCode.Partial;
    }
}
