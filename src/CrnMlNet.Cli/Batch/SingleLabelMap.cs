using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Cli.Batch;

/// <summary>One file.</summary>
internal sealed class SingleLabelMap : LabelMapSource
{
    private readonly LabelMapFile _map;

    /// <exception cref="ArgumentException">The photo would be beside the label map.</exception>
    public SingleLabelMap(string path, string output)
    {
        CheckApart(AtomicFile.FolderOf(path), output);
        _map = new LabelMapFile(path, Path.GetFileNameWithoutExtension(path));
    }

    // There is one.
    public override string NothingFound => "";

    public override IEnumerable<LabelMapFile> Maps(Shard shard) => shard.Has(_map.Name) ? [_map] : [];
}
