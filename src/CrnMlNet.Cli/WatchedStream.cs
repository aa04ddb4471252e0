namespace CrnMlNet.Cli;

/// <summary>Hands on what is written, and tells how far that is.</summary>
/// <param name="target">Where it goes; it stays open.</param>
/// <param name="written">Is told the target's length after every write.</param>
internal sealed class WatchedStream(Stream target, Action<long> written) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => target.CanSeek;

    public override bool CanWrite => true;

    public override long Length => target.Length;

    public override long Position
    {
        get => target.Position;
        set => target.Position = value;
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        target.Write(buffer);
        written(target.Length);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => target.Flush();

    public override long Seek(long offset, SeekOrigin origin) => target.Seek(offset, origin);

    public override void SetLength(long value) => target.SetLength(value);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
