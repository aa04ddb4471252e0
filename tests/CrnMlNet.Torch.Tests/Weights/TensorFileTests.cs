using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>Files read tensor by tensor, whatever their format: what the base class promises, with safetensors below it.</summary>
public class TensorFileTests
{
    public TensorFileTests() => TorchBackend.Start();

    [Fact]
    public void TensorsAreReadInAnyOrderUnderTheFilesNames()
    {
        using var scope = NewDisposeScope();
        using var file = Open(("b/weights", arange(6, ScalarType.Float32).reshape(2, 3)), ("a", tensor(7L)), ("empty", zeros(0, 2)));
        Assert.Equal(["b/weights", "a", "empty"], file.Entries.Keys);
        Assert.Equal(ScalarType.Int64, file.Entries["a"].DataType);
        Assert.Equal([2, 3], file.Entries["b/weights"].Shape);

        Tensor last = tensor(0L), first = zeros(2, 3);
        file.ReadInto("a", last);
        file.ReadInto("b/weights", first);
        file.ReadInto("b/weights", first);
        file.ReadInto("empty", zeros(0, 2));

        Assert.Equal(7, last.item<long>());
        Assert.Equal([0f, 1, 2, 3, 4, 5], first.data<float>());
    }

    /// <summary>More elements than a piece holds, in rows that fill no piece evenly and in rows that are larger than one.</summary>
    [Theory]
    [InlineData(3, 100_003, 2)]
    [InlineData(2, 3, 300_001)]
    [InlineData(700_001, 1, 1)]
    public void APermutedTargetOfAnotherFloatingTypeIsFilledPieceByPiece(long a, long b, long c)
    {
        using var scope = NewDisposeScope();
        var values = arange(a * b * c, ScalarType.Float64).reshape(a, b, c);
        using var file = Open(("t", values), ("after", ones(1)));
        var parameter = nn.Parameter(zeros(c, a, b));

        file.ReadInto("t", parameter.permute(1, 2, 0));

        // Up to 2^24 a float holds every integer.
        Assert.True(parameter.detach().to(ScalarType.Float64).Equals(values.permute(2, 0, 1)));
        Assert.True(parameter.is_leaf && parameter.requires_grad);
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedAndNothingIsChanged()
    {
        using var scope = NewDisposeScope();
        using var file = Open([.. Enumerable.Range(0, 7).Select(i => ($"t{i}", zeros(2, 3)))]);
        var target = ones(3, 2);

        AssertRefused("There is no tensor 'u' in the file; its 7 tensors are 't0', 't1', 't2', 't3', 't4', ....", "u", target);
        AssertRefused("Tensor 't1' is [2, 3] in the file, and [3, 2] is expected.", "t1", target);
        AssertRefused("Tensor 't1' is Float32 in the file, and Int32 is expected.", "t1", zeros(2, 3, dtype: ScalarType.Int32));
        Assert.Equal(6, target.sum().item<float>());

        void AssertRefused(string message, string name, Tensor into) =>
            Assert.Equal(message, Assert.Throws<FormatException>(() => file.ReadInto(name, into)).Message);
    }

    [Fact]
    public void AFileOfNoKnownFormatIsRefusedAndClosed()
    {
        var stream = new MemoryStream("GIF89a"u8.ToArray());
        Assert.Throws<FormatException>(() => TensorFile.Open(stream));
        Assert.False(stream.CanRead);
        Assert.Throws<FileNotFoundException>(() => TensorFile.Open("no-such.file").Dispose());
    }

    private static TensorFile Open(params (string Name, Tensor Value)[] tensors)
    {
        var stream = new MemoryStream();
        Safetensors.Write(stream, tensors);
        stream.Position = 0;
        return TensorFile.Open(stream);
    }
}
