using System.Buffers.Binary;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// Goes through the fields of a Protocol Buffers message (https://protobuf.dev/programming-guides/encoding). Every field is
/// to be read, or skipped, before the next.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private const int Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5;

    private ReadOnlySpan<byte> _rest = message;
    private int _wireType;

    /// <summary>Goes to the next field.</summary>
    /// <returns>Its number, or 0 at the message's end.</returns>
    /// <exception cref="FormatException">The message is damaged.</exception>
    public int NextField()
    {
        if (_rest.IsEmpty)
            return 0;
        ulong tag = ReadVarint(ref _rest);
        _wireType = (int)(tag & 7);
        if (tag >> 3 is 0 or > (1 << 29) - 1)
            throw new FormatException($"it has a field of number {tag >> 3}");
        return (int)(tag >> 3);
    }

    /// <summary>The field as an integer or an enumeration's value.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public long ReadInteger()
    {
        Expect(Varint);
        return (long)ReadVarint(ref _rest);
    }

    /// <summary>The field as 32 bits.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public uint ReadFixed32()
    {
        Expect(Fixed32);
        return BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));
    }

    /// <summary>The field as a message.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public ProtobufReader ReadMessage()
    {
        Expect(Bytes);
        return new ProtobufReader(Take(ReadVarint(ref _rest)));
    }

    /// <summary>Passes over the field.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    public void Skip()
    {
        switch (_wireType)
        {
            case Varint:
                ReadVarint(ref _rest);
                break;
            case Fixed64:
                Take(sizeof(ulong));
                break;
            case Bytes:
                Take(ReadVarint(ref _rest));
                break;
            case Fixed32:
                Take(sizeof(uint));
                break;
            default:
                throw new FormatException($"it has a field of wire type {_wireType}");
        }
    }

    /// <summary>Takes an integer of 7 bits a byte, the lowest first, off a span's beginning; LevelDB writes them, too.</summary>
    /// <exception cref="FormatException">The span ends within it, or it has more than 64 bits.</exception>
    public static ulong ReadVarint(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int i = 0, shift = 0; i < bytes.Length; i++, shift += 7)
        {
            if (shift == 63 && bytes[i] > 1)
                throw new FormatException("it has a number of more than 64 bits");
            value |= (ulong)(bytes[i] & 0x7f) << shift;
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return value;
            }
        }

        throw new FormatException("it ends within a number");
    }

    private readonly void Expect(int wireType)
    {
        if (_wireType != wireType)
            throw new FormatException($"it has a field of wire type {_wireType} where one of {wireType} belongs");
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)_rest.Length)
            throw new FormatException($"it has a field of {count} bytes, and {_rest.Length} follow");
        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }
}
