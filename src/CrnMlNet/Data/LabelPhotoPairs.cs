namespace CrnMlNet.Data;

/// <summary>Finds the label image and the photo that belong together: those of the same file name, without its extension.</summary>
public static class LabelPhotoPairs
{
    internal static readonly string[] LabelExtensions = [".png", ".bmp", ".gif"];
    private static readonly string[] PhotoExtensions = [".png", ".jpg", ".jpeg", ".bmp", ".webp"];

    /// <summary>Pairs the images of two folders by name. Other files, hidden files and subfolders are passed over.</summary>
    /// <param name="labelsFolder">The folder of the label images: .png, .bmp or .gif (JPEG would change their values).</param>
    /// <param name="photosFolder">The folder of the photos: .png, .jpg, .jpeg, .bmp or .webp.</param>
    /// <returns>The pairs, ordered by name (ordinal).</returns>
    /// <exception cref="DirectoryNotFoundException">A folder does not exist.</exception>
    /// <exception cref="InvalidDataException">There are no pairs, an image lacks its partner, or two files of a folder have
    /// the same name but for the extension.</exception>
    public static IReadOnlyList<LabelPhotoPair> FromFolders(string labelsFolder, string photosFolder)
    {
        var pairs = Match(labelsFolder, photosFolder, out var fault);
        return fault is null ? pairs : throw new InvalidDataException(fault);
    }

    /// <summary>The photos of a folder: .png, .jpg, .jpeg, .bmp or .webp. Other files, hidden files and subfolders are passed over.</summary>
    /// <param name="photosFolder">The folder.</param>
    /// <returns>Each photo's path by its file name without the extension, ordered by name (ordinal).</returns>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">There is no photo, or two have the same name but for the extension.</exception>
    public static IReadOnlyDictionary<string, string> PhotosIn(string photosFolder) => FindImages(photosFolder, "photo", PhotoExtensions, "");

    /// <summary>Finds the pairs, whatever else there is.</summary>
    /// <param name="labelsFolder">The folder of the label images.</param>
    /// <param name="photosFolder">The folder of the photos.</param>
    /// <param name="fault">Which images lack their partner; null: none.</param>
    internal static IReadOnlyList<LabelPhotoPair> Match(string labelsFolder, string photosFolder, out string? fault)
    {
        fault = null;
        var labels = FindImages(labelsFolder, "label image", LabelExtensions, "; JPEG would change label values, so save them as PNG");
        var photos = FindImages(photosFolder, "photo", PhotoExtensions, "");
        var labelsAlone = labels.Keys.Where(name => !photos.ContainsKey(name)).ToArray();
        var photosAlone = photos.Keys.Where(name => !labels.ContainsKey(name)).ToArray();
        if (labelsAlone.Length == labels.Count)
        {
            fault =
                $"No label image in '{labelsFolder}' has a photo of the same name in '{photosFolder}': "
                + $"{Describe(labelsAlone, "label image")} there, {Describe(photosAlone, "photo")} here.";
        }
        else if (labelsAlone.Length + photosAlone.Length > 0)
        {
            var faults = new List<string>();
            if (labelsAlone.Length > 0)
                faults.Add($"{Describe(labelsAlone, "label image")} in '{labelsFolder}' without a photo in '{photosFolder}'");
            if (photosAlone.Length > 0)
                faults.Add($"{Describe(photosAlone, "photo")} in '{photosFolder}' without a label image in '{labelsFolder}'");
            fault =
                $"Label images and photos go together by file name, but there are {string.Join(", and ", faults)}. Add the missing files, or take these away.";
        }

        return [.. labels.Where(label => photos.ContainsKey(label.Key)).Select(label => new LabelPhotoPair(label.Key, label.Value, photos[label.Key]))];
    }

    private static SortedDictionary<string, string> FindImages(string folder, string what, string[] extensions, string hint)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"The folder of the {what}s, '{folder}', does not exist.");

        var images = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            if (name.StartsWith('.') || !extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))
                continue;
            if (!images.TryAdd(name, path))
                throw new InvalidDataException($"The folder '{folder}' has both '{Path.GetFileName(images[name])}' and '{Path.GetFileName(path)}': which is the {what} '{name}'? Take one away.");
        }

        return images.Count > 0
            ? images
            : throw new InvalidDataException($"The folder '{folder}' has no {what} ({string.Join(", ", extensions)}{hint}).");
    }

    private static string Describe(string[] names, string what)
    {
        var examples = string.Join(", ", names.Take(3).Select(name => $"'{name}'"));
        return $"{names.Length} {what}{(names.Length == 1 ? "" : "s")} ({examples}{(names.Length > 3 ? ", ..." : "")})";
    }
}

/// <summary>A label image and the photo of the same scene. ML.NET's <c>LoadFromEnumerable</c> makes a data view of such pairs.</summary>
/// <param name="Name">The file name that both share, without an extension.</param>
/// <param name="LabelPath">The label image's path.</param>
/// <param name="PhotoPath">The photo's path.</param>
public sealed record LabelPhotoPair(string Name, string LabelPath, string PhotoPath);
