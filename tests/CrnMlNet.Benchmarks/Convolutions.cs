using System.Diagnostics;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Benchmarks;

/// <summary>Single 3x3 convolutions: libtorch's own against <see cref="WinogradConvolution"/>, by tile and numbers.</summary>
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
        var kernels = WinogradKernels.Best;
        using var convolution = nn.Conv2d(inputs, outputs, 3, padding: 1, bias: false);
        Tensor maps = randn(1, inputs, rows, columns), filters = convolution.weight!, result = torch.empty(1, outputs, rows, columns);
        using WinogradConvolution by4x4 = new(filters), by6x6 = new(new Float32Products(filters, kernels, kernels.Of6x6)), inBFloat16 = new(new BFloat16Products(filters, kernels));
        List<(string Name, Action Convolve)> ways =
        [
            ("direct", () => convolution.forward(maps).Dispose()),
            ("4x4", () => by4x4.Convolve(new ActivatedMaps(maps), result)),
            ("6x6", () => by6x6.Convolve(new ActivatedMaps(maps), result)),
        ];
        if (BFloat16Support.IsNative(CPU))
        {
            Tensor halfFilters = filters.to(ScalarType.BFloat16).ChannelsLast(), halfMaps = maps.to(ScalarType.BFloat16).ChannelsLast();
            ways.Add(("direct in bfloat16", () => nn.functional.conv2d(halfMaps, halfFilters, padding: [1, 1]).Dispose()));
            ways.Add(("4x4 in bfloat16", () => inBFloat16.Convolve(new ActivatedMaps(maps), result)));
        }

        using var direct = convolution.forward(maps);
        var (seconds, errors) = (new double[ways.Count][], new double[ways.Count]);
        for (int way = 0; way < ways.Count; way++)
        {
            // Also warms up.
            ways[way].Convolve();
            errors[way] = (result - direct).abs().max().item<float>() / direct.std().item<float>();
            seconds[way] = new double[passes];
        }

        for (int pass = 0; pass < passes; pass++)
        {
            for (int way = 0; way < ways.Count; way++)
                seconds[way][pass] = Timing.Seconds(ways[way].Convolve);
        }

        Console.WriteLine($"  {inputs} -> {outputs} at {rows}x{columns}");
        for (int way = 0; way < ways.Count; way++)
        {
            double median = Timing.Median(seconds[way]), ratio = Timing.Median([.. seconds[0].Zip(seconds[way], (a, b) => a / b)]);
            Console.WriteLine(
                $"    {ways[way].Name,-20}{1000 * median,9:0.0} ms {18.0 * inputs * outputs * rows * columns / 1e9 / median,6:0}  {ratio:0.00} times as fast as the first"
                + (ways[way].Name.StartsWith("direct", StringComparison.Ordinal) ? "" : $"; greatest error {errors[way]:0.0e0} of the deviation"));
        }
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
