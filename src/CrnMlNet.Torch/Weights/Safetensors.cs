using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// Reads and writes the safetensors format (https://github.com/huggingface/safetensors#format): eight bytes of header
/// length, a JSON header, then the tensors' bytes, little-endian and row-major.
/// </summary>
/// <remarks>
/// Streams are read and written front to back, never sought, and stay open. Bytes go between the stream and libtorch's
/// memory in pieces, so a tensor may be larger than a .NET array.
/// </remarks>
public static class Safetensors
{
    private const int NamesShown = 5;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Writes tensors in the order given, from any device and with any strides; they are not changed.</summary>
    /// <param name="stream">The stream to write to, from where it stands.</param>
    /// <param name="tensors">
    /// Names and tensors of type bool, uint8, int8 to int64, float16, bfloat16, float32 or float64. One tensor at a time
    /// is copied where it is not on the CPU or not contiguous.
    /// </param>
    /// <param name="metadata">What goes into <c>__metadata__</c>, sorted by key so that equal content gives equal bytes.</param>
    /// <exception cref="ArgumentException">
    /// A name is used twice, is <c>__metadata__</c> or is not valid Unicode, a type is not supported, or the header would
    /// be larger than 100 MB. Nothing has been written then.
    /// </exception>
    public static void Write(
        Stream stream,
        IEnumerable<(string Name, Tensor Value)> tensors,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);

        var list = tensors.ToList();
        var header = Describe(list, metadata ?? new Dictionary<string, string>()).ToBytes();
        if (header.Length > SafetensorsHeader.MaximumByteCount)
            throw new ArgumentException($"The header of {list.Count} tensors has {header.Length} bytes; safetensors allows {SafetensorsHeader.MaximumByteCount}.");

