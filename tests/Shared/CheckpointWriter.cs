using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace CrnMlNet.Tests.Shared;

/// <summary>
/// Writes TensorFlow V2 checkpoints as TensorFlow's <c>BundleWriter</c> and <c>table::TableBuilder</c> do, byte for byte: written from
/// their sources and from LevelDB's and Protocol Buffers' documents, with nothing of the reader under test in it.
/// </summary>
internal sealed class CheckpointWriter
{
    public const int Float = 1;

    private static readonly uint[] CrcTable = [.. Enumerable.Range(0, 256).Select(i => Enumerable.Range(0, 8).Aggregate((uint)i, (crc, _) => crc >> 1 ^ ((crc & 1) * 0x82F63B78u)))];

    private readonly SortedDictionary<string, Variable> _variables = new(StringComparer.Ordinal);

    private sealed record Variable(int Type, long[] Shape, int Shard, byte[] Data);

    /// <summary>The size from which a block is written; TensorFlow's default holds a whole CRN's index.</summary>
    public int BlockSize { get; init; } = 256 << 10;

    /// <summary>The number of data files.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>What the header says of the byte order, and which reader it asks for.</summary>
    public (int Endianness, int MinimumConsumer) Header { get; init; }

    /// <summary>Adds a variable, or puts it in the place of one of its name.</summary>
    public CheckpointWriter Add(string name, long[] shape, ReadOnlySpan<float> values, int shard = 0) =>
        Add(name, Float, shape, MemoryMarshal.AsBytes(values), shard);

    public CheckpointWriter Add(string name, int type, long[] shape, ReadOnlySpan<byte> data, int shard = 0)
    {
        _variables[name] = new Variable(type, shape, shard, data.ToArray());
        return this;
    }

    public CheckpointWriter Remove(string name)
    {
        if (!_variables.Remove(name))
            throw new ArgumentException($"There is no variable '{name}'.", nameof(name));
        return this;
    }

    public IReadOnlyCollection<string> Names => _variables.Keys;

    /// <summary>Writes <c>PREFIX.index</c> and the data files.</summary>
    public void Write(string prefix)
    {
        for (int shard = 0; shard < Shards; shard++)
        {
            using var file = File.Create($"{prefix}.data-{shard:D5}-of-{Shards:D5}");
            foreach (var variable in _variables.Values.Where(variable => variable.Shard == shard))
                file.Write(variable.Data);
        }

        File.WriteAllBytes(prefix + ".index", Index());
    }

    /// <summary>The index alone.</summary>
    public byte[] Index() => Table(Entries(), BlockSize);

    /// <summary>The index's header and entries, in order.</summary>
    public IReadOnlyList<(string Key, byte[] Value)> Entries()
    {
        var ends = new long[Shards];
        var entries = new List<(string, byte[])> { ("", HeaderOf(Shards, Header.Endianness, Header.MinimumConsumer)) };
        foreach (var (name, variable) in _variables)
        {
            entries.Add((name, Entry(variable.Type, variable.Shape, variable.Shard, ends[variable.Shard], variable.Data.Length, Mask(Crc(variable.Data)))));
            ends[variable.Shard] += variable.Data.Length;
        }

        return entries;
    }

    /// <summary>A <c>BundleHeaderProto</c>; zeros are left out, as proto3 wants.</summary>
    public static byte[] HeaderOf(int shards, int endianness = 0, int minimumConsumer = 0) =>
        [.. Integer(1, shards), .. Integer(2, endianness), .. Message(3, [.. Integer(1, 1), .. Integer(2, minimumConsumer)])];

    /// <summary>A <c>BundleEntryProto</c>.</summary>
    public static byte[] Entry(int type, long[] shape, int shard, long offset, long size, uint maskedCrc) =>
    [
        .. Integer(1, type),
        .. Message(2, [.. shape.SelectMany(dimension => Message(2, Integer(1, dimension)))]),
        .. Integer(3, shard),
        .. Integer(4, offset),
        .. Integer(5, size),
        .. Fixed32(6, maskedCrc),
    ];

