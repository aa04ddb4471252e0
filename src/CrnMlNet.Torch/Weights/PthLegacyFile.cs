using System.Buffers.Binary;
using System.Numerics;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// A .pth file as PyTorch wrote it before version 1.6, torchvision's <c>vgg19-dcbb9e9d.pth</c> among them: pickles of a
/// magic number, a version, facts of the system, the state dictionary, and the keys of its storages; then each storage in
/// that order, its number of elements in 64 bits before it (torch/serialization.py, _legacy_save). Numbers are
/// little-endian on every system.
/// </summary>
internal sealed class PthLegacyFile : PthFile
{
    private const long Version = 1001;

    private static readonly BigInteger Magic = BigInteger.Parse("119547037146038801333356");
    private static readonly Dictionary<string, object> NoNames = [];

    private readonly Stream _stream;
    private readonly PthPickle _pickle;
    private readonly Dictionary<string, long> _starts = [];

    /// <summary>Takes a stream that stands at its beginning and can seek; it is disposed with the file.</summary>
    public PthLegacyFile(Stream stream)
    {
        _stream = stream;
        var plain = new PickleReader(stream, NoNames);
        if (plain.Read() is not BigInteger magic || magic != Magic)
            throw new FormatException("Not a .pth file: the first pickle is not PyTorch's magic number.");
        if (plain.Read() is not Version)
            throw new FormatException($"The .pth file has another version than {Version}.");
        plain.Read();

        _pickle = PthPickle.Read(stream);
        if (plain.Read() is not List<object?> keys)
            throw new FormatException("The .pth file has no list of its storages.");
        FindStorages(keys);
    }

    public override IReadOnlyDictionary<string, TensorEntry> Entries => _pickle.Entries;

    public override void Dispose() => _stream.Dispose();

    protected override (Stream Stream, long Start) OpenStorage(PthStorage storage) => (_stream, _starts[storage.Key]);

    private void FindStorages(List<object?> keys)
    {
        Span<byte> number = stackalloc byte[sizeof(long)];
        foreach (var key in keys)
        {
            if (key is not string name || !_pickle.Storages.TryGetValue(name, out var storage) || _starts.ContainsKey(name))
                throw new FormatException($"The .pth file's list of storages has {TensorEntry.Quote($"{key}")}, which no tensor is a view of, or has it twice.");
            if (TensorData.Fill(_stream, number) < number.Length)
                throw new FormatException($"The .pth file is cut off before its storage {TensorEntry.Quote(name)}.");
            if (BinaryPrimitives.ReadInt64LittleEndian(number) is var count && count != storage.FileCount)
                throw new FormatException($"The .pth file's storage {TensorEntry.Quote(name)} has {count} elements, and the tensors are views of {storage.FileCount}.");
            if (storage.FileByteCount > _stream.Length - _stream.Position)
                throw new FormatException($"The .pth file is cut off: its storage {TensorEntry.Quote(name)} has {storage.FileByteCount} bytes, and {_stream.Length - _stream.Position} are there.");

            _starts.Add(name, _stream.Position);
            _stream.Position += storage.FileByteCount;
        }

        if (_pickle.Storages.Keys.FirstOrDefault(name => !_starts.ContainsKey(name)) is { } missing)
            throw new FormatException($"The .pth file has no storage {TensorEntry.Quote(missing)}, which tensors are views of.");
        if (_stream.Position < _stream.Length)
            throw new FormatException($"The .pth file has {_stream.Length - _stream.Position} bytes behind its last storage.");
    }
}
