namespace CrnMlNet.Cli.Batch;

/// <summary>Where label maps come from. They are given one after the other, and never held all at once: there may be millions.</summary>
internal abstract class LabelMapSource
{
    /// <summary>The kinds that training takes, too: those that keep each value as it is.</summary>
    public static readonly IReadOnlyList<string> Extensions = [".png", ".bmp", ".gif"];

    private static readonly string[] Lists = [".txt", ".lst"];

    /// <summary>What a path stands for: a label map, a folder of them, a pattern with <c>*</c>, <c>?</c> and <c>**</c>, or a list.</summary>
    /// <param name="labels">The path.</param>
    /// <param name="output">Where photos go, which are no label maps.</param>
    /// <exception cref="FileNotFoundException">There is no such file or folder.</exception>
    /// <exception cref="InvalidDataException">The file is neither a label map nor a list.</exception>
    /// <exception cref="ArgumentException">Photos would overwrite the label maps.</exception>
    public static LabelMapSource Of(string labels, string output)
    {
        if (File.Exists(labels))
        {
            if (IsLabelMap(labels))
                return new SingleLabelMap(labels, output);
            return Lists.Contains(Path.GetExtension(labels), StringComparer.OrdinalIgnoreCase)
                ? new LabelMapList(labels, output)
                : throw new InvalidDataException($"--labels '{labels}' is neither a label image ({string.Join(", ", Extensions)}) nor a list of their paths ({string.Join(", ", Lists)}).");
        }

        if (Directory.Exists(labels))
            return new LabelMapFolder(labels, labels, ["*"], output);
        if (LabelMapFolder.IsPattern(labels))
            return LabelMapFolder.OfPattern(labels, output);
        throw new FileNotFoundException($"--labels '{labels}' does not exist.");
    }

    /// <summary>What to say when there is no map at all.</summary>
    public abstract string NothingFound { get; }

    /// <summary>The label maps of a shard, found while they are asked for.</summary>
    public abstract IEnumerable<LabelMapFile> Maps(Shard shard);

    /// <summary>Why a map cannot be painted, if the source knows a reason; may be asked on any thread.</summary>
    public virtual string? FaultOf(LabelMapFile map) => map.Fault;

    /// <summary>Whether a file is a label map, by its name; hidden files are none.</summary>
    protected static bool IsLabelMap(string path)
        => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase) && !Path.GetFileName(path).StartsWith('.');

    /// <summary>Makes sure that photos do not go where label maps are.</summary>
    /// <exception cref="ArgumentException">They would overwrite them.</exception>
    protected static void CheckApart(string folder, string output)
    {
        if (Directory.Exists(output) && Real(folder) == Real(output))
            throw new ArgumentException($"--output '{output}' is the folder of the label images, which would be overwritten. Name another folder.");
    }

    /// <summary>A folder's full path, without links at its end.</summary>
    protected static string Real(string folder)
        => Path.TrimEndingDirectorySeparator(Directory.ResolveLinkTarget(folder, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(folder));
}