    public static byte[] Integer(int field, long value) => value == 0 ? [] : [.. Varint((ulong)field << 3), .. Varint((ulong)value)];

    public static byte[] Message(int field, byte[] content) => [.. Varint((ulong)field << 3 | 2), .. Varint((ulong)content.Length), .. content];

    public static byte[] Fixed32(int field, uint value)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return [.. Varint((ulong)field << 3 | 5), .. bytes];
    }

    public static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }

    /// <summary>A LevelDB table of entries that are in order.</summary>
    public static byte[] Table(IReadOnlyList<(string Key, byte[] Value)> entries, int blockSize = 256 << 10)
    {
        var file = new MemoryStream();
        var index = new Block(restartInterval: 1);
        var block = new Block(restartInterval: 16);
        for (int i = 0; i < entries.Count; i++)
        {
            byte[] key = Encoding.UTF8.GetBytes(entries[i].Key);
            block.Add(key, entries[i].Value);
            bool isLast = i == entries.Count - 1;
            if (block.Size < blockSize && !isLast)
                continue;
            byte[] handle = WriteBlock(file, block.Finish());
            index.Add(isLast ? Successor(key) : Separator(key, Encoding.UTF8.GetBytes(entries[i + 1].Key)), handle);
            block = new Block(restartInterval: 16);
        }

        byte[] metaindex = WriteBlock(file, new Block(restartInterval: 16).Finish());
        byte[] handles = [.. metaindex, .. WriteBlock(file, index.Finish())];
        file.Write([.. handles, .. new byte[40 - handles.Length], 0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]);
        return file.ToArray();
    }

    /// <summary>Writes a block with its type and CRC.</summary>
    /// <returns>Its handle.</returns>
    public static byte[] WriteBlock(MemoryStream file, byte[] block, byte type = 0)
    {
        byte[] handle = [.. Varint((ulong)file.Length), .. Varint((ulong)block.Length)];
        byte[] typed = [.. block, type];
        file.Write(typed);
        var crc = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(crc, Mask(Crc(typed)));
        file.Write(crc);
        return handle;
    }

    /// <summary>CRC-32C, reflected, a byte at a time.</summary>
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
            crc = crc >> 8 ^ CrcTable[(byte)(crc ^ value)];
        return ~crc;
    }

    public static uint Mask(uint crc) => (crc >> 15 | crc << 17) + 0xa282ead8;

    /// <summary>A key that is at least the last of a block and below the first of the next; no longer than it must be.</summary>
    private static byte[] Separator(byte[] last, byte[] next)
    {
        int at = 0;
        while (at < Math.Min(last.Length, next.Length) && last[at] == next[at])
            at++;
        return at < Math.Min(last.Length, next.Length) && last[at] < 0xff && last[at] + 1 < next[at] ? [.. last[..at], (byte)(last[at] + 1)] : last;
    }

    private static byte[] Successor(byte[] last)
    {
        int at = Array.FindIndex(last, value => value != 0xff);
        return at < 0 ? last : [.. last[..at], (byte)(last[at] + 1)];
    }

    /// <summary>A block in which a key leaves out what it shares with the one before, but for every so many.</summary>
    private sealed class Block(int restartInterval)
    {
        private readonly List<byte> _bytes = [];
        private readonly List<int> _restarts = [0];
        private byte[] _last = [];
        private int _sinceRestart;

        public int Size => _bytes.Count + sizeof(uint) * (_restarts.Count + 1);

        public void Add(byte[] key, byte[] value)
        {
            int shared = 0;
            if (_sinceRestart < restartInterval)
            {
                while (shared < Math.Min(_last.Length, key.Length) && _last[shared] == key[shared])
                    shared++;
            }
            else
            {
                _restarts.Add(_bytes.Count);
                _sinceRestart = 0;
            }

            _bytes.AddRange([.. Varint((ulong)shared), .. Varint((ulong)(key.Length - shared)), .. Varint((ulong)value.Length), .. key[shared..], .. value]);
            _last = key;
            _sinceRestart++;
        }

        public byte[] Finish() => [.. _bytes, .. _restarts.Append(_restarts.Count).SelectMany(BitConverter.GetBytes)];
    }
}
