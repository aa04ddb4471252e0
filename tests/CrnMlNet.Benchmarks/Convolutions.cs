using System.Diagnostics;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Benchmarks;

/// <summary>Single 3x3 convolutions: libtorch's own against <see cref="WinogradConvolution"/>, and the products of the latter through libtorch.</summary>
internal static class Convolutions
{
    /// <summary>Times each in turn.</summary>
    /// <param name="passes">How often.</param>
    /// <param name="shapes">Inputs, outputs, rows and columns.</param>
    public static void Report(int passes, params (int Inputs, int Outputs, int Rows, int Columns)[] shapes)
    {
        TorchBackend.Start();
        Console.WriteLine($"{get_num_threads()} threads; medians of {passes}; GFLOP/s as if computed directly");
        foreach (var shape in shapes)
            Report(passes, shape.Inputs, shape.Outputs, shape.Rows, shape.Columns);
    }

    private static void Report(int passes, int inputs, int outputs, int rows, int columns)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        using var convolution = nn.Conv2d(inputs, outputs, 3, padding: 1, bias: false);
        var maps = randn(1, inputs, rows, columns);
        var result = torch.empty(1, outputs, rows, columns);
        using var winograd = new WinogradConvolution(convolution.weight!);
        using var direct = convolution.forward(maps);
        winograd.Convolve(new ActivatedMaps(maps), result);
        double error = (result - direct).abs().max().item<float>() / direct.std().item<float>();
        var (directly, fast) = (new double[passes], new double[passes]);
        for (int pass = 0; pass < passes; pass++)
        {
            directly[pass] = Timing.Seconds(() => convolution.forward(maps).Dispose());
            fast[pass] = Timing.Seconds(() => winograd.Convolve(new ActivatedMaps(maps), result));
        }

        double flops = 18.0 * inputs * outputs * rows * columns / 1e9;
        double ratio = Timing.Median([.. directly.Zip(fast, (a, b) => a / b)]);
        Console.WriteLine(
            $"  {inputs,4} -> {outputs,4} at {rows,4}x{columns,-4} direct {1000 * Timing.Median(directly),8:0.0} ms {flops / Timing.Median(directly),5:0}, Winograd {1000 * Timing.Median(fast),8:0.0} ms {flops / Timing.Median(fast),5:0}, "
            + $"{ratio:0.00} times as fast; greatest error {error:0.0e0} of the deviation");
        if (BFloat16Support.IsNative(CPU))
            ReportBFloat16(passes, flops, convolution.weight!, maps, result);
    }

    private static void ReportBFloat16(int passes, double flops, Tensor filters, Tensor maps, Tensor result)
    {
        using var scope = NewDisposeScope();
        using var winograd = new WinogradConvolution(new BFloat16Products(filters, WinogradKernels.Best));
        Tensor halfFilters = filters.to(ScalarType.BFloat16).ChannelsLast(), halfMaps = maps.to(ScalarType.BFloat16).ChannelsLast();
        var (directly, fast) = (new double[passes], new double[passes]);
        // The first pass warms up.
        for (int pass = -1; pass < passes; pass++)
        {
            double direct = Timing.Seconds(() => nn.functional.conv2d(halfMaps, halfFilters, padding: [1, 1]).Dispose()), byWinograd = Timing.Seconds(() => winograd.Convolve(new ActivatedMaps(maps), result));
            if (pass >= 0)
                (directly[pass], fast[pass]) = (direct, byWinograd);
        }

        Console.WriteLine(
            $"       in bfloat16       direct {1000 * Timing.Median(directly),8:0.0} ms {flops / Timing.Median(directly),5:0}, Winograd {1000 * Timing.Median(fast),8:0.0} ms {flops / Timing.Median(fast),5:0}, "
            + $"{Timing.Median([.. directly.Zip(fast, (a, b) => a / b)]):0.00} times as fast");
    }

    /// <summary>Times each with its gradients at filters and maps, in turn.</summary>
    /// <param name="passes">How often.</param>
    /// <param name="shapes">Inputs, outputs, rows and columns.</param>
    public static void ReportGradients(int passes, params (int Inputs, int Outputs, int Rows, int Columns)[] shapes)
    {
        TorchBackend.Start();
        using var arena = Arena.Open();
        Console.WriteLine($"{get_num_threads()} threads; medians of {passes}; forwards and backwards");
        foreach (var (inputs, outputs, rows, columns) in shapes)
        {
            using var scope = NewDisposeScope();
            var maps = randn(1, inputs, rows, columns).requires_grad_();
            var filters = randn(outputs, inputs, 3, 3).requires_grad_();
            var gradient = randn(1, outputs, rows, columns);
            var (directly, fast) = (new double[passes], new double[passes]);
            for (int pass = -1; pass < passes; pass++)
            {
                double plain = Timing.Seconds(() => Step((x, w) => nn.functional.conv2d(x, w, padding: [1, 1]))), winograd = Timing.Seconds(() => Step((x, w) => Convolution3x3.ByWinograd(x, w)));
                // The first pass warms up.
                if (pass >= 0)
                    (directly[pass], fast[pass]) = (plain, winograd);
            }

            double ratio = Timing.Median([.. directly.Zip(fast, (a, b) => a / b)]);
            Console.WriteLine(
                $"  {inputs,4} -> {outputs,4} at {rows,4}x{columns,-4} direct {1000 * Timing.Median(directly),8:0.00} ms, Winograd {1000 * Timing.Median(fast),8:0.00} ms, {ratio:0.00} times as fast");

            void Step(Func<Tensor, Tensor, Tensor> convolve)
            {
                using var step = NewDisposeScope();
                (maps.grad, filters.grad) = (null, null);
                convolve(maps, filters).BackPropagate(gradient);
            }
        }
    }
}