        stream.Write(header);
        foreach (var (_, value) in list)
            TensorData.Write(stream, value);
    }

    /// <summary>Reads and checks a header; <paramref name="stream"/> then stands at the first tensor's bytes.</summary>
    /// <param name="stream">A stream that stands at the beginning of the safetensors data.</param>
    /// <param name="length">
    /// The bytes from here to the end of the safetensors data, which the tensors must fill exactly. Null takes the rest
    /// of a stream that can seek; where a stream cannot, the header is checked against itself alone.
    /// </param>
    /// <exception cref="FormatException">The data is not safetensors, is damaged, or has a type that is not supported.</exception>
    public static SafetensorsHeader ReadHeader(Stream stream, long? length = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (length < 0)
            throw new ArgumentOutOfRangeException(nameof(length), length, "A length is at least 0.");

        return SafetensorsHeader.Read(stream, length ?? RemainingLength(stream));
    }

    /// <summary>
    /// Fills existing tensors, on any device and with any strides, in place. Floating-point values are converted to the
    /// target's floating-point type; any other type must be the file's.
    /// </summary>
    /// <param name="stream">The stream that <paramref name="header"/> was read from, standing right behind the header.</param>
    /// <param name="header">The header from <see cref="ReadHeader"/>.</param>
    /// <param name="targets">The tensors to fill, by name: exactly the file's names, with the file's shapes.</param>
    /// <exception cref="FormatException">
    /// Names, shapes or types differ (nothing has been read or changed then), or the data ends early (some targets have
    /// been filled then).
    /// </exception>
    public static void ReadInto(Stream stream, SafetensorsHeader header, IReadOnlyDictionary<string, Tensor> targets)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(header);
        ArgumentNullException.ThrowIfNull(targets);

        CheckTargets(header, targets);
        foreach (var entry in header.Tensors)
            ReadTensor(stream, entry, targets[entry.Name]);
    }

    /// <summary>Reads every tensor into CPU memory, each with the file's type and shape.</summary>
    /// <param name="stream">A stream that stands at the beginning of the safetensors data.</param>
    /// <param name="length">
    /// The bytes from here to the end of the safetensors data; needed where <paramref name="stream"/> cannot seek, because
    /// memory is allocated only for what the data can hold.
    /// </param>
    /// <returns>The tensors by name; they are the caller's to dispose.</returns>
    /// <exception cref="FormatException">The data is not safetensors, is damaged, or ends early.</exception>
    /// <exception cref="ArgumentException">The stream cannot seek, and no length is given.</exception>
    public static Dictionary<string, Tensor> ReadAll(Stream stream, long? length = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (length is null && !stream.CanSeek)
            throw new ArgumentException("Pass the data's length for a stream that cannot seek (ZipArchiveEntry.Length, say).", nameof(length));

        var header = ReadHeader(stream, length);
        var tensors = new Dictionary<string, Tensor>();
        try
        {
            foreach (var entry in header.Tensors)
            {
                tensors.Add(entry.Name, empty(entry.Shape.ToArray(), entry.DataType, CPU));
                ReadTensor(stream, entry, tensors[entry.Name]);
            }
        }
        catch
        {
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
            throw;
        }

        return tensors;
    }

    private static long? RemainingLength(Stream stream) => stream.CanSeek ? Math.Max(0, stream.Length - stream.Position) : null;

    private static SafetensorsHeader Describe(List<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        foreach (var (key, value) in metadata)
        {
            CheckUnicode(key, $"The metadata key {TensorEntry.Quote(key)}");
            CheckUnicode(value, $"The metadata value of {TensorEntry.Quote(key)}");
        }

        var entries = new List<SafetensorsEntry>(tensors.Count);
        var names = new HashSet<string> { SafetensorsHeader.MetadataName };
        long end = 0;
        foreach (var (name, value) in tensors)
        {
            CheckUnicode(name, $"The tensor name {TensorEntry.Quote(name)}");
            if (!names.Add(name))
                throw new ArgumentException($"The tensor name {TensorEntry.Quote(name)} is used twice, or is the format's own {SafetensorsHeader.MetadataName}.", nameof(tensors));

            var size = SafetensorsHeader.ElementByteCount(value.dtype)
                ?? throw new ArgumentException($"Tensor {TensorEntry.Quote(name)} is {value.dtype}, which cannot be written as safetensors.", nameof(tensors));
            entries.Add(new SafetensorsEntry(name, value.dtype, value.shape, end, checked(end + value.NumberOfElements * size)));
            end = entries[^1].End;
        }

        return new SafetensorsHeader(entries, metadata);
    }

    private static void CheckUnicode(string text, string what)
    {
        try
        {
            StrictUtf8.GetByteCount(text);
        }
        catch (EncoderFallbackException fault)
        {
            throw new ArgumentException($"{what} holds half of a surrogate pair at {fault.Index}.", fault);
        }
    }

    internal static void ReadTensor(Stream stream, SafetensorsEntry entry, Tensor target)
    {
        var read = TensorData.Read(stream, entry.DataType, target);
        if (read < entry.ByteCount)
            throw new FormatException($"The safetensors data is cut off: tensor {TensorEntry.Quote(entry.Name)} has {entry.ByteCount} bytes, and {read} are there.");
    }

    private static void CheckTargets(SafetensorsHeader header, IReadOnlyDictionary<string, Tensor> targets)
    {
        var inFile = header.Tensors.Select(entry => entry.Name).ToHashSet();
        var shared = header.Tensors.Where(entry => targets.ContainsKey(entry.Name)).ToList();
        string[] faults =
        [
            .. Fault("missing in the file", targets.Keys.Where(name => !inFile.Contains(name)).Select(TensorEntry.Quote)),
            .. Fault("not expected", header.Tensors.Where(entry => !targets.ContainsKey(entry.Name)).Select(entry => TensorEntry.Quote(entry.Name))),
            .. Fault("of another shape", shared.Where(entry => !entry.HasShapeOf(targets[entry.Name])).Select(entry =>
                $"{TensorEntry.Quote(entry.Name)}: {TensorEntry.Show(entry.Shape)} in the file, {TensorEntry.Show(targets[entry.Name].shape)} expected")),
            .. Fault("of another type", shared.Where(entry => !entry.HasTypeFor(targets[entry.Name])).Select(entry =>
                $"{TensorEntry.Quote(entry.Name)}: {entry.DataType} in the file, {targets[entry.Name].dtype} expected")),
        ];
        if (faults.Length > 0)
            throw new FormatException($"The safetensors file does not fit: {string.Join("; ", faults)}.");
    }

    /// <summary>One phrase for one kind of fault with the first few tensors that have it, or none.</summary>
    private static IEnumerable<string> Fault(string kind, IEnumerable<string> items)
    {
        var all = items.ToList();
        if (all.Count > 0)
            yield return $"{all.Count} {kind} ({string.Join(", ", all.Take(NamesShown))}{(all.Count > NamesShown ? ", ..." : "")})";
    }
}
