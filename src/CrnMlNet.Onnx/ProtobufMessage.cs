using System.Buffers.Binary;
using System.Text;

namespace CrnMlNet.Onnx;

/// <summary>
/// A message in protobuf's wire format (https://protobuf.dev/programming-guides/encoding), field by field in the order
/// written. Its size is known before it is written, and large fields are written from where they are, so a model of
/// gigabytes needs no copy in memory.
/// </summary>
internal sealed class ProtobufMessage
{
    private enum WireType
    {
        Varint = 0,
        LengthDelimited = 2,
        Fixed32 = 5,
    }

    private readonly List<Action<Stream>> _parts = [];

    /// <summary>The bytes that <see cref="WriteTo"/> writes.</summary>
    public long Size { get; private set; }

    /// <summary>An integer, enumeration or truth value.</summary>
    public ProtobufMessage Integer(int field, long value)
    {
        var bytes = new byte[20];
        int length = WriteTag(bytes, field, WireType.Varint);
        length += WriteVarint(bytes.AsSpan(length), (ulong)value);
        return Add(bytes.AsMemory(0, length));
    }

    /// <summary>A 32-bit floating-point number.</summary>
    public ProtobufMessage Float(int field, float value)
    {
        var bytes = new byte[14];
        int length = WriteTag(bytes, field, WireType.Fixed32);
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(length), value);
        return Add(bytes.AsMemory(0, length + sizeof(float)));
    }

    /// <summary>A text.</summary>
    public ProtobufMessage Text(int field, string value)
    {
        var utf8 = Encoding.UTF8.GetBytes(value);
        return Payload(field, utf8.Length, stream => stream.Write(utf8));
    }

    /// <summary>A message in this one.</summary>
    public ProtobufMessage Message(int field, ProtobufMessage value) => Payload(field, value.Size, value.WriteTo);

    /// <summary>Bytes that are written when the message is.</summary>
    /// <param name="field">The field's number.</param>
    /// <param name="length">How many bytes <paramref name="write"/> writes.</param>
    /// <param name="write">Writes them.</param>
    public ProtobufMessage Payload(int field, long length, Action<Stream> write)
    {
        var head = new byte[20];
        int headLength = WriteTag(head, field, WireType.LengthDelimited);
        headLength += WriteVarint(head.AsSpan(headLength), (ulong)length);
        Add(head.AsMemory(0, headLength));
        _parts.Add(write);
        Size += length;
        return this;
    }

    /// <summary>Writes the message, without a length before it.</summary>
    public void WriteTo(Stream stream)
    {
        foreach (var write in _parts)
            write(stream);
    }

    private ProtobufMessage Add(ReadOnlyMemory<byte> bytes)
    {
        _parts.Add(stream => stream.Write(bytes.Span));
        Size += bytes.Length;
        return this;
    }

    private static int WriteTag(Span<byte> target, int field, WireType type) => WriteVarint(target, (ulong)field << 3 | (uint)type);

    private static int WriteVarint(Span<byte> target, ulong value)
    {
        int length = 0;
        for (; value > 0x7F; value >>= 7)
            target[length++] = (byte)(value | 0x80);
        target[length++] = (byte)value;
        return length;
    }
}
