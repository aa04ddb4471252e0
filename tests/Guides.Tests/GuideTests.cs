using System.Diagnostics;
using CrnMlNet.Torch.Backend;
using QuickStart;
using TorchSharp;

namespace Guides.Tests;

/// <summary>
/// Every command in the guides, typed into a shell in the order in which a reader meets them. The folder is the one that the guides
/// speak of: <c>data</c> with a few drawn pairs, and <c>model.zip</c>.
/// </summary>
public sealed class GuideTests(GuideFolder shared) : IClassFixture<GuideFolder>
{
    public static TheoryData<string> Names => [.. Guide.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_command_does_what_the_guide_says(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The guides' commands are written for a POSIX shell.");
        using var folder = shared.Copy();
        foreach (var block in Guide.Blocks(name))
        {
            switch (block.Language)
            {
                case "sh":
                    var (exitCode, output) = Shell(folder.Path, block.Text);
                    Assert.True(exitCode == 0, $"{name}, '{block.Heading}' ended with {exitCode}:\n{block.Text}\n{output}");
                    break;
                case "sh fails":
                    var (failure, message) = Shell(folder.Path, block.Text);
                    Assert.True(failure != 0, $"{name}, '{block.Heading}' did not fail:\n{block.Text}\n{message}");
                    Assert.Contains(block.Heading, string.Join(' ', message.Split('\n', StringSplitOptions.TrimEntries)), StringComparison.Ordinal);
                    break;
                case "sh cuda" when HasCuda():
                    goto case "sh";
                case "sh cuda": // needs a GPU
                case "sh slurm": // run by the tests of samples/BatchScoring
                case "json": // written into a file by a command that is tested
                case "text": // what a command prints
                case "powershell": // Windows
                case "csharp": // compiled by the tests of the package that it uses
                    break;
                default:
                    Assert.Fail($"{name}, '{block.Heading}': a block of '{block.Language}' is neither run nor known as one that is only read.");
                    break;
            }
        }
    }

    [Fact]
    public void The_guides_are_linked_from_the_first_page()
    {
        var index = File.ReadAllText(Path.Combine(Guide.Folder, "README.md"));
        Assert.All(Guide.Names.Where(name => name != "README.md"), name => Assert.Contains($"({name})", index, StringComparison.Ordinal));
    }

    private static bool HasCuda()
    {
        TorchBackend.Start();
        return torch.cuda.is_available();
    }

    private static (int ExitCode, string Output) Shell(string folder, string script)
    {
        var start = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", $"exec 2>&1\n{script}"]) { WorkingDirectory = folder, RedirectStandardOutput = true };
        start.Environment["PATH"] = $"{AppContext.BaseDirectory}:{start.Environment["PATH"]}";
        start.Environment["OMP_NUM_THREADS"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}

/// <summary>The folder that the guides begin in, made once.</summary>
public sealed class GuideFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public GuideFolder()
    {
        StreetScenes.Draw(_folder["data/train"], count: 4, height: 48, width: 64);
        StreetScenes.Draw(_folder["data/val"], count: 2, height: 48, width: 64, seed: 2);
        File.Move(_folder["data/train/palette.json"], _folder["palette.json"]);
        File.Delete(_folder["data/val/palette.json"]);
    }

    internal TemporaryFolder Copy()
    {
        var copy = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories))
        {
            var target = copy[Path.GetRelativePath(_folder.Path, file)];
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return copy;
    }

    public void Dispose() => _folder.Dispose();
}
