using CrnMlNet.Torch.Backend;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// One of the three classification networks in whose layers LPIPS compares images (Zhang et al., CVPR 2018; richzhang/PerceptualSimilarity,
/// <c>pretrained_networks.py</c>): AlexNet, VGG-16 or SqueezeNet 1.1 as torchvision has them, with their activations after ReLU as taps. The
/// input is scaled as in LPIPS version 0.1.
/// </summary>
/// <remarks>No weights are shipped: see <see cref="CrnMlNet.Torch.Weights.LpipsFiles"/>.</remarks>
public sealed class LpipsTrunk : IPerceptionNetwork
{
    // lpips.py, ScalingLayer: of images from -1 to 1.
    private static readonly float[] Shift = [-.030f, -.088f, -.188f];
    private static readonly float[] Scale = [.458f, .448f, .450f];

    private readonly Step[] _steps;
    private readonly Dictionary<string, Tensor> _weights = [];
    private readonly Tensor _shift, _scale;

    private LpipsTrunk(string name, Step[] steps)
    {
        TorchBackend.Start();
        (Name, _steps) = (name, steps);
        _shift = tensor(Shift, [1, 3, 1, 1]).DetachFromDisposeScope();
        _scale = tensor(Scale, [1, 3, 1, 1]).DetachFromDisposeScope();
        foreach (var (weight, shape) in steps.SelectMany(step => step.Weights))
            _weights.Add(weight, zeros(shape).DetachFromDisposeScope());
    }

    /// <summary>The network's name: <c>alex</c>, <c>vgg</c> or <c>squeeze</c>, as LPIPS calls it.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public string Description => $"LPIPS's trunk '{Name}'";

    /// <inheritdoc/>
    public IReadOnlyList<string> Taps => [.. Enumerable.Range(0, Maps.Count).Select(tap => $"lin{tap}")];

    /// <summary>How many maps each tap has.</summary>
    public IReadOnlyList<int> Maps => [.. _steps.Where(step => step.IsTap).Select(step => step.To)];

    /// <summary>The weights under torchvision's names, to be filled in place. They stay the network's to dispose.</summary>
    public IReadOnlyDictionary<string, Tensor> Weights => _weights;

    /// <summary>AlexNet of which all weights are zero.</summary>
    public static LpipsTrunk Alex() => new("alex",
    [
        new Convolution(0, 3, 64, 11, Stride: 4, Padding: 2) { IsTap = true },
        new Pooling(3, Ceil: false),
        new Convolution(3, 64, 192, 5, Padding: 2) { IsTap = true },
        new Pooling(3, Ceil: false),
        new Convolution(6, 192, 384, 3, Padding: 1) { IsTap = true },
        new Convolution(8, 384, 256, 3, Padding: 1) { IsTap = true },
        new Convolution(10, 256, 256, 3, Padding: 1) { IsTap = true },
    ]);

    /// <summary>VGG-16 of which all weights are zero.</summary>
    public static LpipsTrunk Vgg() => new("vgg", [.. VggSteps()]);

    /// <summary>SqueezeNet 1.1 of which all weights are zero.</summary>
    public static LpipsTrunk Squeeze() => new("squeeze",
    [
        new Convolution(0, 3, 64, 3, Stride: 2) { IsTap = true },
        new Pooling(3, Ceil: true),
        new Fire(3, 64, 16, 128),
        new Fire(4, 128, 16, 128) { IsTap = true },
        new Pooling(3, Ceil: true),
        new Fire(6, 128, 32, 256),
        new Fire(7, 256, 32, 256) { IsTap = true },
        new Pooling(3, Ceil: true),
        new Fire(9, 256, 48, 384) { IsTap = true },
        new Fire(10, 384, 48, 384) { IsTap = true },
        new Fire(11, 384, 64, 512) { IsTap = true },
        new Fire(12, 512, 64, 512) { IsTap = true },
    ]);

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        List<Tensor> taps = [];
        var x = (images.Times(1 / 127.5).Plus(-1) - _shift) / _scale;
        foreach (var step in _steps)
        {
            x = step.Apply(x, _weights);
            if (step.IsTap)
                taps.Add(x);
        }
        return [.. taps.Select(tap => tap.MoveToOuterDisposeScope())];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _shift.Dispose();
        _scale.Dispose();
        foreach (var weight in _weights.Values)
            weight.Dispose();
    }

    private static IEnumerable<Step> VggSteps()
    {
        int from = 3, index = 0;
        foreach (var (maps, convolutions) in new[] { (64, 2), (128, 2), (256, 3), (512, 3), (512, 3) })
        {
            if (index > 0)
            {
                yield return new Pooling(2, Ceil: false);
                index++;
            }
            for (int i = 1; i <= convolutions; i++)
            {
                // torchvision numbers a convolution and its ReLU.
                yield return new Convolution(index, from, maps, 3, Padding: 1) { IsTap = i == convolutions };
                (from, index) = (maps, index + 2);
            }
        }
    }

    private abstract record Step(int To)
    {
        public bool IsTap { get; init; }

        public virtual IEnumerable<(string Name, long[] Shape)> Weights => [];

        public abstract Tensor Apply(Tensor x, IReadOnlyDictionary<string, Tensor> weights);

        protected static IEnumerable<(string, long[])> OfConvolution(string name, int from, int to, int kernel) =>
            [($"{name}.weight", [to, from, kernel, kernel]), ($"{name}.bias", [to])];

        protected static Tensor Convolve(Tensor x, IReadOnlyDictionary<string, Tensor> weights, string name, int stride = 1, int padding = 0) =>
            nn.functional.conv2d(x, weights[$"{name}.weight"], weights[$"{name}.bias"], strides: [stride, stride], padding: [padding, padding]).relu_();
    }

    /// <summary>A convolution with ReLU.</summary>
    private sealed record Convolution(int Index, int From, int To, int Kernel, int Stride = 1, int Padding = 0) : Step(To)
    {
        public override IEnumerable<(string Name, long[] Shape)> Weights => OfConvolution($"features.{Index}", From, To, Kernel);

        public override Tensor Apply(Tensor x, IReadOnlyDictionary<string, Tensor> weights) => Convolve(x, weights, $"features.{Index}", Stride, Padding);
    }

    /// <summary>Maximum pooling with a stride of 2.</summary>
    private sealed record Pooling(int Size, bool Ceil) : Step(0)
    {
        public override Tensor Apply(Tensor x, IReadOnlyDictionary<string, Tensor> weights) => nn.functional.max_pool2d(x, Size, stride: 2L, ceil_mode: Ceil);
    }

    /// <summary>SqueezeNet's module: a 1x1 convolution to few maps, and of these a 1x1 and a 3x3 one side by side.</summary>
    private sealed record Fire(int Index, int From, int Squeezed, int To) : Step(To)
    {
        public override IEnumerable<(string Name, long[] Shape)> Weights =>
        [
            .. OfConvolution($"features.{Index}.squeeze", From, Squeezed, 1),
            .. OfConvolution($"features.{Index}.expand1x1", Squeezed, To / 2, 1),
            .. OfConvolution($"features.{Index}.expand3x3", Squeezed, To / 2, 3),
        ];

        public override Tensor Apply(Tensor x, IReadOnlyDictionary<string, Tensor> weights)
        {
            var squeezed = Convolve(x, weights, $"features.{Index}.squeeze");
            return cat([Convolve(squeezed, weights, $"features.{Index}.expand1x1"), Convolve(squeezed, weights, $"features.{Index}.expand3x3", padding: 1)], 1);
        }
    }
}
