using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>A safetensors file whose tensors are read one by one, in any order.</summary>
internal sealed class SafetensorsFile : TensorFile
{
    private readonly Stream _stream;
    private readonly long _dataStart;
    private readonly OrderedDictionary<string, TensorEntry> _entries = [];

    /// <summary>Takes a stream that stands at its beginning and can seek; it is disposed with the file.</summary>
    public SafetensorsFile(Stream stream)
    {
        _stream = stream;
        var header = Safetensors.ReadHeader(stream);
        foreach (var entry in header.Tensors)
            _entries.Add(entry.Name, entry);
        Metadata = header.Metadata;
        _dataStart = stream.Position;
    }

    public override IReadOnlyDictionary<string, TensorEntry> Entries => _entries;

    /// <summary>The file's <c>__metadata__</c>; empty where it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    public override void Dispose() => _stream.Dispose();

    protected override void Fill(TensorEntry entry, Tensor target)
    {
        var place = (SafetensorsEntry)entry;
        _stream.Position = _dataStart + place.Begin;
        Safetensors.ReadTensor(_stream, place, target);
    }
}
