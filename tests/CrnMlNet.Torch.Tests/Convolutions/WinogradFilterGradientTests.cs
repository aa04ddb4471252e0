using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Convolutions;

[Collection(RunAlone.Name)]
public sealed class WinogradFilterGradientTests
{
    private const double Tolerance = 2e-5;

    public static TheoryData<int, int, int, int, int> Shapes => new()
    {
        // Images, inputs, outputs, rows, columns. A pixel, less than a tile, tiles and a rest, several blocks down and across, more maps than a piece of work has.
        { 1, 1, 1, 1, 1 },
        { 2, 3, 5, 2, 3 },
        { 1, 4, 6, 4, 4 },
        { 3, 7, 13, 5, 9 },
        { 2, 33, 10, 17, 31 },
        { 1, 5, 50, 37, 150 },
        { 2, 40, 14, 46, 134 },
        { 1, 8, 530, 7, 40 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ItIsLibtorchsInDoublePrecision(int images, int inputs, int outputs, int rows, int columns)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var maps = randn([images, inputs, rows, columns], generator: generator);
        var gradient = randn([images, outputs, rows, columns], generator: generator);
        var filters = zeros([outputs, inputs, 3, 3], ScalarType.Float64, requires_grad: true);
        nn.functional.conv2d(maps.to(ScalarType.Float64), filters, padding: [1, 1]).backward([gradient.to(ScalarType.Float64)]);
        var expected = filters.grad!;

        foreach (var kernels in VectorWidths.All)
        {
            var result = WinogradFilterGradient.Of(new ActivatedMaps(maps), gradient, kernels);

            Assert.Equal(expected.shape, result.shape);
            Assert.InRange((result.to(ScalarType.Float64) - expected).abs().max().item<double>() / expected.abs().max().item<double>(), 0, Tolerance);
        }
    }

    [Fact]
    public void NeitherThreadsNorTheWidthOfVectorsChangeABit()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        var maps = randn([3, 70, 21, 133], generator: generator);
        var gradient = randn([3, 50, 21, 133], generator: generator);
        var expected = WinogradFilterGradient.Of(new ActivatedMaps(maps), gradient, VectorWidths.All[0]);
        using var restored = new ThreadsRestored();
        foreach (int threads in new[] { 1, 2, 5 })
        {
            set_num_threads(threads);
            foreach (var kernels in VectorWidths.All)
                Assert.True(WinogradFilterGradient.Of(new ActivatedMaps(maps), gradient, kernels).Equals(expected), $"{threads} threads, {kernels.Lanes} lanes");
        }
    }
}
