using System.Security.Cryptography;
using QuickStart;

namespace BatchScoring.Tests;

/// <summary>A folder with <c>model.zip</c>, trained for a moment, and label maps of drawn streets in <c>maps</c>.</summary>
internal sealed class Streets : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <param name="maps">How many label maps.</param>
    /// <param name="height">The model's height.</param>
    /// <param name="width">The model's width.</param>
    /// <param name="widthFactor">The model's width factor.</param>
    public Streets(int maps, int height = 48, int width = 64, string widthFactor = "0.015625")
    {
        const int drawn = 8;
        StreetScenes.Draw(_folder["drawn"], drawn, height: 48, width: 64);
        Directory.CreateDirectory(_folder["maps"]);
        string[] labels = [.. Directory.GetFiles(_folder["drawn/labels"]).Order()];
        for (var i = 0; i < maps; i++)
            File.Copy(labels[i % drawn], _folder[$"maps/{i:D3}.png"]);
        Shell.Run(Path, $"crn train --labels drawn/labels --photos drawn/photos --palette drawn/palette.json --height {height} --width {width} --width-factor {widthFactor} --epochs 1 --output model.zip");
    }

    public string Path => _folder.Path;

    public string this[string name] => _folder[name];

    /// <summary>Each photo's SHA-256 by its name.</summary>
    public Dictionary<string, string> Photos(string folder)
        => Directory.GetFiles(_folder[folder], "*.png").ToDictionary(file => System.IO.Path.GetFileName(file), file => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file))));

    /// <summary>When each photo was written, by its name.</summary>
    public Dictionary<string, DateTime> Times(string folder)
        => Directory.Exists(_folder[folder]) ? Directory.GetFiles(_folder[folder], "*.png").ToDictionary(file => System.IO.Path.GetFileName(file), File.GetLastWriteTimeUtc) : [];

    /// <summary>The photos that a manifest lists, and the hashes that it gives.</summary>
    public Dictionary<string, string> Manifest(string path)
        => File.ReadLines(_folder[path]).Skip(1).Select(line => line.Split(',')).ToDictionary(values => values[0], values => values[5]);

    public void Dispose() => _folder.Dispose();
}
