namespace CrnMlNet.Cli;

/// <summary>The label images that a path stands for.</summary>
internal static class LabelFiles
{
    /// <summary>The kinds that training takes, too: those that keep each value as it is.</summary>
    private static readonly string[] Extensions = [".png", ".bmp", ".gif"];

    /// <summary>The file itself, or the folder's label images by name; hidden files are passed over.</summary>
    /// <exception cref="FileNotFoundException">There is no such file or folder.</exception>
    /// <exception cref="InvalidDataException">There is no label image, or two would have a photo of the same name.</exception>
    public static IReadOnlyList<string> Find(string path)
    {
        if (File.Exists(path))
            return IsLabelImage(path) ? [path] : throw new InvalidDataException($"--labels '{path}' is not a label image ({string.Join(", ", Extensions)}).");
        if (!Directory.Exists(path))
            throw new FileNotFoundException($"--labels '{path}' does not exist.");

        string[] files = [.. Directory.EnumerateFiles(path).Where(IsLabelImage).Order(StringComparer.Ordinal)];
        if (files.Length == 0)
            throw new InvalidDataException($"The folder '{path}' has no label image ({string.Join(", ", Extensions)}).");
        if (files.GroupBy(Path.GetFileNameWithoutExtension).FirstOrDefault(group => group.Count() > 1) is { } twins)
            throw new InvalidDataException($"The folder '{path}' has {string.Join(" and ", twins.Select(file => $"'{Path.GetFileName(file)}'"))}: both would become '{twins.Key}.png'. Take one away.");
        return files;
    }

    private static bool IsLabelImage(string path)
        => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase) && !Path.GetFileName(path).StartsWith('.');
}
