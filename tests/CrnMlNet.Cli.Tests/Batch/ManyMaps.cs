using System.Security.Cryptography;
using CrnMlNet.Cli.Batch;

namespace CrnMlNet.Cli.Tests.Batch;

/// <summary>Label maps by the hundred, of a few scenes, and folders for their photos.</summary>
internal sealed class ManyMaps : IDisposable
{
    private readonly Scenes _scenes = new();

    public ManyMaps(int count)
    {
        Directory.CreateDirectory(Labels);
        for (int i = 0; i < count; i++)
            File.Copy(_scenes.Label(i % 6), Map(i));
    }

    public string Labels => _scenes.In("maps");

    public string Map(int number) => Path.Combine(Labels, $"{number:D5}.png");

    /// <summary>A folder for photos, or a file.</summary>
    public string In(string name) => _scenes.In(name);

    public string[] Arguments(string model, string output, params string[] more) => ["synthesize", "--model", model, "--labels", Labels, "--output", In(output), .. more];

    public Outcome Synthesize(string model, string output, params string[] more) => CrnProcess.Run(Arguments(model, output, more));

    /// <summary>Each photo's SHA-256 by its name.</summary>
    public Dictionary<string, string> Photos(string output)
        => Paths(output).ToDictionary(path => Path.GetFileName(path), path => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));

    /// <summary>When each photo was written, by its name.</summary>
    public Dictionary<string, DateTime> Times(string output) => Paths(output).ToDictionary(path => Path.GetFileName(path), File.GetLastWriteTimeUtc);

    /// <summary>What the manifest says, by the photo's name.</summary>
    public Dictionary<string, ManifestLine> Manifest(string output, string file = "manifest.csv")
        => File.ReadLines(Path.Combine(In(output), file)).Skip(1).Select(line => Assert.IsType<ManifestLine>(ManifestLine.Parse(line))).ToDictionary(line => line.Photo);

    public FailureLine[] Failures(string output)
        => [.. File.ReadLines(Path.Combine(In(output), "failures.csv")).Skip(1).Select(line => Assert.IsType<FailureLine>(FailureLine.Parse(line)))];

    public void AssertWhole(string output)
    {
        foreach (string path in Paths(output))
            ImageFile.Load(path).Dispose();
    }

    public void Dispose() => _scenes.Dispose();

    private string[] Paths(string output) => Directory.Exists(In(output)) ? Directory.GetFiles(In(output), "*.png", SearchOption.AllDirectories) : [];
}
