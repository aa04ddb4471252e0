using System.Buffers;
using System.IO.Compression;
using System.IO.Hashing;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// A .pth file as PyTorch has written it since version 1.6: a zip archive whose entries are not compressed,
/// <c>NAME/data.pkl</c> for the state dictionary and <c>NAME/data/KEY</c> for each storage (torch/serialization.py, _save).
/// </summary>
/// <remarks>The checksum of an entry is verified before anything is taken from it. Nothing is unpacked to the disk.</remarks>
internal sealed class PthZipFile : PthFile
{
    private const string PickleName = "/data.pkl";

    private readonly Stream _stream;
    private readonly ZipArchive _archive;
    private readonly PthPickle _pickle;
    private readonly Dictionary<string, ZipArchiveEntry> _storages = [];
    private readonly HashSet<string> _verified = [];
    private (string Key, RewindableStream Stream)? _open;

    /// <summary>Takes a stream that can seek; it is disposed with the file.</summary>
    public PthZipFile(Stream stream)
    {
        _stream = stream;
        try
        {
            _archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            var (root, pickle) = FindPickle();
            Verify(pickle);
            using (var content = Open(pickle))
                _pickle = PthPickle.Read(content);
            CheckByteOrder(root);
            FindStorages(root);
        }
        catch (InvalidDataException damaged)
        {
            throw Damaged(damaged);
        }
    }

    public override IReadOnlyDictionary<string, TensorEntry> Entries => _pickle.Entries;

    public override void Dispose()
    {
        _open?.Stream.Dispose();
        _archive.Dispose();
        _stream.Dispose();
    }

    protected override (Stream Stream, long Start) OpenStorage(PthStorage storage)
    {
        var entry = _storages[storage.Key];
        if (!_verified.Contains(storage.Key))
            Verify(entry);
        _verified.Add(storage.Key);
        if (_open?.Key != storage.Key)
        {
            _open?.Stream.Dispose();
            _open = (storage.Key, Open(entry));
        }

        return (_open.Value.Stream, 0);
    }

    private static RewindableStream Open(ZipArchiveEntry entry) => new(entry.Open, entry.Length);

    /// <summary>.NET does not check a zip's checksums.</summary>
    private static void Verify(ZipArchiveEntry entry)
    {
        var checksum = new Crc32();
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 17);
        try
        {
            using var content = entry.Open();
            long length = 0;
            for (int read; (read = content.Read(buffer)) > 0; length += read)
                checksum.Append(buffer.AsSpan(0, read));
            if (length != entry.Length)
                throw new FormatException($"The .pth file is cut off or damaged: {TensorEntry.Quote(entry.FullName)} has {entry.Length} bytes, and {length} are there.");
        }
        catch (InvalidDataException damaged)
        {
            throw Damaged(damaged);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        uint found = checksum.GetCurrentHashAsUInt32();
        if (found != entry.Crc32)
        {
            throw new FormatException(
                $"The .pth file is damaged: {TensorEntry.Quote(entry.FullName)} has the checksum {found:x8}, and the file says {entry.Crc32:x8}. "
                + "(PyTorch writes no checksums after torch.serialization.set_crc32_options(False): save the file again without that.)");
        }
    }

    private (string Root, ZipArchiveEntry Pickle) FindPickle()
    {
        var pickles = _archive.Entries.Where(entry => entry.FullName.EndsWith(PickleName, StringComparison.Ordinal) && entry.FullName.IndexOf('/') == entry.FullName.Length - PickleName.Length).ToList();
        if (pickles.Count != 1)
            throw new FormatException($"The zip file is no .pth file: it has {pickles.Count} entries NAME{PickleName}, and one is expected.");

        CheckStored(pickles[0]);
        return (pickles[0].FullName[..^PickleName.Length], pickles[0]);
    }

    private void CheckByteOrder(string root)
    {
        if (_archive.GetEntry($"{root}/byteorder") is not { } entry)
            return;

        using var content = entry.Open();
        if (!TensorData.ReadGrowing(content, 16).AsSpan().SequenceEqual("little"u8))
            throw new FormatException("The .pth file is not little-endian: save it again on the system where it is to be read.");
    }

    private void FindStorages(string root)
    {
        var prefix = $"{root}/data/";
        foreach (var entry in _archive.Entries.Where(entry => entry.FullName.StartsWith(prefix, StringComparison.Ordinal)))
        {
            if (!_pickle.Storages.TryGetValue(entry.FullName[prefix.Length..], out var storage))
                continue;
            if (!_storages.TryAdd(storage.Key, entry))
                throw new FormatException($"The .pth file has {TensorEntry.Quote(entry.FullName)} twice.");

            CheckStored(entry);
            if (entry.Length != storage.FileByteCount)
                throw new FormatException($"The .pth file's {TensorEntry.Quote(entry.FullName)} has {entry.Length} bytes, and the tensors are views of {storage.FileByteCount}.");
        }

        if (_pickle.Storages.Keys.FirstOrDefault(key => !_storages.ContainsKey(key)) is { } missing)
            throw new FormatException($"The .pth file has no {TensorEntry.Quote(prefix + missing)}, which tensors are views of.");
    }

    /// <summary>What is not compressed is no larger than the file.</summary>
    private static void CheckStored(ZipArchiveEntry entry)
    {
        if (entry.CompressedLength != entry.Length || entry.IsEncrypted)
            throw new FormatException($"The .pth file's {TensorEntry.Quote(entry.FullName)} is compressed or encrypted, which torch.save never does.");
    }

    private static FormatException Damaged(InvalidDataException damaged) => new($"The .pth file's zip archive is damaged: {damaged.Message}", damaged);
}
