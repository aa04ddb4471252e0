using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation.Tests;

/// <summary>Expected values are of Pillow's kernels by hand: <c>Image.resize</c> of mode F with BILINEAR and BICUBIC.</summary>
public sealed class AntialiasedResizeTests
{
    [Fact]
    public void ShrinkingWidensTheTriangle()
    {
        // 4 -> 2: centres at 1 and 3, the triangle reaches 2 to either side. Pixels' middles 0.5, 1.5, 2.5 are 0.5, 0.5 and 1.5 away, at half
        // of which the triangle is 3/4, 3/4, 1/4: over their sum 3/7, 3/7, 1/7.
        Close([(3 * 1 + 3 * 2 + 1 * 4) / 7.0, (1 * 2 + 3 * 4 + 3 * 8) / 7.0], Row(AntialiasedResize.Bilinear, [1, 2, 4, 8], 2));
    }

    [Fact]
    public void ShrinkingByThreeHalvesWeighsByDistance()
    {
        // 3 -> 2: centres at 0.75 and 2.25, the triangle reaches 1.5. Middles 0.5, 1.5 are 0.25 and 0.75 away: 1 - 1/6 and 1 - 1/2, and 2.5 is 1.75
        // away, outside: 5/8 and 3/8.
        Close([(5 * 10 + 3 * 50) / 8.0, (3 * 50 + 5 * 90) / 8.0], Row(AntialiasedResize.Bilinear, [10, 50, 90], 2));
    }

    [Fact]
    public void EnlargingInterpolates()
    {
        // 2 -> 4: centres at 0.25, 0.75, 1.25, 1.75; what lies outside is left out.
        Close([10, 15, 25, 30], Row(AntialiasedResize.Bilinear, [10, 30], 4));
    }

    [Fact]
    public void TheCubicKernelIsKeysWithMinusOneHalf()
    {
        // 1.5 |x|^3 - 2.5 |x|^2 + 1 and -0.5 |x|^3 + 2.5 |x|^2 - 4 |x| + 2.
        Assert.Equal(1, AntialiasedResize.Cubic(0));
        Assert.Equal(1.5 / 8 - 2.5 / 4 + 1, AntialiasedResize.Cubic(0.5), 1e-15);
        Assert.Equal(0, AntialiasedResize.Cubic(-1), 1e-15);
        Assert.Equal(-0.5 * 3.375 + 2.5 * 2.25 - 6 + 2, AntialiasedResize.Cubic(-1.5), 1e-15);
        Assert.Equal(0, AntialiasedResize.Cubic(2));
    }

    [Fact]
    public void ShrinkingWidensTheCubic()
    {
        // 8 -> 4, the target pixel 1 with its centre at 3: middles 0.5 ... 5.5 are 2.5, 1.5, 0.5 ... away, 1.25, 0.75 and 0.25 kernel units; 7 -> 6.5 is
        // 3.5 away, 1.75 units, and so is -0.5, which does not exist.
        double far = 2.5 * 1.25 * 1.25 - 0.5 * 1.25 * 1.25 * 1.25 - 5 + 2, middle = 1.5 * 0.421875 - 2.5 * 0.5625 + 1, near = 1.5 / 64 - 2.5 / 16 + 1;
        double farther = 2.5 * 1.75 * 1.75 - 0.5 * 1.75 * 1.75 * 1.75 - 7 + 2;
        double[] row = [3, 1, 4, 1, 5, 9, 2, 6];
        double sum = 2 * (far + middle + near) + farther;

        double expected = (far * (3 + 9) + middle * (1 + 5) + near * (4 + 1) + farther * 2) / sum;

        Assert.Equal(expected, Row(AntialiasedResize.Bicubic, row, 4)[1], 1e-12);
    }

    [Fact]
    public void BothAxesAreResizedEachByItself()
    {
        using var scope = NewDisposeScope();
        var image = tensor(new[] { 1.0, 2, 4, 8, 10, 20, 40, 80 }, 1, 2, 1, 4);

        var resized = AntialiasedResize.Bilinear(image, 3, 2);

        Assert.Equal([1, 2, 3, 2], resized.shape);
        Close([13 / 7.0, 38 / 7.0, 13 / 7.0, 38 / 7.0, 13 / 7.0, 38 / 7.0], resized[0, 0].flatten().data<double>().ToArray());
        Assert.Equal(380 / 7.0, resized[0, 1, 2, 1].item<double>(), 1e-12);
        Close([1, 2, 4, 8], AntialiasedResize.Bicubic(image, 1, 4)[0, 0].flatten().data<double>().ToArray());
    }

    /// <summary>Expected values: Pillow 9.4, <c>Image.fromarray(red, mode="F").resize((width, height), filter)</c>.</summary>
    [Fact]
    public void ImagesComeOutAsPillowsDo()
    {
        using var scope = NewDisposeScope();
        var red = Pictures.NoisyWaves(48, 64).ToTensor(CPU).narrow(1, 0, 1).to(ScalarType.Float64);

        Expect(AntialiasedResize.Bicubic(red, 17, 21), 6.160748, 49.382187, 127.590591, 232.493973);
        Expect(AntialiasedResize.Bilinear(red, 17, 21), 7.142282, 49.986458, 127.344551, 233.420349);
        Expect(AntialiasedResize.Bicubic(red, 80, 100), 0.052665, 16.361155, 20.215872, 59.267029);
        Expect(AntialiasedResize.Bilinear(red, 80, 100), 0, 15.2, 20.82, 58.512001);

        static void Expect(Tensor resized, double corner, double top, double middle, double lower)
        {
            Assert.Equal(corner, resized[0, 0, 0, 0].item<double>(), 1e-4);
            Assert.Equal(top, resized[0, 0, 0, 5].item<double>(), 1e-4);
            Assert.Equal(middle, resized[0, 0, 7, 9].item<double>(), 1e-4);
            Assert.Equal(lower, resized[0, 0, 16, 20].item<double>(), 1e-4);
        }
    }

    private static double[] Row(Func<Tensor, int, int, Tensor> resize, double[] row, int width)
    {
        using var scope = NewDisposeScope();
        double[] across = resize(tensor(row, 1, 1, 1, row.Length), 1, width).data<double>().ToArray();
        Close(across, resize(tensor(row, 1, 1, row.Length, 1), width, 1).data<double>().ToArray());
        return across;
    }

    private static void Close(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-12);
    }
}
