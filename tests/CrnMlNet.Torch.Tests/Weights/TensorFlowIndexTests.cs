using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using CrnMlNet.Torch.Weights;
using static CrnMlNet.Tests.Shared.CheckpointWriter;

namespace CrnMlNet.Torch.Tests.Weights;

public sealed class TensorFlowIndexTests
{
    [Theory]
    [InlineData("256p", 134)]
    [InlineData("512p", 152)]
    [InlineData("1024p", 86)]
    [InlineData("GTA", 134)]
    public void ThePublishedIndexesAreReadAsTheirTablesSay(string model, int count)
    {
        var index = TensorFlowCheckpoint.ReadIndex(SharedData.Find("crn-original", $"result_{model}", "model.ckpt.index"));

        var rows = TableOf(model);
        Assert.Equal(count, rows.Length);
        Assert.Equal(1, index.Shards);
        Assert.Equal(
            rows.Select(row => $"{row[0]} {row[2]} {row[3]} {row[4]} {row[5]} {row[6]}"),
            index.Entries.Select(entry => FormattableString.Invariant(
                $"{entry.Name} [{string.Join(", ", entry.Shape)}] {entry.Begin} {entry.End - entry.Begin} {entry.MaskedCrc:x8} {entry.Shard}")));
        Assert.All(index.Entries, entry => Assert.Equal(TorchSharp.torch.ScalarType.Float32, entry.DataType));
    }

    [Theory]
    [InlineData("256p")]
    [InlineData("512p")]
    [InlineData("1024p")]
    [InlineData("GTA")]
    public void TheWriterOfTheseTestsWritesWhatTensorFlowWrote(string model)
    {
        byte[] published = File.ReadAllBytes(SharedData.Find("crn-original", $"result_{model}", "model.ckpt.index"));

        var entries = TableOf(model).Select(row => (row[0], Entry(
            Float,
            [.. row[2].Trim('[', ']').Split(',', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse)],
            int.Parse(row[6]), long.Parse(row[3]), long.Parse(row[4]), uint.Parse(row[5], NumberStyles.HexNumber))));

        Assert.Equal(published, Table([("", HeaderOf(1)), .. entries]));
    }

