namespace CrnMlNet.Cli.Tests;

/// <summary>One trained model for all tests of a class.</summary>
public sealed class TrainedModel : IDisposable
{
    private readonly Scenes _scenes = new();

    public TrainedModel()
    {
        Outcome = _scenes.Train("--sample-count", "3");
        Outcome.AssertSucceeded();
    }

    internal Outcome Outcome { get; }

    internal string Path => _scenes.Model;

    internal string Samples => System.IO.Path.Combine(_scenes.Output, "model.samples.png");

    internal string[] Files => [.. Directory.EnumerateFileSystemEntries(_scenes.Output).Order(StringComparer.Ordinal)];

    public void Dispose() => _scenes.Dispose();
}
