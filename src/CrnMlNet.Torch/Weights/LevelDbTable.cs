using System.Buffers.Binary;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// Reads LevelDB's sorted tables (https://github.com/google/leveldb/blob/main/doc/table_format.md) as TensorFlow writes them
/// (<c>tensorflow/core/lib/io/table_builder.cc</c>): blocks of keys and values, an index of the blocks, and a footer. The
/// CRC of every block is verified.
/// </summary>
internal static class LevelDbTable
{
    /// <summary>The most bytes of a table that is read: the published models' have some 5,000.</summary>
    public const int LargestTable = 16 << 20;

    // A key shares its beginning with the one before, so that a small table could unpack to a huge one.
    private const int LongestKey = 1 << 10;
    private const int MostEntries = 1 << 16;

    private const int FooterByteCount = 48;
    private const int HandlesByteCount = 40;
    private const int TrailerByteCount = 5;
    private const ulong Magic = 0xdb4775248b80fb57;

    /// <summary>Reads a whole table.</summary>
    /// <param name="table">Its bytes.</param>
    /// <returns>Keys and values, in the order of the keys' bytes, none twice.</returns>
    /// <exception cref="FormatException">It is no table, is damaged, is compressed, or has more than is sensible.</exception>
    public static List<(byte[] Key, byte[] Value)> Read(ReadOnlySpan<byte> table)
    {
        if (table.Length < FooterByteCount)
            throw new FormatException($"it has {table.Length} bytes, and a table's footer alone takes {FooterByteCount}");
        if (BinaryPrimitives.ReadUInt64LittleEndian(table[^sizeof(ulong)..]) != Magic)
            throw new FormatException("it does not end with the magic number of a LevelDB table");

        var handles = table[^FooterByteCount..][..HandlesByteCount];
        var blocks = table[..^FooterByteCount];
        ReadBlock(blocks, ref handles, "metaindex block"); // of filters, which TensorFlow does not write
        var (index, _) = ReadBlock(blocks, ref handles, "index block");
        var entries = new List<(byte[] Key, byte[] Value)>();
        ulong end = 0;
        foreach (var (_, value) in Entries(index, "index block", []))
        {
            string name = $"block at byte {end}";
            ReadOnlySpan<byte> handle = value;
            var (block, begin) = ReadBlock(blocks, ref handle, name);
            if (begin < end)
                throw new FormatException($"a block begins at byte {begin}, within the one before, which ends at {end}");
            end = begin + (ulong)block.Length + TrailerByteCount;
            Entries(block, name, entries);
        }

        return entries;
    }

    /// <summary>Finds a block by the handle that stands at the beginning of a span, takes the handle off, and verifies the block.</summary>
    private static (byte[] Block, ulong Begin) ReadBlock(ReadOnlySpan<byte> blocks, ref ReadOnlySpan<byte> handle, string name)
    {
        ulong begin = ProtobufReader.ReadVarint(ref handle), length = ProtobufReader.ReadVarint(ref handle), all = (ulong)blocks.Length;
        if (begin > all || length > all - begin || TrailerByteCount > all - begin - length)
            throw new FormatException($"its {name} would have {length} bytes from byte {begin}, and the table's blocks end at {all}");

        // The block, a byte for its type, and the CRC of both.
        var block = blocks.Slice((int)begin, (int)length + TrailerByteCount);
        if (Crc32C.Mask(Crc32C.Append(0, block[..^sizeof(uint)])) != BinaryPrimitives.ReadUInt32LittleEndian(block[^sizeof(uint)..]))
            throw new FormatException($"its {name} (bytes {begin} to {begin + length}) is damaged: the CRC differs");
        byte type = block[(int)length];
        return type switch
        {
            0 => (block[..(int)length].ToArray(), begin),
            1 => throw new FormatException($"its {name} is compressed with Snappy, which is not supported. Save the checkpoint again: TensorFlow does not compress since 1.2"),
            _ => throw new FormatException($"its {name} is of type {type}, which does not exist"),
        };
    }

    /// <summary>Adds a block's entries to those of the blocks before it.</summary>
    private static List<(byte[] Key, byte[] Value)> Entries(ReadOnlySpan<byte> block, string name, List<(byte[] Key, byte[] Value)> entries)
    {
        long restarts = block.Length < sizeof(uint) ? -1 : BinaryPrimitives.ReadUInt32LittleEndian(block[^sizeof(uint)..]);
        if (restarts < 0 || (restarts + 1) * sizeof(uint) > block.Length)
            throw new FormatException($"its {name} of {block.Length} bytes has no room for the {Math.Max(restarts, 0)} restart points that it claims");

        var rest = block[..^(int)((restarts + 1) * sizeof(uint))];
        byte[] key = [];
        while (!rest.IsEmpty)
        {
            ulong shared = ProtobufReader.ReadVarint(ref rest), own = ProtobufReader.ReadVarint(ref rest), length = ProtobufReader.ReadVarint(ref rest);
            if (shared > (ulong)key.Length || own > LongestKey - shared)
                throw new FormatException($"its {name} has a key that shares {shared} bytes with one of {key.Length}, and adds {own}; {LongestKey} in all are the most");
            if (own > (ulong)rest.Length || length > (ulong)rest.Length - own)
                throw new FormatException($"its {name} has an entry of {own} + {length} bytes, and {rest.Length} follow");
            if (entries.Count == MostEntries)
                throw new FormatException($"it has more than {MostEntries} entries");

            key = [.. key.AsSpan(0, (int)shared), .. rest[..(int)own]];
            if (entries.Count > 0 && key.AsSpan().SequenceCompareTo(entries[^1].Key) <= 0)
                throw new FormatException($"its {name} has keys out of order");
            entries.Add((key, rest.Slice((int)own, (int)length).ToArray()));
            rest = rest[(int)(own + length)..];
        }

        return entries;
    }
}