    // RFC 3720, appendix B.4, and the two numbers of the published checkpoints.
    [Fact]
    public void TheCrcIsThatOfItsStandard()
    {
        Assert.Equal(0x8A9136AAu, Crc32C.Append(0, new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Append(0, [.. Enumerable.Repeat((byte)0xff, 32)]));
        Assert.Equal(0x46DD794Eu, Crc32C.Append(0, [.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0xE3069283u, Crc32C.Append(0, "123456789"u8));
        Assert.Equal(0xE3069283u, Crc32C.Append(Crc32C.Append(0, "123456"u8), "789"u8));
        Assert.Equal(0x3a117ba6u, Crc32C.Mask(Crc32C.Append(0, new byte[4])));
        Assert.Equal(0x460cb0deu, Crc32C.Mask(Crc32C.Append(0, MemoryMarshal.AsBytes<float>([0.05092258f]))));
        Assert.Equal(0xE3069283u, Crc("123456789"u8));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(1000)]
    [InlineData(256 << 10)]
    public void KeysShareTheirBeginningsAndBlocksMayBeMany(int blockSize)
    {
        var names = Enumerable.Range(0, 100).Select(i => $"scope_{i % 7}/layer_{i}/weights").Order(StringComparer.Ordinal).ToArray();
        var entries = names.Select((name, i) => (name, Entry(Float, [i], 0, 4 * i * (i - 1) / 2, 4 * i, (uint)i)));

        var index = TensorFlowIndex.Read(Table([("", HeaderOf(1)), .. entries], blockSize));

        Assert.Equal(names, index.Entries.Select(entry => entry.Name));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (long)i), index.Entries.Select(entry => Assert.Single(entry.Shape)));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (uint)i), index.Entries.Select(entry => entry.MaskedCrc));
    }

    [Theory]
    [InlineData(0, 0, 0, "there are 0 data files")]
    [InlineData(-1, 0, 0, "there are -1 data files")]
    [InlineData(100_000, 0, 0, "there are 100000 data files")]
    [InlineData(1, 1, 0, "big-endian")]
    [InlineData(1, 0, 2, "a reader of version 2")]
    public void AHeaderThatIsNotSupportedIsRefusedByName(int shards, int endianness, int consumer, string message) =>
        Refused(Table([("", HeaderOf(shards, endianness, consumer))]), message);

    public static TheoryData<byte[], string> Entries => new()
    {
        { Entry(7, [1], 0, 0, 4, 0), "data type 7; readable are Float32" },
        { Entry(0, [1], 0, 0, 4, 0), "data type 0" },
        { Entry(Float, [1], 1, 0, 4, 0), "data file 1 of 1" },
        { Entry(Float, [1], -1, 0, 4, 0), "data file -1 of 1" },
        { Entry(Float, [1], 0, -8, 4, 0), "4 bytes from byte -8" },
        { Entry(Float, [1], 0, long.MaxValue, 4, 0), "4 bytes from byte 9223372036854775807" },
        { Entry(Float, [3, 3], 0, 0, 40, 0), "40 bytes, and Float32 of shape [3, 3] takes 36" },
        { Entry(Float, [1L << 40, 1L << 40], 0, 0, 0, 0), "takes more than 64 bits can count" },
        { Entry(Float, [0, 1L << 62], 0, 0, 0, 0), "takes more than 64 bits can count" },
        { Entry(Float, [-1], 0, 0, 4, 0), "a dimension of size -1" },
        { Entry(Float, [.. Enumerable.Repeat(1L, 65)], 0, 0, 4, 0), "more than 64 dimensions" },
        { [.. Entry(Float, [1], 0, 0, 4, 0), .. Message(7, [])], "stored in slices" },
        { [.. Integer(1, Float), .. Message(2, Integer(3, 1)), .. Integer(5, 4)], "number of dimensions is not known" },
        { [.. Entry(Float, [1], 0, 0, 4, 0), 0x08], "it ends within a number" },
        { [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], "more than 64 bits" },
        { [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "more than 64 bits" },
        { [0x12, 0xff, 0xff, 0xff, 0xff, 0x0f], "4294967295 bytes, and 0 follow" },
        { [0x0d, 1, 0, 0, 0], "wire type 5 where one of 0 belongs" },
        { [0x0b], "wire type 3" },
        { [0x00, 0x00], "number 0" },
    };

    [Theory]
    [MemberData(nameof(Entries))]
    public void AnEntryThatCannotBeUsedIsRefusedWithItsVariablesName(byte[] entry, string message) =>
        Refused(Table([("", HeaderOf(1)), ("g_4_conv1/weights", entry)]), "'g_4_conv1/weights'", message);

    [Fact]
    public void UnknownFieldsArePassedOver()
    {
        byte[] more = [.. Integer(100, 5), .. Message(101, [1, 2]), .. Fixed32(102, 7), 0xb9, 0x06, .. new byte[8]];

        var index = TensorFlowIndex.Read(Table([("", [.. HeaderOf(1), .. more]), ("a", [.. Entry(Float, [2], 0, 0, 8, 9), .. more])]));

        Assert.Equal(9u, Assert.Single(index.Entries).MaskedCrc);
    }

    [Fact]
    public void VariablesThatOverlapAreRefusedWithBothNames() => Refused(
        Table([("", HeaderOf(2)), ("a", Entry(Float, [2], 0, 8, 8, 0)), ("b", Entry(Float, [3], 0, 0, 12, 0)), ("c", Entry(Float, [2], 1, 8, 8, 0))]),
        "'b' (bytes 0 to 12) and 'a' (from byte 8) overlap");

    [Fact]
    public void WhatIsNoTableIsRefused()
    {
        byte[] whole = Table([("", HeaderOf(1)), ("a", Entry(Float, [1], 0, 0, 4, 0))]);
        Refused([], "0 bytes");
        Refused(whole[..47], "47 bytes");
        Refused(whole[..^1], "magic");
        Refused(whole[1..], "block");
        Refused(Table([("a", Entry(Float, [1], 0, 0, 4, 0))]), "header");
        Refused(Table([("", HeaderOf(1)), ("b", Entry(Float, [1], 0, 0, 4, 0)), ("a", Entry(Float, [1], 0, 4, 4, 0))]), "keys out of order");
        Refused(Table([("", HeaderOf(1)), ("a", Entry(Float, [1], 0, 0, 4, 0)), ("a", Entry(Float, [1], 0, 4, 4, 0))]), "keys out of order");
        Refused(Table([("", HeaderOf(1)), (new string('a', 1025), Entry(Float, [1], 0, 0, 4, 0))]), "1024 in all are the most");
        Refused(Footer([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), "metaindex block would have 18446744073709551615 bytes from byte 18446744073709551615");
    }

    [Fact]
    public void EveryBitOfTheBlocksCounts()
    {
        byte[] whole = Table([("", HeaderOf(1)), ("a", Entry(Float, [1], 0, 0, 4, 0))]);

        for (int bit = 0; bit < 8 * (whole.Length - 48); bit++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.Throws<FormatException>(() => TensorFlowIndex.Read(damaged));
        }
    }

    [Theory]
    [InlineData(1, "index block", "Snappy")]
    [InlineData(9, "index block", "type 9")]
    public void BlocksThatAreCompressedAreRefusedByName(byte type, params string[] message)
    {
        var file = new MemoryStream();
        byte[] empty = [0, 0, 0, 0, 1, 0, 0, 0];
        byte[] handles = [.. WriteBlock(file, empty), .. WriteBlock(file, empty, type)];

        Refused([.. file.ToArray(), .. Footer(handles)], message);
    }

    [Theory]
    [InlineData(new byte[] { 5, 1, 0, 97 }, "shares 5 bytes with one of 0")]
    [InlineData(new byte[] { 0, 9, 0, 97 }, "an entry of 9 + 0 bytes, and 1 follow")]
    [InlineData(new byte[] { 0, 1, 9, 97 }, "an entry of 1 + 9 bytes, and 1 follow")]
    [InlineData(new byte[] { 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 97 }, "1 + 18446744073709551615 bytes")]
    [InlineData(new byte[] { 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 97 }, "adds 18446744073709551615")]
    [InlineData(new byte[] { 0, 1 }, "ends within a number")]
    public void EntriesOfABlockThatDoNotFitAreRefused(byte[] entries, string message)
    {
        var file = new MemoryStream();
        byte[] handles = [.. WriteBlock(file, [0, 0, 0, 0, 1, 0, 0, 0]), .. WriteBlock(file, [.. entries, 0, 0, 0, 0, 1, 0, 0, 0])];

        Refused([.. file.ToArray(), .. Footer(handles)], message);
    }

    [Theory]
    [InlineData(new byte[] { }, "0 bytes")]
    [InlineData(new byte[] { 1, 0, 0 }, "3 bytes")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff }, "4294967295 restart points")]
    public void RestartPointsThatDoNotFitAreRefused(byte[] block, string message)
    {
        var file = new MemoryStream();
        byte[] handles = [.. WriteBlock(file, [0, 0, 0, 0, 1, 0, 0, 0]), .. WriteBlock(file, block)];

        Refused([.. file.ToArray(), .. Footer(handles)], "index block", message);
    }

    /// <summary>A small table whose index named a block again and again would unpack to a large one.</summary>
    [Fact]
    public void ABlockThatIsNamedTwiceIsRefused()
    {
        var file = new MemoryStream();
        byte[] handle = WriteBlock(file, [0, 1, 1, 97, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
        byte[] handles =
        [
            .. WriteBlock(file, [0, 0, 0, 0, 1, 0, 0, 0]),
            .. WriteBlock(file, [0, 1, (byte)handle.Length, 98, .. handle, 0, 1, (byte)handle.Length, 99, .. handle, 0, 0, 0, 0, 1, 0, 0, 0]),
        ];

        Refused([.. file.ToArray(), .. Footer(handles)], "within the one before");
    }

    private static byte[] Footer(byte[] handles) => [.. handles, .. new byte[40 - handles.Length], 0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];

    private static void Refused(byte[] table, params string[] message)
    {
        var error = Assert.Throws<FormatException>(() => TensorFlowIndex.Read(table));
        Assert.All(message, part => Assert.Contains(part, error.Message));
    }

    private static string[][] TableOf(string model) =>
        [.. File.ReadLines(SharedData.Find("crn-original", $"checkpoint-{model}.tsv"), Encoding.UTF8).Skip(1).Select(line => line.Split('\t'))];
}
