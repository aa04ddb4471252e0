using System.IO.Enumeration;

namespace CrnMlNet.Cli.Batch;

/// <summary>
/// The label maps below a folder that a pattern fits. Photos have the maps' names, and their folders' below the pattern's first
/// wildcard. Hidden files and folders are passed over, and so is the folder of the photos; <c>**</c> does not follow links.
/// </summary>
internal sealed class LabelMapFolder : LabelMapSource
{
    private const string AnyDepth = "**";

    private static readonly char[] Wildcards = ['*', '?'];

    private static readonly StringComparison SameFile = OperatingSystem.IsLinux() ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;

    private readonly string _labels;
    private readonly string _folder;
    private readonly string[] _pattern;
    private readonly string _output;

    /// <param name="labels">What the user gave, for messages.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="pattern">The pattern of a path below it, part by part.</param>
    /// <param name="output">Where photos go.</param>
    /// <exception cref="ArgumentException">Photos would overwrite the label maps.</exception>
    public LabelMapFolder(string labels, string folder, string[] pattern, string output)
    {
        CheckApart(folder, output);
        (_labels, _folder, _pattern, _output) = (labels, folder, pattern, Path.TrimEndingDirectorySeparator(Path.GetFullPath(output)));
    }

    public static bool IsPattern(string path) => path.IndexOfAny(Wildcards) >= 0;

    /// <exception cref="FileNotFoundException">The folder in which the pattern begins does not exist.</exception>
    public static LabelMapFolder OfPattern(string pattern, string output)
    {
        string[] parts = (OperatingSystem.IsWindows() ? pattern.Replace('\\', '/') : pattern).Split('/');
        int first = Array.FindIndex(parts, IsPattern);
        string folder = string.Join('/', parts[..first]);
        folder = folder.Length > 0 ? folder : pattern.StartsWith('/') ? "/" : ".";
        if (!Directory.Exists(folder))
            throw new FileNotFoundException($"--labels '{pattern}': the folder '{folder}' does not exist.");
        var below = new List<string>();
        foreach (string part in parts[first..].Where(part => part.Length > 0))
        {
            if (part != AnyDepth || below.LastOrDefault() != AnyDepth)
                below.Add(part);
        }

        if (below[^1] == AnyDepth)
            below.Add("*");
        return new LabelMapFolder(pattern, folder, [.. below], output);
    }

    public override string NothingFound => IsPattern(_labels)
        ? $"No label image ({string.Join(", ", Extensions)}) fits '{_labels}'."
        : $"The folder '{_labels}' has no label image ({string.Join(", ", Extensions)}).";

    public override IEnumerable<LabelMapFile> Maps(Shard shard) => In(new DirectoryInfo(_folder), _folder, "", 0, shard);

    /// <summary>Finds other label maps that would become the same photo. Both are at fault, so that it does not depend on which is found first.</summary>
    public override string? FaultOf(LabelMapFile map)
    {
        string extension = Path.GetExtension(map.Path);
        foreach (string other in Extensions.SelectMany(other => new[] { other, other.ToUpperInvariant() }))
        {
            string twin = Path.ChangeExtension(map.Path, other);
            if (!other.Equals(extension, SameFile) && Fits(Path.GetFileName(twin), _pattern[^1]) && File.Exists(twin))
                return $"'{map.Path}' and '{twin}' would both become '{PhotoNames.File(map.Name, 0)}'. Take one away.";
        }

        return map.Fault;
    }

    private static bool Fits(string name, string pattern) => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);

    /// <param name="folder">A folder.</param>
    /// <param name="path">Its path, as the user would write it.</param>
    /// <param name="name">Its path below the first one, with a slash at its end.</param>
    /// <param name="part">How much of the pattern is fitted.</param>
    /// <param name="shard">The shard.</param>
    private IEnumerable<LabelMapFile> In(DirectoryInfo folder, string path, string name, int part, Shard shard)
    {
        string pattern = _pattern[part];
        if (pattern == AnyDepth)
        {
            foreach (var map in In(folder, path, name, part + 1, shard))
                yield return map;
            foreach (var below in Folders(folder).Where(below => below.LinkTarget is null))
            {
                foreach (var map in In(below, Path.Combine(path, below.Name), $"{name}{below.Name}/", part, shard))
                    yield return map;
            }
        }
        else if (part < _pattern.Length - 1)
        {
            foreach (var below in Folders(folder).Where(below => Fits(below.Name, pattern)))
            {
                foreach (var map in In(below, Path.Combine(path, below.Name), $"{name}{below.Name}/", part + 1, shard))
                    yield return map;
            }
        }
        else
        {
            foreach (string file in Directory.EnumerateFiles(path))
            {
                string fileName = Path.GetFileName(file);
                if (!IsLabelMap(fileName) || !Fits(fileName, pattern))
                    continue;
                string photo = name + Path.GetFileNameWithoutExtension(fileName);
                if (shard.Has(photo))
                    yield return new LabelMapFile(file, photo);
            }
        }
    }

    private IEnumerable<DirectoryInfo> Folders(DirectoryInfo folder)
        => folder.EnumerateDirectories().Where(below => !below.Name.StartsWith('.') && below.FullName != _output);
}
