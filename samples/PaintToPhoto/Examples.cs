using CrnMlNet;

namespace PaintToPhoto;

/// <summary>Label maps to start from, by name, as the model sees them.</summary>
internal sealed class Examples
{
    /// <summary>How many are offered of a folder.</summary>
    public const int Most = 24;

    private static readonly string[] Extensions = [".png", ".bmp", ".gif"];

    private readonly Dictionary<string, byte[]> _channels = [];

    /// <param name="folder">A folder of label images; null: there are none.</param>
    /// <param name="painter">Reads them.</param>
    /// <exception cref="IOException">The folder or a file cannot be read.</exception>
    /// <exception cref="InvalidDataException">A file is not an image.</exception>
    /// <exception cref="InvalidOperationException">A label image has what the palette lacks.</exception>
    public Examples(string? folder, Painter painter)
    {
        if (folder is null)
            return;
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"The folder of examples '{folder}' does not exist.");
        foreach (string path in Directory.EnumerateFiles(folder).Where(IsImage).Order(StringComparer.Ordinal).Take(Most))
            _channels[Path.GetFileNameWithoutExtension(path)] = painter.Read(LabelMap.Load(path));
    }

    public IEnumerable<string> Names => _channels.Keys;

    /// <summary>The channel of every pixel; null: there is no such example. Names are looked up, and never become paths.</summary>
    public byte[]? Find(string name) => _channels.GetValueOrDefault(name);

    private static bool IsImage(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);
}
