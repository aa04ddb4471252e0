using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Convolutions;

[Collection(RunAlone.Name)]
public sealed class WinogradConvolutionTests
{
    /// <summary>Of the greatest output: a tile's products grow a hundredfold before they cancel, and in 6x6 a thousandfold.</summary>
    private static double Tolerance(WinogradTransforms transforms) => transforms.Outputs == 4 ? 2e-5 : 2e-4;

    // Of the outputs' root mean square. Half a unit of the last of 8 bits is 1/512; tiles of noise grow some tenfold before they cancel.
    private const double BFloat16Tolerance = 30 / 512.0;

    public static TheoryData<int, int, int, int, int> Shapes => new()
    {
        // Images, inputs, outputs, rows, columns. A pixel, less than a tile, tiles and a rest, several blocks down and across, as many maps as make several pieces.
        { 1, 1, 1, 1, 1 },
        { 2, 3, 5, 2, 3 },
        { 1, 4, 6, 4, 4 },
        { 3, 7, 13, 5, 9 },
        { 2, 10, 33, 17, 31 },
        { 1, 5, 50, 37, 150 },
        { 2, 40, 14, 46, 134 },
        { 1, 530, 8, 7, 40 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ItIsTheConvolutionInDoublePrecision(int images, int inputs, int outputs, int rows, int columns)
    {
        using var scope = NewDisposeScope();
        var (maps, filters, expected) = Noise(images, inputs, outputs, rows, columns);

        foreach (var (kernels, transforms) in VectorWidths.AllTiles)
        {
            var (result, statistics) = Convolve(maps, filters, kernels, transforms);

            Assert.True(Difference(result, expected) < Tolerance(transforms), $"{kernels.Lanes} lanes, {transforms.Outputs}: {Difference(result, expected)}");
            for (int i = 0; i < images; i++)
            {
                Assert.Equal(expected[i].mean().item<double>(), statistics[i].Mean, 1e-5);
                Assert.Equal((expected[i] - expected[i].mean()).square().mean().item<double>(), statistics[i].Variance, 1e-4);
            }
        }
    }

    [Fact]
    public void NeitherThreadsNorOtherImagesNorTheWidthOfVectorsChangeABit()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        var maps = randn([3, 12, 21, 133], generator: generator);
        var filters = randn([50, 12, 3, 3], generator: generator);
        using var restored = new ThreadsRestored();
        foreach (var tile in VectorWidths.AllTiles.GroupBy(pair => pair.Transforms.Outputs))
        {
            set_num_threads(1);
            var (expected, statistics) = Convolve(maps, filters, tile.First().Kernels, tile.First().Transforms);
            foreach (int threads in new[] { 1, 2, 5 })
            {
                set_num_threads(threads);
                foreach (var (kernels, transforms) in tile)
                {
                    var (all, ofAll) = Convolve(maps, filters, kernels, transforms);
                    var (last, ofLast) = Convolve(maps.narrow(0, 2, 1), filters, kernels, transforms);

                    Assert.True(all.Equals(expected), $"{threads} threads, {kernels.Lanes} lanes, {tile.Key}");
                    Assert.True(last.Equals(expected.narrow(0, 2, 1)), $"{threads} threads, {kernels.Lanes} lanes, {tile.Key}, alone");
                    Assert.Equal(statistics, ofAll);
                    Assert.Equal(statistics[2], Assert.Single(ofLast));
                }
            }
        }
    }

    [Fact]
    public void OfZerosThereAreZeros()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);

