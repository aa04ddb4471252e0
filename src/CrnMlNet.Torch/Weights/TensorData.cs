using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// Moves elements, little-endian and row-major, between streams and libtorch's memory: in pieces, so that a tensor may be
/// larger than a .NET array, and nothing of a tensor's size is allocated on the way.
/// </summary>
internal static class TensorData
{
    private const int PieceByteCount = 1 << 20;

    /// <summary>Writes a tensor from any device and with any strides; it is copied where it is not on the CPU or not contiguous.</summary>
    public static void Write(Stream stream, Tensor value)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        foreach (var piece in Pieces(value.detach().cpu().contiguous().reshape(-1)))
        {
            using (piece)
                stream.Write(piece.bytes);
        }
    }

    /// <summary>
    /// Reads the elements of a target, on any device and with any strides, from where the stream stands. Floating-point
    /// values are converted to the target's type.
    /// </summary>
    /// <param name="stream">The stream; exactly the elements' bytes are taken from it.</param>
    /// <param name="type">The elements' type in the stream.</param>
    /// <param name="target">What to fill: some of it has been when the stream ends early.</param>
    /// <returns>The bytes read: fewer than the elements take when the stream ends early.</returns>
    /// <exception cref="FormatException">The stream is a decompressing one, and what it unpacks is damaged.</exception>
    public static long Read(Stream stream, ScalarType type, Tensor target)
    {
        if (target.NumberOfElements == 0)
            return 0;

        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        if (type != ScalarType.Bool && target.dtype == type && target.device_type == DeviceType.CPU && target.is_contiguous())
            return ReadContiguous(stream, target);

        return ReadThrough(Buffer(type, target.NumberOfElements), stream, target);
    }

    /// <summary>
    /// Reads the elements of a target, as <see cref="Read"/> does, that lie at strides of their own in a stream. Any
    /// strides will do; where they are those of a permuted contiguous tensor, the stream is read front to back.
    /// </summary>
    /// <param name="stream">A stream that can seek.</param>
    /// <param name="start">The position of the target's first element.</param>
    /// <param name="type">The elements' type in the stream.</param>
    /// <param name="strides">For each of the target's dimensions the elements from one index to the next, at least 0.</param>
    /// <param name="target">What to fill: some of it has been when the stream ends early.</param>
    /// <returns>False when the stream ends early.</returns>
    /// <exception cref="FormatException">The stream is a decompressing one, and what it unpacks is damaged.</exception>
    public static bool ReadStrided(Stream stream, long start, ScalarType type, IReadOnlyList<long> strides, Tensor target)
    {
        if (target.NumberOfElements == 0)
            return true;

        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        long[] kept = [.. Enumerable.Range(0, strides.Count).Where(i => target.shape[i] > 1)];
        long[] order = [.. Enumerable.Range(0, kept.Length).OrderByDescending(i => strides[(int)kept[i]])];
        long[] steps = [.. order.Select(i => strides[(int)kept[i]])];
        var ordered = target.squeeze().permute(order);
        if (!IsDense(ordered.shape, steps))
            return ReadSpans(Buffer(type, PieceByteCount), stream, start, steps, ordered);

        stream.Position = start;
        return Read(stream, type, ordered) == ordered.NumberOfElements * type.ElementSize();
    }

    /// <summary>Reads until <paramref name="buffer"/> is full or the stream ends; returns the bytes read.</summary>
    /// <exception cref="FormatException">The stream is a decompressing one, and what it unpacks is damaged.</exception>
    public static int Fill(Stream stream, Span<byte> buffer)
    {
        try
        {
            return stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException damaged)
        {
            throw new FormatException($"The compressed stream around the data is damaged: {damaged.Message}", damaged);
        }
    }

    /// <summary>Reads bytes until their number or the stream's end; they get memory as they arrive, not as their number asks.</summary>
    /// <exception cref="FormatException">The stream is a decompressing one, and what it unpacks is damaged.</exception>
    public static byte[] ReadGrowing(Stream stream, int count)
    {
        var bytes = new byte[Math.Min(count, 1 << 16)];
        for (var filled = 0; ;)
        {
            filled += Fill(stream, bytes.AsSpan(filled));
            if (filled < bytes.Length)
                return bytes[..filled];
            if (filled == count)
                return bytes;
            Array.Resize(ref bytes, (int)Math.Min(count, 2L * bytes.Length));
        }
    }

    /// <summary>Bytes other than 0 and 1 are no valid bool in memory; as bytes, the conversion makes them true.</summary>
    private static Tensor Buffer(ScalarType type, long mostElements)
    {
        var stored = type == ScalarType.Bool ? ScalarType.Byte : type;
        return empty(Math.Min(mostElements, PieceByteCount / stored.ElementSize()), stored, CPU);
    }

    private static long ReadContiguous(Stream stream, Tensor target)
    {
        long done = 0;
        foreach (var piece in Pieces(target.reshape(-1)))
        {
            using (piece)
            {
                var bytes = piece.bytes;
                var read = Fill(stream, bytes);
                done += read;
                if (read < bytes.Length)
                    return done;
            }
        }

        return done;
    }

    /// <summary>Takes as many of the first dimension's rows at once as the buffer holds, and a row that it does not hold in parts.</summary>
    private static long ReadThrough(Tensor buffer, Stream stream, Tensor target)
    {
        if (target.NumberOfElements <= buffer.NumberOfElements)
        {
            using var piece = buffer.narrow(0, 0, target.NumberOfElements);
            var bytes = piece.bytes;
            var read = Fill(stream, bytes);
            if (read == bytes.Length)
            {
                using var shaped = piece.reshape(target.shape);
                target.copy_(shaped);
            }

            return read;
        }

        long done = 0, rowElements = target.NumberOfElements / target.shape[0], rows = buffer.NumberOfElements / rowElements;
        for (long start = 0, count; start < target.shape[0]; start += count)
        {
            count = Math.Clamp(rows, 1, target.shape[0] - start);
            using var part = rows == 0 ? target.select(0, start) : target.narrow(0, start, count);
            var read = ReadThrough(buffer, stream, part);
            done += read;
            if (read < count * rowElements * buffer.ElementSize)
                break;
        }

        return done;
    }

    /// <summary>Whether the strides, in descending order, are those of a contiguous tensor.</summary>
    private static bool IsDense(long[] shape, long[] strides)
    {
        long elements = 1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            if (strides[i] != elements)
                return false;
            elements *= shape[i];
        }

        return true;
    }

    /// <summary>
    /// Reads what lies between the first and the last element, where the buffer holds that; else takes as many of the
    /// first dimension's rows at once as the buffer holds, and a row that it does not hold in parts.
    /// </summary>
    private static bool ReadSpans(Tensor buffer, Stream stream, long start, long[] strides, Tensor target)
    {
        var shape = target.shape;
        long span = 1 + shape.Zip(strides, (count, stride) => (count - 1) * stride).Sum();
        if (span <= buffer.NumberOfElements)
        {
            using var piece = buffer.narrow(0, 0, span);
            stream.Position = start;
            if (Fill(stream, piece.bytes) < span * buffer.ElementSize)
                return false;
            using var elements = piece.as_strided(shape, strides);
            target.copy_(elements);
            return true;
        }

        long rowSpan = span - (shape[0] - 1) * strides[0];
        long rows = rowSpan > buffer.NumberOfElements ? 0 : (buffer.NumberOfElements - rowSpan) / strides[0] + 1;
        for (long row = 0, count; row < shape[0]; row += count)
        {
            count = Math.Clamp(rows, 1, shape[0] - row);
            using var part = rows == 0 ? target.select(0, row) : target.narrow(0, row, count);
            if (!ReadSpans(buffer, stream, start + row * strides[0] * buffer.ElementSize, rows == 0 ? strides[1..] : strides, part))
                return false;
        }

        return true;
    }

    /// <summary>Views that cover a flat tensor: <see cref="Tensor.bytes"/> of one is a short span of libtorch's memory.</summary>
    private static IEnumerable<Tensor> Pieces(Tensor flat)
    {
        var perPiece = PieceByteCount / flat.ElementSize;
        for (long start = 0; start < flat.NumberOfElements; start += perPiece)
            yield return flat.narrow(0, start, Math.Min(perPiece, flat.NumberOfElements - start));
    }
}
