using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>Elements at any strides, compared with libtorch's own view of the same numbers.</summary>
public class TensorDataTests
{
    private const int Count = 2_000_000;

    public TensorDataTests() => TorchBackend.Start();

    /// <summary>Pieces are of a mebibyte: views below and above it, dense and with gaps, that overlap or stand still.</summary>
    [Theory]
    [InlineData(new long[] { 3, 400, 500 }, new long[] { 1, 3, 1200 })]
    [InlineData(new long[] { 1000, 1, 1000 }, new long[] { 1000, 77, 1 })]
    [InlineData(new long[] { 900, 900 }, new long[] { 2, 2000 })]
    [InlineData(new long[] { 2, 600_000 }, new long[] { 700_000, 1 })]
    [InlineData(new long[] { 3, 300_000 }, new long[] { 1, 6 })]
    [InlineData(new long[] { 3, 4 }, new long[] { 390_000, 400_000 - 17 })]
    [InlineData(new long[] { 4, 500_000 }, new long[] { 0, 2 })]
    [InlineData(new long[] { 500_000, 2 }, new long[] { 1, 1 })]
    [InlineData(new long[] { 1, 1 }, new long[] { 5_000_000, 0 })]
    [InlineData(new long[] { }, new long[] { })]
    public void StridesAreThoseOfLibtorch(long[] shape, long[] strides)
    {
        using var scope = NewDisposeScope();
        var values = arange(Count + 1, ScalarType.Float32);
        using var stream = new MemoryStream(values.bytes.ToArray());
        Tensor same = zeros(shape), permuted = zeros([.. shape.Reverse()], dtype: ScalarType.Float64).permute([.. Enumerable.Range(0, shape.Length).Reverse().Select(i => (long)i)]);

        Assert.True(TensorData.ReadStrided(stream, 4, ScalarType.Float32, strides, same));
        Assert.True(TensorData.ReadStrided(stream, 4, ScalarType.Float32, strides, permuted));

        var expected = values.as_strided(shape, strides, 1);
        Assert.True(same.Equals(expected));
        Assert.True(permuted.Equals(expected.to(ScalarType.Float64)));
    }

    [Fact]
    public void AStreamThatEndsEarlyIsTold()
    {
        using var scope = NewDisposeScope();
        using var stream = new MemoryStream(new byte[4000]);
        Assert.True(TensorData.ReadStrided(stream, 0, ScalarType.Float32, [1], zeros(1000)));
        Assert.False(TensorData.ReadStrided(stream, 0, ScalarType.Float32, [1], zeros(1001)));
        Assert.False(TensorData.ReadStrided(stream, 4, ScalarType.Float32, [1, 10], zeros(10, 100)));
        Assert.False(TensorData.ReadStrided(stream, 4, ScalarType.Float32, [999], zeros(2)));
    }
}