        foreach (var (kernels, transforms) in VectorWidths.AllTiles)
        {
            var (ofMaps, statistics) = Convolve(zeros(1, 5, 9, 11), randn([7, 5, 3, 3], generator: generator), kernels, transforms);
            var (ofFilters, _) = Convolve(randn([1, 5, 9, 11], generator: generator), zeros(7, 5, 3, 3), kernels, transforms);

            Assert.Equal((0, 0), (ofMaps.count_nonzero().item<long>(), ofFilters.count_nonzero().item<long>()));
            Assert.Equal((0.0, 0.0), statistics[0]);
        }
    }

    [Theory]
    [InlineData(1e-30, 1e-5)]
    [InlineData(1e15, 1e-10)]
    [InlineData(1e30, 1e3)]
    public void MagnitudeDoesNotMatter(double ofMaps, double ofFilters)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(8);
        var maps = randn([1, 11, 13, 21], generator: generator).Times(ofMaps);
        // One pixel that dwarfs all others, and one map that nothing is in.
        maps[0, 3, 6, 10] = tensor((float)(1000 * ofMaps));
        maps[0, 4].zero_();
        var filters = randn([9, 11, 3, 3], generator: generator).Times(ofFilters);

        foreach (var transforms in Tiles)
        {
            var (result, _) = Convolve(maps, filters, WinogradKernels.Best, transforms);

            Assert.InRange(Difference(result, Direct(maps, filters)), 0, Tolerance(transforms));
        }
    }

    [Fact]
    public void WhatIsNoNumberStaysNearItsPixel()
    {
        using var scope = NewDisposeScope();
        var maps = ones(1, 2, 24, 24);
        maps[0, 1, 12, 12] = tensor(float.NaN);

        foreach (var transforms in Tiles)
        {
            var (result, _) = Convolve(maps, ones(3, 2, 3, 3), WinogradKernels.Best, transforms);

            // All of its own tile, which begins with it, and what is next to it of those above and to the left.
            int side = transforms.Outputs + 1;
            Assert.Equal(3 * side * side, result.isnan().count_nonzero().item<long>());
            Assert.Equal(3 * side * side, result.narrow(2, 11, side).narrow(3, 11, side).isnan().count_nonzero().item<long>());
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void InBFloat16ItIsTheConvolutionButForRounding(int images, int inputs, int outputs, int rows, int columns)
    {
        using var scope = NewDisposeScope();
        var (maps, filters, expected) = Noise(images, inputs, outputs, rows, columns);

        foreach (var kernels in VectorWidths.All)
        {
            var (result, statistics) = Convolve(maps, new WinogradConvolution(new BFloat16Products(filters, kernels)));

            Assert.InRange(RootMeanSquare(result.to(ScalarType.Float64) - expected) / RootMeanSquare(expected), 0, BFloat16Tolerance);
            for (int i = 0; i < images; i++)
            {
                var single = result[i].to(ScalarType.Float64);
                Assert.Equal(single.mean().item<double>(), statistics[i].Mean, 1e-6);
                Assert.Equal((single - single.mean()).square().mean().item<double>(), statistics[i].Variance, 1e-5);
            }
        }
    }

    [Fact]
    public void InBFloat16AnImageDoesNotDependOnTheOthers()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        var maps = randn([3, 12, 21, 133], generator: generator);
        var filters = randn([10, 12, 3, 3], generator: generator);

        var (all, ofAll) = Convolve(maps, new WinogradConvolution(new BFloat16Products(filters, WinogradKernels.Best)));
        var (last, ofLast) = Convolve(maps.narrow(0, 2, 1), new WinogradConvolution(new BFloat16Products(filters, WinogradKernels.Best)));

        Assert.True(last.Equals(all.narrow(0, 2, 1)));
        Assert.Equal(ofAll[2], Assert.Single(ofLast));
    }

    [Theory]
    [InlineData(1e-30, 1e-5)]
    [InlineData(1e15, 1e-10)]
    [InlineData(1e30, 1e3)]
    [InlineData(0, 1)]
    public void InBFloat16MagnitudeDoesNotMatter(double ofMaps, double ofFilters)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(8);
        var maps = randn([1, 11, 13, 21], generator: generator).Times(ofMaps);
        maps[0, 4].zero_();
        var filters = randn([9, 11, 3, 3], generator: generator).Times(ofFilters);

        var (result, _) = Convolve(maps, new WinogradConvolution(new BFloat16Products(filters, WinogradKernels.Best)));

        var expected = Direct(maps, filters);
        Assert.True(RootMeanSquare(result.to(ScalarType.Float64) - expected) <= BFloat16Tolerance * RootMeanSquare(expected));
    }

    [Fact]
    public void OtherNumbersOfMapsAreRefused()
    {
        using var scope = NewDisposeScope();
        using var convolution = new WinogradConvolution(zeros(4, 3, 3, 3));

        Assert.Throws<ArgumentException>(() => convolution.Convolve(new ActivatedMaps(zeros(1, 2, 8, 8)), zeros(1, 4, 8, 8)));
        Assert.Throws<ArgumentException>(() => convolution.Convolve(new ActivatedMaps(zeros(1, 3, 8, 8)), zeros(1, 5, 8, 8)));
        Assert.Throws<ArgumentException>(() => convolution.Convolve(new ActivatedMaps(zeros(1, 3, 8, 8).transpose(2, 3)), zeros(1, 4, 8, 8)));
    }

    /// <summary>The outputs, in memory that was full of what is no number; and around which nothing may change.</summary>
    private static (Tensor Result, (double Mean, double Variance)[] Statistics) Convolve(Tensor maps, Tensor filters, WinogradKernels kernels, WinogradTransforms transforms)
        => Convolve(maps, new WinogradConvolution(new Float32Products(filters, kernels, transforms)));

    private static WinogradTransforms[] Tiles => [WinogradKernels.Best.Of4x4, WinogradKernels.Best.Of6x6];

    private static (Tensor Result, (double Mean, double Variance)[] Statistics) Convolve(Tensor maps, WinogradConvolution winograd)
    {
        const int margin = 64;
        using var convolution = winograd;
        long[] shape = [maps.shape[0], convolution.Outputs, maps.shape[2], maps.shape[3]];
        long size = shape.Aggregate(1L, (product, length) => product * length);
        var room = torch.full([size + 2 * margin], float.NaN);
        var result = room.narrow(0, margin, size).view(shape);

        var statistics = convolution.Convolve(new ActivatedMaps(maps.contiguous()), result);

        Assert.Equal(margin, room.narrow(0, 0, margin).isnan().count_nonzero().item<long>());
        Assert.Equal(margin, room.narrow(0, margin + size, margin).isnan().count_nonzero().item<long>());
        return (result, statistics);
    }

    private static (Tensor Maps, Tensor Filters, Tensor Expected) Noise(int images, int inputs, int outputs, int rows, int columns)
    {
        using var generator = new Generator(5);
        var maps = randn([images, inputs, rows, columns], generator: generator);
        var filters = randn([outputs, inputs, 3, 3], generator: generator).Times(1 / Math.Sqrt(9 * inputs));
        return (maps, filters, Direct(maps, filters));
    }

    private static Tensor Direct(Tensor maps, Tensor filters)
        => nn.functional.conv2d(maps.to(ScalarType.Float64), filters.to(ScalarType.Float64), padding: [1, 1]);

    private static double RootMeanSquare(Tensor numbers) => numbers.square().mean().sqrt().item<double>();

    /// <summary>The greatest difference, as a part of the greatest output.</summary>
    private static double Difference(Tensor result, Tensor expected)
        => (result.to(ScalarType.Float64) - expected).abs().max().item<double>() / expected.abs().max().item<double>();
}
