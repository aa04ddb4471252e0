using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

public sealed class RefinementModuleTests
{
    [Fact]
    public void NormalisesOverAllOfASampleAndScalesEachChannel()
    {
        using var scope = NewDisposeScope();
        using var module = Identity(inputFeatures: 0, labelChannels: 2, features: 2, rows: 1, columns: 2);
        Set(module, "norm1.weight", 1, 2);
        Set(module, "norm1.bias", 0, 10);
        Set(module, "norm2.weight", 1, 1);

        // Mean 4, variance (9 + 1 + 1 + 9) / 4 = 5: normalised -3, -1, 1, 3 over sqrt(5). Channel 0 takes the slope 0.2,
        // channel 1 is doubled and shifted by 10. A second sample with other values does not change the first.
        var first = module.forward(null, tensor(new[] { 1.0, 3, 5, 7, 100, -50, 3, 2 }, 2, 2, 1, 2)).narrow(0, 0, 1);

        double s = Math.Sqrt(5);
        double[] middle = [-0.6 / s, -0.2 / s, 10 + 2 / s, 10 + 6 / s];
        double mean = (20 + 7.2 / s) / 4;
        double variance = middle.Sum(value => (value - mean) * (value - mean)) / 4;
        double[] expected = [.. middle.Select(value => (value - mean) / Math.Sqrt(variance)).Select(value => value < 0 ? 0.2 * value : value)];
        Close(expected, first, 1e-9);
    }

    [Fact]
    public void UpsamplingKeepsTheCorners()
    {
        using var scope = NewDisposeScope();
        using var module = Identity(inputFeatures: 1, labelChannels: 1, features: 2, rows: 4, columns: 4);
        var features = tensor(new[] { 0.0, 3, 6, 9 }, 1, 1, 2, 2);
        var labels = zeros(1, 1, 4, 4, ScalarType.Float64);

        // Aligned corners: 2 -> 4 pixels samples at 0, 1/3, 2/3, 1, which makes x + 2y of these.
        double[] upsampled = [0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9];
        double[] expected = Twice([.. upsampled, .. new double[16]]);

        Close(expected, module.forward(features, labels), 1e-9);
    }

    [Fact]
    public void FeaturesComeBeforeLabels()
    {
        using var scope = NewDisposeScope();
        using var module = Identity(inputFeatures: 1, labelChannels: 1, features: 2, rows: 2, columns: 2);

        double[] expected = Twice([5, 6, 7, 8, 0, 1, 0, 0]);

        Close(
            expected, module.forward(tensor(new[] { 5.0, 6, 7, 8 }, 1, 1, 2, 2), tensor(new[] { 0.0, 1, 0, 0 }, 1, 1, 2, 2)), 1e-9);
    }

    [Fact]
    public void ConvolutionsTakeTheOutsideAsZero()
    {
        using var scope = NewDisposeScope();
        using var module = Identity(inputFeatures: 0, labelChannels: 1, features: 1, rows: 2, columns: 3);
        Set(module, "conv1.weight", 1, 2, 3, 4, 5, 6, 7, 8, 9);

        // Of labels 1 0 0 / 0 0 1 by hand: the pixel at (0, 0) weighs 5 4 / 2 1, that at (1, 2) weighs 9 8 / 6 5 mirrored.
        double[] convolved = [5, 4 + 9, 8, 2, 1 + 6, 5];

        Close(Twice(convolved), module.forward(null, tensor(new[] { 1.0, 0, 0, 0, 0, 1 }, 1, 1, 2, 3)), 1e-9);
    }

    [Theory]
    [InlineData(3, 4, 5, 7)]
    [InlineData(0, 6, 8, 4)]
    public void DoesWhatPlainLoopsDo(int inputFeatures, int rows, int columns, int features)
    {
        using var scope = NewDisposeScope();
        using var module = new RefinementModule("m", new ModuleShape(2 * rows, 2 * columns, inputFeatures, features), 5);
        using var generator = new Generator(3);
        Parameters.Randomise(module, generator);
        module.to(ScalarType.Float64);
        var labels = rand(2, 5, 2 * rows, 2 * columns, ScalarType.Float64, generator: generator);
        var input = inputFeatures == 0 ? null : randn(2, inputFeatures, rows, columns, ScalarType.Float64, generator: generator);

        var output = module.forward(input, labels);

        for (int n = 0; n < 2; n++)
        {
            var expected = Maps.Refine(
                input is null ? null : Parameters.Maps(input, n), Parameters.Maps(labels, n), name => Parameters.Values(module, name), features);
            Close(expected.Values, output[n], 1e-9);
        }
    }

    /// <summary>A module of doubles whose convolutions hand their input on and whose normalisations do not scale.</summary>
    private static RefinementModule Identity(int inputFeatures, int labelChannels, int features, int rows, int columns)
    {
        var module = new RefinementModule("m", new ModuleShape(rows, columns, inputFeatures, features), labelChannels);
        module.to(ScalarType.Float64);
        using var _ = no_grad();
        foreach (var (name, parameter) in module.named_parameters())
        {
            if (name.EndsWith("norm1.weight") || name.EndsWith("norm2.weight"))
                parameter.fill_(1);
            else
                parameter.zero_();
            for (int c = 0; parameter.dim() == 4 && c < Math.Min(parameter.shape[0], parameter.shape[1]); c++)
                parameter[c, c, 1, 1] = tensor(1.0);
        }
        return module;
    }

    private static void Set(RefinementModule module, string name, params double[] values)
    {
        using var _ = no_grad();
        var parameter = module.get_parameter(name)!;
        parameter.copy_(tensor(values).reshape(parameter.shape));
    }

    /// <summary>Normalised and rectified twice, from the definition.</summary>
    private static double[] Twice(double[] values)
    {
        for (int i = 0; i < 2; i++)
        {
            double mean = values.Average(), deviation = Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
            values = [.. values.Select(value => (value - mean) / deviation).Select(value => value < 0 ? 0.2 * value : value)];
        }
        return values;
    }

    private static void Close(double[] expected, Tensor actual, double tolerance)
    {
        var values = actual.detach().contiguous().data<double>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], values[i], tolerance);
    }
}
