using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Weights;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

[Collection(RunAlone.Name)]
public sealed class TensorFlowCheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TensorFlowCheckpointTests() => TorchBackend.Start();

    private string Prefix => _folder["model.ckpt"];

    private string Data => Prefix + ".data-00000-of-00001";

    [Theory]
    [InlineData("")]
    [InlineData(".index")]
    [InlineData(".data-00001-of-00003")]
    public void VariablesAreReadFromTheirDataFiles(string ending)
    {
        using var scope = NewDisposeScope();
        new CheckpointWriter { Shards = 3, BlockSize = 50 }
            .Add("net/weights", [1, 2, 3], [1, 2, 3, 4, 5, 6], shard: 2)
            .Add("net/biases", [3], [7, 8, 9])
            .Add("net/empty", [0, 4], [], shard: 1)
            .Add("net/more", [2], [-1, -2], shard: 2)
            .Add("global_step", 9, [], BitConverter.GetBytes(1234567890123L), shard: 1)
            .Write(Prefix);
        using var file = TensorFile.Open(Prefix + ending);
        var (weights, biases, more, step) = (zeros(3, 2, 1), zeros(3, ScalarType.Float64), zeros(2), tensor(0L));

        file.ReadInto("net/weights", weights.permute(2, 1, 0));
        file.ReadInto("net/biases", biases);
        file.ReadInto("net/empty", zeros(0, 4));
        file.ReadInto("net/more", more);
        file.ReadInto("global_step", step);

        Assert.Equal(["global_step", "net/biases", "net/empty", "net/more", "net/weights"], file.Entries.Keys);
        Assert.Equal([1f, 4, 2, 5, 3, 6], weights.data<float>());
        Assert.Equal([7.0, 8, 9], biases.data<double>());
        Assert.Equal([-1f, -2], more.data<float>());
        Assert.Equal(1234567890123L, step.item<long>());
    }

    /// <summary>More than a piece: 3 MB, of which the last byte counts as the first.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    [InlineData((3 << 20) - 1)]
    public void AByteThatDiffersIsNoticedWhenItsVariableIsRead(int at)
    {
        using var scope = NewDisposeScope();
        var values = arange(3 << 18, ScalarType.Float32);
        new CheckpointWriter().Add("a", [1], [1]).Add("large", [3 << 18], values.data<float>().ToArray()).Write(Prefix);
        using (var file = File.OpenWrite(Data))
        {
            file.Position = 4 + at;
            file.WriteByte(0x55);
        }

        using var checkpoint = TensorFile.Open(Prefix);
        checkpoint.ReadInto("a", zeros(1));
        var error = Assert.Throws<FormatException>(() => checkpoint.ReadInto("large", zeros(3 << 18)));

        Assert.Contains($"'{Data}' is damaged: the CRC of variable 'large' (bytes 4 to 3,145,732) differs", error.Message);
    }

    [Fact]
    public void ReadingTakesNoMemoryBesideTheTensors()
    {
        const int Numbers = 16 << 20;
        using var scope = NewDisposeScope();
        new CheckpointWriter().Add("convolution", [1, 1, 4096, Numbers / 4096], new float[Numbers]).Write(Prefix);
        var target = ones(Numbers / 4096, 4096, 1, 1);
        GC.Collect();
        var memory = new PeakMemory();

        using (var checkpoint = TensorFile.Open(Prefix))
            checkpoint.ReadInto("convolution", target.permute(2, 3, 1, 0));

        memory.AssertBelow(24 << 20);
        Assert.Equal(0f, target.abs().max().item<float>());
    }

    [Fact]
    public void WhatIsMissingIsNamed()
    {
        Assert.Contains($"index '{Prefix}.index'", Assert.Throws<FileNotFoundException>(() => TensorFile.Open(Prefix + ".index")).Message);
        new CheckpointWriter { Shards = 2 }.Add("a", [1], [1]).Write(Prefix);
        File.Delete(Prefix + ".data-00001-of-00002");

        Assert.Contains($"'{Prefix}.data-00001-of-00002' is missing: it must lie beside the index", Assert.Throws<FileNotFoundException>(() => TensorFile.Open(Prefix)).Message);
    }

    [Fact]
    public void AFileThatWasCutOffIsNamedWithItsVariable()
    {
        new CheckpointWriter().Add("a", [1], [1]).Add("b", [2], [1, 2]).Write(Prefix);
        using (var file = File.OpenWrite(Data))
            file.SetLength(11);

        Assert.Contains($"'{Data}' is cut off or of another checkpoint: it has 11 bytes, and variable 'b' has bytes 4 to 12", Assert.Throws<FormatException>(() => TensorFile.Open(Prefix)).Message);

        File.WriteAllBytes(Prefix + ".index", File.ReadAllBytes(Prefix + ".index")[..^20]);
        Assert.Contains($"The checkpoint's index '{Prefix}.index' cannot be read: it does not end with", Assert.Throws<FormatException>(() => TensorFile.Open(Prefix)).Message);
    }

    [Fact]
    public void TenThousandDamagedCheckpointsEndInSuccessOrOneError()
    {
        var (index, data) = Written();
        Assert.Equal(index, WithCrcs(index));
        var fuzz = new Fuzz { IsAllowed = e => e is FormatException or IOException, MostAllocated = 4 << 20 };

        fuzz.Run(0, 10_000, (_, random) =>
        {
            // Half of them with the CRCs set right, as by somebody who means it.
            var damagedIndex = random.Next(4) == 0 ? index : Damage.Any(index, random);
            File.WriteAllBytes(Prefix + ".index", random.Next(2) == 0 ? WithCrcs(damagedIndex) : damagedIndex);
            File.WriteAllBytes(Data, random.Next(2) == 0 ? data : Damage.Any(data, random));
            ReadAll();
        });

        Assert.True(fuzz.Outcomes[nameof(FormatException)] > 5_000, string.Join(", ", fuzz.Outcomes));
        Assert.True(fuzz.Outcomes["success"] > 100, string.Join(", ", fuzz.Outcomes));
    }

    [Fact]
    public void SoDoThoseOfDamagedEntriesInATableThatIsWhole()
    {
        var (_, data) = Written();
        File.WriteAllBytes(Data, data);
        var fuzz = new Fuzz { IsAllowed = e => e is FormatException or IOException, MostAllocated = 4 << 20 };

        fuzz.Run(10_000, 4_000, (_, random) =>
        {
            byte[] header = CheckpointWriter.HeaderOf(1), entry = CheckpointWriter.Entry(CheckpointWriter.Float, [3, 3, 2, 2], 0, 0, 144, CheckpointWriter.Mask(CheckpointWriter.Crc(data.AsSpan(0, 144))));
            File.WriteAllBytes(Prefix + ".index", CheckpointWriter.Table(
                [("", random.Next(4) == 0 ? Damage.Any(header, random) : header), ("a", random.Next(8) == 0 ? entry : Damage.Any(entry, random))]));
            ReadAll();
        });

        Assert.True(fuzz.Outcomes[nameof(FormatException)] > 2_000, string.Join(", ", fuzz.Outcomes));
        Assert.True(fuzz.Outcomes["success"] > 100, string.Join(", ", fuzz.Outcomes));
    }

    public void Dispose() => _folder.Dispose();

    private (byte[] Index, byte[] Data) Written()
    {
        var writer = new CheckpointWriter { BlockSize = 120 }.Add("beta1_power", [], [0.5f]).Add("beta2_power", [], [0.25f]);
        foreach (var name in new[] { "g_4_conv1", "g_4_conv2", "g_8_conv1", "g_8_conv2" })
            writer.Add($"{name}/weights", [3, 3, 2, 2], new float[36]).Add($"{name}/LayerNorm/gamma", [2], [1, 1]).Add($"{name}/LayerNorm/beta", [2], [0, 0]);
        writer.Write(Prefix);
        return (File.ReadAllBytes(Prefix + ".index"), File.ReadAllBytes(Data));
    }

    private void ReadAll()
    {
        using var scope = NewDisposeScope();
        using var file = TensorFile.Open(Prefix);
        foreach (var (name, entry) in file.Entries)
            file.ReadInto(name, empty([.. entry.Shape], entry.DataType));
    }

    /// <summary>The table with the CRC of each block set right, as far as the blocks can be found.</summary>
    private static byte[] WithCrcs(byte[] table)
    {
        var fixedTable = (byte[])table.Clone();
        for (int begin = 0, end = 0; end + 5 < table.Length - 48; end++)
        {
            // A block ends with its restart points; their number is small, and a zero for its type follows.
            if (end - begin < 4 || table[end] != 0 || BitConverter.ToUInt32(table, end - 4) is 0 or > 20)
                continue;
            BitConverter.GetBytes(CheckpointWriter.Mask(CheckpointWriter.Crc(table.AsSpan(begin, end - begin + 1)))).CopyTo(fixedTable, end + 1);
            begin = end += 4;
            begin++;
        }

        return fixedTable;
    }
}
