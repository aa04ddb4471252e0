using System.Runtime.InteropServices;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Convolutions;

[Collection(RunAlone.Name)]
public sealed partial class Convolution3x3Tests
{
    private const double Tolerance = 3e-5;

    [Theory]
    // Images, inputs, outputs, rows, columns; the first two are libtorch's own.
    [InlineData(2, 48, 48, 4, 8)]
    [InlineData(1, 3, 64, 32, 32)]
    [InlineData(2, 49, 52, 29, 31)]
    [InlineData(1, 70, 48, 37, 66)]
    public void OutputsAndAllGradientsAreLibtorchsInDoublePrecision(int images, int inputs, int outputs, int rows, int columns)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor[] leaves = [randn([images, inputs, rows, columns], generator: generator), randn([outputs, inputs, 3, 3], generator: generator), randn([outputs], generator: generator)];
        var weights = randn([images, outputs, rows, columns], generator: generator);
        Tensor[] exact = [.. leaves.Select(leaf => leaf.to(ScalarType.Float64).requires_grad_())];
        var expected = nn.functional.conv2d(exact[0], exact[1], exact[2], padding: [1, 1]);
        expected.backward([weights.to(ScalarType.Float64)]);
        foreach (var leaf in leaves)
            leaf.requires_grad_();

        var result = Convolution3x3.Run(leaves[0], leaves[1], leaves[2]);
        result.BackPropagate(weights);

        Assert.InRange(Difference(result, expected), 0, Tolerance);
        for (int i = 0; i < leaves.Length; i++)
            Assert.InRange(Difference(leaves[i].grad!, exact[i].grad!), 0, Tolerance);
    }

    [Fact]
    public void GradientsArriveThroughAChainWhereverTheyAreAskedFor()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        var maps = randn([2, 48, 32, 32], generator: generator);
        var (first, second) = (randn([48, 48, 3, 3], generator: generator), randn([48, 48, 3, 3], generator: generator).requires_grad_());

        // Transposed maps are not contiguous; the ReLU works in place; the first filters do not learn.
        Loss(Convolution3x3.Run, maps, first, second).BackPropagate();
        var gradient = second.grad!.clone();
        second.grad = null;
        Loss((x, filters, _) => nn.functional.conv2d(x, filters, padding: [1, 1]), maps, first, second).backward();

        Assert.Null(first.grad);
        Assert.InRange(Difference(gradient, second.grad!), 0, Tolerance);

        static Tensor Loss(Func<Tensor, Tensor, Tensor?, Tensor> convolve, Tensor maps, Tensor first, Tensor second)
            => convolve(convolve(maps.transpose(2, 3), first, null).relu_(), second, null).relu_().square().mean();
    }

    [Fact]
    public void InMixedPrecisionEachNumberIsRoundedToEightBitsAndTheFiltersStayAsTheyAre()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var maps = randn([1, 48, 32, 32], generator: generator);
        var filters = randn([48, 48, 3, 3], generator: generator).requires_grad_();
        var weights = randn([1, 48, 32, 32], generator: generator);
        Convolution3x3.Run(maps, filters).BackPropagate(weights);
        var (exact, gradient) = (Convolution3x3.Run(maps, filters).detach(), filters.grad!.clone());
        filters.grad = null;

        Tensor rounded;
        using (MixedPrecision.Use(true))
            rounded = Convolution3x3.Run(maps, filters);
        rounded.BackPropagate(weights);

        Assert.Equal((ScalarType.Float32, ScalarType.Float32), (rounded.dtype, filters.grad!.dtype));
        // Half of a unit in the last of 8 bits is 0.2%, and errors of 432 products add up like chance.
        Assert.InRange(Difference(rounded.detach(), exact), 1e-4, 2e-2);
        Assert.InRange(Difference(filters.grad!, gradient), 1e-4, 2e-2);
        Assert.False(MixedPrecision.IsOn);
    }

    [Fact]
    public void GradientsAddUp()
    {
        using var scope = NewDisposeScope();
        var maps = ones(1, 48, 32, 32);
        var filters = zeros(48, 48, 3, 3).requires_grad_();

        for (int i = 0; i < 3; i++)
            Convolution3x3.Run(maps, filters).sum().BackPropagate();

        // A filter's middle sees every pixel, its corners all but a row and a column.
        Assert.Equal(3f * 32 * 32, filters.grad![0, 0, 1, 1].item<float>());
        Assert.Equal(3f * 31 * 31, filters.grad![47, 47, 0, 2].item<float>());
    }

    [Fact]
    public void AFailureInTheBackwardPassArrivesAndTheNextPassWorks()
    {
        using var scope = NewDisposeScope();
        var maps = ones(1, 48, 32, 32).requires_grad_();
        var filters = ones(48, 48, 3, 3);
        var outputs = Convolution3x3.Run(Convolution3x3.Run(maps, ones(48, 48, 3, 3)).relu(), filters);
        // What was saved for the backward pass is no longer what it was, which libtorch notices when it is asked for it.
        filters.Fill(2);

        var failure = Assert.ThrowsAny<Exception>(() => outputs.sum().BackPropagate());
        Convolution3x3.Run(maps, filters).sum().BackPropagate();

        Assert.Contains("modified by an inplace operation", failure.Message);
        Assert.Equal(48 * 9 * 2f, maps.grad![0, 0, 12, 12].item<float>());
    }

    [Fact]
    public void MemoryStaysFlat()
    {
        // Each round would leave 12 MiB for each of its tensors. What is freed goes back to the system: in glibc's heap there would be holes in between, the more the busier the cores.
        SetMapping(1 << 20);
        using var scope = NewDisposeScope();
        var maps = ones(1, 48, 256, 256).requires_grad_();
        var filters = ones(48, 48, 3, 3).requires_grad_();
        Round();
        Round();
        long before = Environment.WorkingSet;

        for (int i = 0; i < 20; i++)
            Round();

        long growth = Environment.WorkingSet - before;
        SetMapping(MostMapping);
        Assert.InRange(growth, long.MinValue, 80 << 20);

        void Round()
        {
            using var step = NewDisposeScope();
            Convolution3x3.Run(Convolution3x3.Run(maps, filters), filters).sum().BackPropagate();
        }
    }

    // mallopt(3), M_MMAP_THRESHOLD: what it comes to by itself where large pieces are freed.
    private const int MapsFrom = -3, MostMapping = 32 << 20;

    /// <summary>From which size on the system is asked for memory of its own.</summary>
    private static void SetMapping(int size)
    {
        if (OperatingSystem.IsLinux())
            Assert.Equal(1, SetAllocator(MapsFrom, size));
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int SetAllocator(int parameter, int value);

    private static double Difference(Tensor result, Tensor expected)
        => (result.to(ScalarType.Float64) - expected.to(ScalarType.Float64)).abs().max().item<double>() / expected.to(ScalarType.Float64).abs().max().item<double>();
}
