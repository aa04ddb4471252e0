using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Convolutions;

public sealed unsafe class FeatureMapsTests
{
    [Theory]
    [InlineData(1, 1, 2, 2)]
    [InlineData(3, 5, 6, 10)]
    [InlineData(16, 33, 32, 66)]
    [InlineData(7, 9, 11, 20)]
    public void UpsampledMapsAreThoseOfLibtorch(int rows, int columns, int toRows, int toColumns)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        var maps = randn([2, 3, rows, columns], generator: generator);

        var read = ReadAll(new UpsampledMaps(new ActivatedMaps(maps), toRows, toColumns), 2, toRows, toColumns);

        var expected = nn.functional.interpolate(maps, [toRows, toColumns], mode: InterpolationMode.Bilinear, align_corners: true);
        Assert.True(read.allclose(expected, 1e-5, 1e-5));
    }

    [Fact]
    public void ActivatedMapsAreNormalisedAndLeak()
    {
        using var scope = NewDisposeScope();
        var maps = tensor(new float[] { -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, -30, 40 }, [2, 1, 1, 10]);
        var activated = new ActivatedMaps(maps, scales: [2, 1], shifts: [1, -10], slope: 0.5f);

        // 2x + 1 of the first image, x - 10 of the second; half of what is below 0.
        float[] expected = [-1.5f, -0.5f, 1, 3, 5, 7, 9, 11, 13, 15, -1, -0.5f, 0, 1, 2, 3, 4, 5, -20, 30];
        Assert.Equal(expected, ReadAll(activated, 2, 1, 10).data<float>());
        Assert.Equal(expected, activated.InPlace().data<float>());
    }

    // 45: vectors of every width, and a rest.
    [Fact]
    public void VectorsOfEveryWidthInterpolate()
    {
        const int count = 45, room = count + 16;
        var random = new Random(3);
        var (source, weights, places) = (Numbers(), Numbers(), Enumerable.Range(0, count).Select(i => 7 + (int)(0.49 * i)).ToArray());
        float[] expected = [.. places.Select((place, i) => source[place - 7] + weights[i] * (source[place - 7 + 1] - source[place - 7]))];
        foreach (var kernels in VectorWidths.All)
        {
            float[] between = [.. Enumerable.Repeat(float.NaN, count)];
            fixed (float* from = source, ratios = weights, to = between)
            fixed (int* first = places)
                kernels.Interpolate(from, first, ratios, count, to);
            Assert.Equal(expected, between);
        }

        float[] Numbers() => [.. Enumerable.Range(0, room).Select(_ => random.NextSingle() - 0.5f)];
    }

    [Fact]
    public void ActivationComesBeforeUpsampling()
    {
        using var scope = NewDisposeScope();
        var activated = new ActivatedMaps(tensor(new float[] { -8, 8 }, [1, 1, 1, 2]), scales: [1], shifts: [0], slope: 0.25f);

        // -2 and 8, in thirds.
        var read = ReadAll(new UpsampledMaps(activated, 2, 4), 1, 2, 4);

        Assert.True(read.allclose(tensor(new float[] { -2, 4 / 3f, 14 / 3f, 8, -2, 4 / 3f, 14 / 3f, 8 }, [1, 1, 2, 4])));
    }

    [Fact]
    public void JoinedMapsComeInOrder()
    {
        using var scope = NewDisposeScope();
        var (first, then) = (randn(2, 3, 4, 6), randn(2, 2, 8, 12));

        var read = ReadAll(new JoinedMaps(new UpsampledMaps(new ActivatedMaps(first), 8, 12), new ActivatedMaps(then)), 2, 8, 12);

        var upsampled = nn.functional.interpolate(first, [8, 12], mode: InterpolationMode.Bilinear, align_corners: true);
        Assert.True(read.allclose(cat([upsampled, then], 1), 1e-5, 1e-5));
    }

    /// <summary>Every row, in pieces of all lengths, each into room that ends where it should.</summary>
    private static Tensor ReadAll(FeatureMaps maps, int images, int rows, int columns)
    {
        const float poison = 1e30f;
        var all = new float[images * maps.Channels * rows * columns];
        float[] destination = new float[columns + 1], scratch = new float[maps.Scratch(columns) + 1];
        var random = new Random(4);
        for (int row = 0; row < images * maps.Channels * rows; row++)
        {
            for (int from = 0, count; from < columns; from += count)
            {
                count = random.Next(1, columns - from + 1);
                Array.Fill(destination, poison);
                Array.Fill(scratch, poison);
                int room = maps.Scratch(count);
                fixed (float* to = destination, between = scratch)
                    maps.Read(row / rows / maps.Channels, row / rows % maps.Channels, row % rows, from, count, to, between);
                Assert.All(destination.Skip(count), value => Assert.Equal(poison, value));
                Assert.All(scratch.Skip(room), value => Assert.Equal(poison, value));
                Array.Copy(destination, 0, all, row * columns + from, count);
            }
        }

        return tensor(all, [images, maps.Channels, rows, columns]);
    }
}
