namespace CrnMlNet.Torch.Weights;

/// <summary>Some of a file as a stream of its own: several may read the same file by turns. The file is not disposed with it.</summary>
/// <param name="file">A stream that can seek.</param>
/// <param name="start">The section's first byte in the file.</param>
/// <param name="length">The section's bytes, which the file is known to have.</param>
internal sealed class FileSection(Stream file, long start, long length) : Stream
{
    public override bool CanRead => true;
    public override bool CanSeek => true;
    public override bool CanWrite => false;
    public override long Length => length;
    public override long Position { get; set; }

    public override int Read(Span<byte> buffer)
    {
        if (Position >= length)
            return 0;

        file.Position = start + Position;
        var read = file.Read(buffer[..(int)Math.Min(buffer.Length, length - Position)]);
        Position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
