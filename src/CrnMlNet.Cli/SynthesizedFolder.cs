using CrnMlNet.Data;
using CrnMlNet.Evaluation;

namespace CrnMlNet.Cli;

/// <summary>A folder of synthesized photos, named as <c>crn synthesize</c> does: <see cref="PhotoNames"/>.</summary>
internal sealed class SynthesizedFolder
{
    private readonly string[][] _files;

    /// <param name="folder">The folder.</param>
    /// <param name="names">The layouts' names.</param>
    /// <param name="photosFolder">Where these are from, for messages.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">A name lacks its photo, a photo has no such name, or they are not as many of each.</exception>
    public SynthesizedFolder(string folder, IReadOnlyCollection<string> names, string photosFolder)
    {
        var photos = LabelPhotoPairs.PhotosIn(folder);
        if (names.FirstOrDefault(name => !photos.ContainsKey(name)) is { } missing)
            throw new InvalidDataException($"--synthesized '{folder}' has no photo '{missing}' for that in '{photosFolder}' ({names.Count(name => !photos.ContainsKey(name))} of {names.Count} are missing).");
        _files = [.. names.Select(name => OfLayout(photos, name).ToArray())];
        var used = _files.SelectMany(files => files).ToHashSet();
        if (photos.Values.FirstOrDefault(file => !used.Contains(file)) is { } unknown)
            throw new InvalidDataException($"--synthesized '{unknown}' belongs to no photo in '{photosFolder}': photos go together by file name ({photos.Count - used.Count} such). Take it away, or add the photo.");
        if (_files.FirstOrDefault(files => files.Length != _files[0].Length) is { } odd)
            throw new InvalidDataException($"--synthesized '{folder}' has {_files[0].Length} photos of the layout of '{_files[0][0]}', and {odd.Length} of that of '{odd[0]}'; there must be as many of each.");
        using var first = ImageFile.Load(_files[0][0]);
        (Height, Width) = (first.Height, first.Width);
    }

    /// <summary>The photos' height in pixels.</summary>
    public int Height { get; }

    /// <summary>The photos' width in pixels.</summary>
    public int Width { get; }

    /// <summary>Loads the photos of each layout.</summary>
    /// <param name="loaded">Is told how many layouts' are loaded.</param>
    /// <exception cref="InvalidDataException">A photo cannot be read or has another size.</exception>
    public IReadOnlyList<IReadOnlyList<RgbImage>> Load(Action<int> loaded)
    {
        var photos = new IReadOnlyList<RgbImage>[_files.Length];
        for (int i = 0; i < photos.Length; i++)
        {
            photos[i] = [.. _files[i].Select(Load)];
            loaded(i + 1);
        }
        return photos;
    }

    private RgbImage Load(string file)
    {
        using var image = ImageFile.Load(file);
        if ((image.Height, image.Width) != (Height, Width))
            throw new InvalidDataException($"--synthesized '{file}' is {image.Width}x{image.Height}, and '{_files[0][0]}' is {Width}x{Height}: all must have one size.");
        return RgbImage.From(image, Height, Width);
    }

    private static IEnumerable<string> OfLayout(IReadOnlyDictionary<string, string> photos, string name)
    {
        yield return photos[name];
        for (int i = 1; photos.TryGetValue(PhotoNames.Of(name, i), out var file); i++)
            yield return file;
    }
}
