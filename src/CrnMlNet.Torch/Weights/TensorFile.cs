using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// A file of named tensors whose data is read when it is asked for, so that a model as large as the memory left can be
/// filled from it, tensor by tensor.
/// </summary>
/// <remarks>Opening reads and checks what stands where, and no tensor. One thread at a time.</remarks>
public abstract class TensorFile : IDisposable
{
    private const int NamesShown = 5;

    /// <summary>What the file holds, by the file's own names, in the file's order.</summary>
    public abstract IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <summary>
    /// Opens a file of any format that is known, told apart by its content: safetensors, a PyTorch state dictionary
    /// (.pth) in its zip form or the one before version 1.6, a MatConvNet network (.mat), or a TensorFlow checkpoint.
    /// </summary>
    /// <param name="path">The file; of a TensorFlow checkpoint its prefix, such as <c>result_256p/model.ckpt</c>, or one of its files.</param>
    /// <returns>The file, for the caller to dispose; it stays open until then.</returns>
    /// <exception cref="FormatException">The file is of no known format, is damaged, or holds what is not supported.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file must not be read.</exception>
    public static TensorFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return TensorFlowCheckpoint.IsAt(path) ? new TensorFlowCheckpoint(path) : Open(File.OpenRead(path));
    }

    /// <summary>Opens a stream that stands at its beginning and can seek; it is disposed with the file, or when the opening fails.</summary>
    internal static TensorFile Open(Stream stream)
    {
        try
        {
            var start = TensorData.ReadGrowing(stream, MatConvNetFile.HeaderByteCount);
            stream.Position = 0;
            return start switch
            {
                [_, _, _, _, _, _, _, _, (byte)'{', ..] => new SafetensorsFile(stream),
                [(byte)'P', (byte)'K', 3, 4, ..] => new PthZipFile(stream),
                // PROTO, a pickle's first instruction.
                [0x80, <= 5, ..] => new PthLegacyFile(stream),
                { Length: MatConvNetFile.HeaderByteCount } and ([.., (byte)'I', (byte)'M'] or [.., (byte)'M', (byte)'I']) => new MatConvNetFile(stream),
                _ => throw new FormatException("The file is neither safetensors nor a .pth file of PyTorch, a .mat file of MATLAB or a TensorFlow checkpoint."),
            };
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Fills an existing tensor in place, on any device and with any strides: a permuted view of a parameter takes a
    /// tensor that the file keeps in another order of dimensions. Floating-point values are converted to the target's
    /// floating-point type; any other type must be the file's.
    /// </summary>
    /// <param name="name">A key of <see cref="Entries"/>.</param>
    /// <param name="target">The tensor to fill, of the entry's shape.</param>
    /// <exception cref="FormatException">
    /// The file has no such tensor, or its shape or type differs (nothing has been changed then), or the data is damaged
    /// or ends early (some of the target has been filled then).
    /// </exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public void ReadInto(string name, Tensor target)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(target);

        if (!Entries.TryGetValue(name, out var entry))
            throw new FormatException($"There is no tensor {TensorEntry.Quote(name)} in the file; its {Entries.Count} tensors are {ShowNames()}.");
        if (!entry.HasShapeOf(target))
            throw new FormatException($"Tensor {TensorEntry.Quote(name)} is {TensorEntry.Show(entry.Shape)} in the file, and {TensorEntry.Show(target.shape)} is expected.");
        if (!entry.HasTypeFor(target))
            throw new FormatException($"Tensor {TensorEntry.Quote(name)} is {entry.DataType} in the file, and {target.dtype} is expected.");
        Fill(entry, target);
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Reads a tensor's data into a target that is known to have its shape and a type that takes its values.</summary>
    protected abstract void Fill(TensorEntry entry, Tensor target);

    private string ShowNames() =>
        string.Join(", ", Entries.Keys.Take(NamesShown).Select(TensorEntry.Quote)) + (Entries.Count > NamesShown ? ", ..." : "");
}
