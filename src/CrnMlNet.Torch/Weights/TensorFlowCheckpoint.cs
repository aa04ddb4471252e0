using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// A TensorFlow V2 checkpoint: <c>PREFIX.index</c> and beside it one or more <c>PREFIX.data-00000-of-00001</c>, with the variables'
/// elements raw, little-endian and row-major (<c>tensorflow/core/util/tensor_bundle</c>). The CRC-32C of the index' blocks is
/// verified when it is opened, that of a variable when it is read.
/// </summary>
internal sealed partial class TensorFlowCheckpoint : TensorFile
{
    private const string IndexEnding = ".index";

    private readonly string _prefix;
    private readonly int _shards;
    private readonly List<FileStream> _data = [];
    private readonly OrderedDictionary<string, TensorEntry> _entries = [];

    /// <summary>Opens a checkpoint.</summary>
    /// <param name="path">Its prefix, such as <c>result_256p/model.ckpt</c>, or one of its files.</param>
    /// <exception cref="FormatException">It is damaged, or of a kind that is not supported.</exception>
    /// <exception cref="IOException">One of its files is not there or cannot be read.</exception>
    public TensorFlowCheckpoint(string path)
    {
        _prefix = PrefixOf(path);
        var index = ReadIndex(_prefix + IndexEnding);
        _shards = index.Shards;
        try
        {
            for (int shard = 0; shard < _shards; shard++)
                _data.Add(OpenData(DataPath(shard)));
            foreach (var entry in index.Entries)
            {
                if (entry.End > _data[entry.Shard].Length)
                    throw new FormatException(
                        $"The checkpoint's data file '{DataPath(entry.Shard)}' is cut off or of another checkpoint: it has {_data[entry.Shard].Length:N0} bytes, and variable {TensorEntry.Quote(entry.Name)} has bytes {entry.Begin:N0} to {entry.End:N0}.");
                _entries.Add(entry.Name, entry);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The variables in the order of their names' bytes.</summary>
    public override IReadOnlyDictionary<string, TensorEntry> Entries => _entries;

    /// <summary>Whether a path is that of one of a checkpoint's files, or the prefix of one that is there.</summary>
    public static bool IsAt(string path) => PrefixOf(path) != path || (!File.Exists(path) && File.Exists(path + IndexEnding));

    /// <summary>Reads an index alone.</summary>
    /// <param name="path">The <c>.index</c> file.</param>
    /// <exception cref="FormatException">It is damaged, or of a kind that is not supported.</exception>
    /// <exception cref="IOException">It is not there or cannot be read.</exception>
    public static TensorFlowIndex ReadIndex(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no checkpoint with the index '{path}'. Give its path without ending, such as result_256p/model.ckpt.", path);
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > LevelDbTable.LargestTable)
                throw new FormatException($"it has {file.Length:N0} bytes, and {LevelDbTable.LargestTable:N0} are the most");
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return TensorFlowIndex.Read(bytes);
        }
        catch (FormatException fault)
        {
            throw new FormatException($"The checkpoint's index '{path}' cannot be read: {fault.Message}.", fault);
        }
    }

    public override void Dispose() => _data.ForEach(file => file.Dispose());

    protected override void Fill(TensorEntry entry, Tensor target)
    {
        var place = (TensorFlowEntry)entry;
        var data = _data[place.Shard];
        data.Position = place.Begin;
        using var bytes = new Crc32CStream(data);
        long read = TensorData.Read(bytes, place.DataType, target);
        if (read < place.End - place.Begin)
            throw new FormatException($"The checkpoint's data file '{data.Name}' is cut off: variable {TensorEntry.Quote(place.Name)} has {place.End - place.Begin:N0} bytes, and {read:N0} are there.");
        if (Crc32C.Mask(bytes.Crc) != place.MaskedCrc)
            throw new FormatException($"The checkpoint's data file '{data.Name}' is damaged: the CRC of variable {TensorEntry.Quote(place.Name)} (bytes {place.Begin:N0} to {place.End:N0}) differs from the index'.");
    }

    private static string PrefixOf(string path) => AFilesEnding().Replace(path, "");

    private static FileStream OpenData(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"The checkpoint's data file '{path}' is missing: it must lie beside the index.", path);
        // Without a buffer: it is read in large pieces.
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
    }

    private string DataPath(int shard) => FormattableString.Invariant($"{_prefix}.data-{shard:D5}-of-{_shards:D5}");

    [GeneratedRegex(@"\.(index|data-\d{5}-of-\d{5})$")]
    private static partial Regex AFilesEnding();
}
