using System.Buffers;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// Lets a stream that is read front to back, such as a decompressing one, be read from any position: what lies before is
/// read and dropped, and a position that has been passed begins the stream again. Reading in order passes over it once.
/// </summary>
/// <param name="open">Opens the stream at its beginning.</param>
/// <param name="length">The bytes that it has.</param>
internal sealed class RewindableStream(Func<Stream> open, long length) : Stream
{
    private Stream? _stream;
    private long _reached;

    public override bool CanRead => true;
    public override bool CanSeek => true;
    public override bool CanWrite => false;
    public override long Length => length;
    public override long Position { get; set; }

    public override int Read(Span<byte> buffer)
    {
        if (!Reach(Position))
            return 0;

        var read = _stream!.Read(buffer);
        Position = _reached += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _stream?.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>False where the stream ends before.</summary>
    private bool Reach(long position)
    {
        if (_stream is null || position < _reached)
        {
            _stream?.Dispose();
            _stream = open();
            _reached = 0;
        }

        if (_reached == position)
            return true;

        var dropped = ArrayPool<byte>.Shared.Rent((int)Math.Min(1 << 16, position - _reached));
        try
        {
            for (int read; _reached < position; _reached += read)
            {
                read = _stream.Read(dropped, 0, (int)Math.Min(dropped.Length, position - _reached));
                if (read == 0)
                    return false;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(dropped);
        }

        return true;
    }
}
