using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation.Tests;

public sealed class PerceptualDistanceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static readonly (string Kind, int Index, int From, int To, int Kernel, int Stride, int Padding)[] Alex =
    [
        ("conv", 0, 3, 64, 11, 4, 2), ("tap", 0, 0, 0, 0, 0, 0), ("pool", 0, 0, 0, 3, 0, 0), ("conv", 3, 64, 192, 5, 1, 2), ("tap", 0, 0, 0, 0, 0, 0),
        ("pool", 0, 0, 0, 3, 0, 0), ("conv", 6, 192, 384, 3, 1, 1), ("tap", 0, 0, 0, 0, 0, 0), ("conv", 8, 384, 256, 3, 1, 1), ("tap", 0, 0, 0, 0, 0, 0),
        ("conv", 10, 256, 256, 3, 1, 1), ("tap", 0, 0, 0, 0, 0, 0),
    ];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void FeatureVectorsAreScaledToLengthOneComparedSquaredAndAveragedOverPlaces()
    {
        using var distance = PerceptualDistance.In(new Raw());
        // Left (3, 4, 0) against (8, 6, 0): (0.6, 0.8) against (0.8, 0.6), squares 0.04 twice. Right the same direction twice as long: nothing.
        var first = new RgbImage(1, 2, [3, 5, 4, 10, 0, 7]);
        var second = new RgbImage(1, 2, [8, 10, 6, 20, 0, 14]);

        // The raw pixels are both taps.
        Assert.Equal(2 * 0.08 / 2, distance.Between(first, second), 1e-6);
        Assert.Equal(0, distance.Between(first, first), 1e-12);
    }

    [Fact]
    public void LpipsWithAlexNetDoesWhatPlainLoopsDo()
    {
        using var trunk = LpipsTrunk.Alex();
        var weights = Draw(trunk);
        double[][] heads = [.. trunk.Maps.Select((maps, tap) => Enumerable.Range(0, maps).Select(map => (double)(float)(((map * 7 + tap) % 11) / 10.0)).ToArray())];
        Check(trunk, heads, 48, 70, image => Plain(image, Alex, weights));
    }

    [Fact]
    public void LpipsWithVgg16DoesWhatPlainLoopsDo()
    {
        using var trunk = LpipsTrunk.Vgg();
        var weights = Draw(trunk);
        double[][] heads = [.. trunk.Maps.Select(maps => Enumerable.Range(0, maps).Select(map => (double)(map % 3)).ToArray())];
        // torchvision: cfgs["D"], of which each convolution and ReLU and each pooling is numbered.
        var layers = new List<(string, int, int, int, int, int, int)>();
        int index = 0, from = 3;
        foreach (var maps in new[] { 64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0 })
        {
            if (maps == 0)
            {
                layers.Add(("tap", 0, 0, 0, 0, 0, 0));
                layers.Add(("pool", 0, 0, 0, 2, 0, 0));
                index++;
                continue;
            }
            layers.Add(("conv", index, from, maps, 3, 1, 1));
            (index, from) = (index + 2, maps);
        }
        layers.RemoveAt(layers.Count - 1);
        Check(trunk, heads, 16, 18, image => Plain(image, layers, weights));
    }

    [Fact]
    public void LpipsWithSqueezeNetDoesWhatPlainLoopsDo()
    {
        using var trunk = LpipsTrunk.Squeeze();
        var weights = Draw(trunk);
        double[][] heads = [.. trunk.Maps.Select(maps => Enumerable.Repeat(1.0, maps).ToArray())];
        // torchvision: squeezenet1_1. Taps are behind slices [0:2], [2:5], [5:8], [8:10], [10:11], [11:12], [12:13].
        Check(trunk, heads, 33, 36, image =>
        {
            List<Volume> taps = [];
            var x = image.Convolve(weights, "features.0", 64, 3, 2, 0);
            taps.Add(x);
            x = Fire(Fire(x.MaxPool(3, ceil: true), 3, 16, 64), 4, 16, 64);
            taps.Add(x);
            x = Fire(Fire(x.MaxPool(3, ceil: true), 6, 32, 128), 7, 32, 128);
            taps.Add(x);
            taps.Add(x = Fire(x.MaxPool(3, ceil: true), 9, 48, 192));
            taps.Add(x = Fire(x, 10, 48, 192));
            taps.Add(x = Fire(x, 11, 64, 256));
            taps.Add(Fire(x, 12, 64, 256));
            return taps;

            Volume Fire(Volume input, int place, int squeezed, int expanded)
            {
                var few = input.Convolve(weights, $"features.{place}.squeeze", squeezed, 1, 1, 0);
                return few.Convolve(weights, $"features.{place}.expand1x1", expanded, 1, 1, 0).Before(few.Convolve(weights, $"features.{place}.expand3x3", expanded, 3, 1, 1));
            }
        });
    }

    [Theory]
    [InlineData("alex", 5, 1152)]
    [InlineData("vgg", 5, 1472)]
    [InlineData("squeeze", 7, 2240)]
    public void ThePublishedHeadsFitTheirTrunkAndNoOther(string name, int taps, int weights)
    {
        string path = SharedData.Find("lpips", $"{name}.pth");
        LpipsTrunk[] trunks = [LpipsTrunk.Alex(), LpipsTrunk.Vgg(), LpipsTrunk.Squeeze()];
        foreach (var trunk in trunks)
        {
            using (trunk)
            {
                if (trunk.Name != name)
                {
                    Assert.Contains("heads for the trunk", Assert.Throws<FormatException>(() => LpipsFiles.ReadHeads(path, trunk)).Message);
                    continue;
                }
                using var scope = NewDisposeScope();
                var (heads, sha256) = LpipsFiles.ReadHeads(path, trunk);
                Assert.Equal((taps, weights), (heads.Count, (int)heads.Sum(head => head.numel())));
                Assert.All(heads, head => Assert.True(head.sum().item<float>() > 0));
                Assert.Equal(64, sha256.Length);
            }
        }
    }

    [Fact]
    public void ATrunkOfAnotherNetworkIsRefused()
    {
        using (var stream = File.Create(_folder["trunk.safetensors"]))
            Safetensors.Write(stream, [("features.0.weight", zeros(64, 3, 3, 3))]);

        string message = Assert.Throws<FormatException>(() => PerceptualDistance.Lpips(_folder["trunk.safetensors"], _folder["heads"])).Message;

        Assert.Contains("trunk.safetensors", message);
        Assert.Contains("neither AlexNet nor VGG-16 nor SqueezeNet", message);
        Assert.Contains("does not exist", Assert.Throws<FileNotFoundException>(() => PerceptualDistance.Lpips(_folder["nowhere"], _folder["heads"])).Message);
    }

    /// <summary>Compares LPIPS with its definition: lpips.py's <c>LPIPS.forward</c>, taps by <paramref name="look"/>.</summary>
    private void Check(LpipsTrunk trunk, double[][] heads, int height, int width, Func<Volume, List<Volume>> look)
    {
        string trunkPath = _folder["trunk.safetensors"], headsPath = _folder["heads.safetensors"];
        using (var stream = File.Create(trunkPath))
            Safetensors.Write(stream, trunk.Weights.Select(weight => (weight.Key, weight.Value)));
        using (NewDisposeScope())
        using (var stream = File.Create(headsPath))
            Safetensors.Write(stream, heads.Select((head, tap) => ($"lin{tap}.model.1.weight", tensor([.. head.Select(value => (float)value)], 1, head.Length, 1, 1))));
        RgbImage first = Pictures.Waves(height, width), second = Pictures.NoisyWaves(height, width);

        double expected = 0;
        var (one, other) = (look(Scaled(first)), look(Scaled(second)));
        Assert.Equal(heads.Length, one.Count);
        for (int tap = 0; tap < heads.Length; tap++)
        {
            double sum = 0;
            for (int y = 0; y < one[tap].Height; y++)
                for (int x = 0; x < one[tap].Width; x++)
                {
                    double lengthOne = Length(one[tap], y, x), lengthOther = Length(other[tap], y, x);
                    for (int map = 0; map < heads[tap].Length; map++)
                        sum += heads[tap][map] * Math.Pow(one[tap][map, y, x] / lengthOne - other[tap][map, y, x] / lengthOther, 2);
                }
            expected += sum / (one[tap].Height * one[tap].Width);
        }

        using var distance = PerceptualDistance.Lpips(trunkPath, headsPath);

        Assert.True(expected > 0.001, $"{expected}");
        Assert.Equal(expected, distance.Between(first, second), 1e-3 * expected);
        Assert.StartsWith($"LPIPS 0.1 ({trunk.Name} ", distance.Name);

        static double Length(Volume tap, int y, int x) => Math.Sqrt(Enumerable.Range(0, tap.Maps).Sum(map => tap[map, y, x] * tap[map, y, x])) + 1e-10;
    }

    private static Volume Scaled(RgbImage image)
    {
        double[] shift = [-.030, -.088, -.188], scale = [.458, .448, .450];
        return new Volume(3, image.Height, image.Width, (c, y, x) => (image.Planes[(c * image.Height + y) * image.Width + x] / 127.5 - 1 - shift[c]) / scale[c]);
    }

    private static List<Volume> Plain(Volume x, IEnumerable<(string Kind, int Index, int From, int To, int Kernel, int Stride, int Padding)> layers, Dictionary<string, float[]> weights)
    {
        List<Volume> taps = [];
        foreach (var layer in layers)
        {
            if (layer.Kind == "tap")
                taps.Add(x);
            else
                x = layer.Kind == "pool" ? x.MaxPool(layer.Kernel, ceil: false) : x.Convolve(weights, $"features.{layer.Index}", layer.To, layer.Kernel, layer.Stride, layer.Padding);
        }
        return taps;
    }

    private static Dictionary<string, float[]> Draw(LpipsTrunk trunk)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        foreach (var weight in trunk.Weights.Values)
            weight.normal_(0, weight.dim() == 4 ? Math.Sqrt(2.0 / (weight.shape[1] * weight.shape[2] * weight.shape[3])) : 0.05, generator);
        return trunk.Weights.ToDictionary(weight => weight.Key, weight => weight.Value.data<float>().ToArray());
    }

    /// <summary>Gives the image itself, twice.</summary>
    private sealed class Raw : IPerceptionNetwork
    {
        public string Description => "raw pixels";

        public IReadOnlyList<string> Taps => ["one", "two"];

        public IReadOnlyList<Tensor> Features(Tensor images) => [images.alias(), images.alias()];

        public void Dispose()
        {
        }
    }

    /// <summary>Maps with a network's operations as plain loops.</summary>
    private sealed class Volume
    {
        private readonly double[] _values;

        public Volume(int maps, int height, int width, Func<int, int, int, double> value)
        {
            (Maps, Height, Width) = (maps, height, width);
            _values = new double[maps * height * width];
            for (int i = 0; i < _values.Length; i++)
                _values[i] = value(i / (height * width), i / width % height, i % width);
        }

        public int Maps { get; }

        public int Height { get; }

        public int Width { get; }

        public double this[int map, int y, int x] => _values[(map * Height + y) * Width + x];

        public Volume Convolve(Dictionary<string, float[]> weights, string name, int to, int kernel, int stride, int padding)
        {
            float[] weight = weights[$"{name}.weight"], bias = weights[$"{name}.bias"];
            return new Volume(to, (Height + 2 * padding - kernel) / stride + 1, (Width + 2 * padding - kernel) / stride + 1, (map, y, x) =>
            {
                double sum = bias[map];
                for (int v = 0; v < kernel; v++)
                {
                    int fromY = y * stride + v - padding;
                    if (fromY < 0 || fromY >= Height)
                        continue;
                    for (int u = 0; u < kernel; u++)
                    {
                        int fromX = x * stride + u - padding;
                        if (fromX < 0 || fromX >= Width)
                            continue;
                        for (int from = 0; from < Maps; from++)
                            sum += weight[((map * Maps + from) * kernel + v) * kernel + u] * _values[(from * Height + fromY) * Width + fromX];
                    }
                }
                return Math.Max(0, sum);
            });
        }

        /// <summary>Every second place; with ceil a window may hang over the edge as long as it begins inside.</summary>
        public Volume MaxPool(int size, bool ceil) => new(Maps, Pooled(Height, size, ceil), Pooled(Width, size, ceil), (map, y, x) =>
        {
            double most = double.NegativeInfinity;
            for (int v = 2 * y; v < Math.Min(2 * y + size, Height); v++)
                for (int u = 2 * x; u < Math.Min(2 * x + size, Width); u++)
                    most = Math.Max(most, this[map, v, u]);
            return most;
        });

        public Volume Before(Volume other) => new(Maps + other.Maps, Height, Width, (map, y, x) => map < Maps ? this[map, y, x] : other[map - Maps, y, x]);

        private static int Pooled(int length, int size, bool ceil)
        {
            int windows = (length - size + (ceil ? 1 : 0)) / 2 + 1;
            return windows;
        }
    }
}
