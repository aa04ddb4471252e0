using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Cli.Batch;

/// <summary>
/// A text file with the path of a label map on each line; relative ones begin in the current folder, as those that <c>find</c> and
/// <c>ls</c> print. A photo has its map's file name, or what follows on the line after a tab.
/// </summary>
/// <remarks>Holds sixteen bytes of each map of the shard: files of several folders may have one name, and only the first is to be painted.</remarks>
internal sealed class LabelMapList(string path, string output) : LabelMapSource
{
    private readonly string _output = Directory.Exists(output) ? Real(output) : Path.TrimEndingDirectorySeparator(Path.GetFullPath(output));
    private string? _folder;
    private string? _realFolder;

    public override string NothingFound => $"The list '{path}' has no line.";

    public override IEnumerable<LabelMapFile> Maps(Shard shard)
    {
        var sources = new Dictionary<ulong, ulong>();
        foreach (string line in File.ReadLines(path))
        {
            if (line.Length == 0)
                continue;
            int tab = line.IndexOf('\t', StringComparison.Ordinal);
            string file = tab < 0 ? line : line[..tab];
            string name = tab < 0 ? Path.GetFileNameWithoutExtension(file) : line[(tab + 1)..];
            if (!shard.Has(name))
                continue;
            if (sources.TryAdd(Hash(name), Hash(file)))
                yield return new LabelMapFile(file, name, FaultOf(file, name));
            else if (sources[Hash(name)] != Hash(file))
                yield return new LabelMapFile(file, name, $"'{file}' would become '{PhotoNames.File(name, 0)}', as another label image further up in '{path}' does. Give it another name on its line, after a tab.");
        }
    }

    private string? FaultOf(string file, string name)
    {
        if (!IsLabelMap(file))
            return $"'{file}' is not a label image ({string.Join(", ", Extensions)}).";
        if (Path.IsPathRooted(name) || name.Split('/', '\\').Any(part => part.Trim() is "" or "." or ".."))
            return $"'{name}' is no name of a photo: write NAME or FOLDER/NAME.";
        return RealFolderOf(file) == AtomicFile.FolderOf(Path.Combine(_output, name)) ? $"--output '{output}' has '{file}' itself, which its photo would overwrite. Name another folder." : null;
    }

    /// <summary>Most files are in the folder of the one before.</summary>
    private string? RealFolderOf(string file)
    {
        string folder = AtomicFile.FolderOf(file);
        if (folder != _folder)
            (_folder, _realFolder) = (folder, Directory.Exists(folder) ? Real(folder) : null);
        return _realFolder;
    }

    private static ulong Hash(string text) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
