using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

public sealed class InceptionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// Expected values: pytorch-fid's <c>fid_inception_v3</c> on torchvision's modules, in float64 with PyTorch 1.13, of the same image with the same
    /// weights; of each branch of the last module the sum of its features, and its greatest with its place.
    /// </summary>
    [Fact]
    public void DoesWhatPytorchFidDoes()
    {
        string path = WriteDrawn();
        var (network, sha256) = InceptionFile.Read(path);
        using (network)
        {
            using var _ = no_grad();
            using var scope = NewDisposeScope();
            var features = network.Features(Waves(75));

            Assert.Equal([1, Inception.FeatureCount], features.shape);
            float[] values = [.. features.data<float>()];
            (int From, int To, double Sum, int Place, double Greatest)[] expected =
            [
                (0, 320, 57.800798, 156, 1.179494), (320, 704, 45.635516, 612, 1.012766), (704, 1088, 44.816626, 863, 0.938492),
                (1088, 1472, 33.468894, 1247, 0.534201), (1472, 1856, 30.447840, 1798, 0.568812), (1856, 2048, 38.262393, 1972, 1.467581),
            ];
            foreach (var branch in expected)
            {
                Assert.Equal(branch.Sum, values[branch.From..branch.To].Sum(value => (double)value), 2e-4 * branch.Sum);
                Assert.Equal(branch.Greatest, values[branch.Place], 5e-4);
            }
            Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path))), sha256);
        }
    }

    [Fact]
    public void ItHasTheConvolutionsOfThePublishedNetwork()
    {
        Assert.Equal(94, Inception.Shapes.Count);
        // Without the 2 numbers a map of each running mean and variance, and the classifier's: 21,820,000 in all with them.
        Assert.Equal(21_820_000, Inception.Shapes.Sum(layer => layer.Shape.Aggregate((a, b) => a * b) + 4 * layer.Shape[0]));
    }

    [Fact]
    public void OtherNetworksAreRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("1000 classes apart and not 1008", Refusal(("fc.weight", zeros(1000, 2048))));
        Assert.Contains("Conv2d_1a_3x3.conv.weight", Refusal(("features.0.weight", zeros(64, 3, 3, 3))));
        Assert.Contains("[32, 3, 5, 5]", Refusal(("Conv2d_1a_3x3.conv.weight", zeros(32, 3, 5, 5))));
        Assert.Contains("does not exist", Assert.Throws<FileNotFoundException>(() => InceptionFile.Read(_folder["nowhere"])).Message);

        string Refusal((string, Tensor) tensor)
        {
            using (var stream = File.Create(_folder["other.safetensors"]))
                Safetensors.Write(stream, [tensor]);
            string message = Assert.Throws<FormatException>(() => InceptionFile.Read(_folder["other.safetensors"])).Message;
            Assert.Contains("other.safetensors", message);
            return message;
        }
    }

    private static Tensor Waves(int side)
    {
        var planes = new float[3 * side * side];
        for (int i = 0; i < planes.Length; i++)
        {
            int t = (3 * (i % side) + 2 * (i / side % side) + 40 * (i / side / side)) % 510;
            planes[i] = t <= 255 ? t : 510 - t;
        }
        return tensor(planes, [1, 3, side, side]);
    }

    private string WriteDrawn()
    {
        using var scope = NewDisposeScope();
        List<(string, Tensor)> tensors = [];
        foreach (var (name, shape) in Inception.Shapes)
        {
            uint seed = (uint)name.Select((letter, place) => letter * (place + 1)).Sum();
            int numbers = (int)shape.Aggregate((a, b) => a * b), maps = (int)shape[0];
            tensors.Add(($"{name}.conv.weight", tensor(Drawn(seed, numbers, 0, Math.Sqrt(24.0 * maps / numbers)), shape)));
            foreach (var (place, statistic, middle) in new[] { (1u, "weight", 1), (2u, "bias", 0), (3u, "running_mean", 0), (4u, "running_var", 1) })
                tensors.Add(($"{name}.bn.{statistic}", tensor(Drawn(seed + place, maps, middle, 0.4))));
        }
        using (var stream = File.Create(_folder["inception.safetensors"]))
            Safetensors.Write(stream, tensors);
        return _folder["inception.safetensors"];
    }

    /// <summary>Numbers by a formula in whole ones, uniform around a middle.</summary>
    private static float[] Drawn(uint seed, int count, double middle, double width)
    {
        var numbers = new float[count];
        for (uint i = 0; i < count; i++)
        {
            uint bits = unchecked((i + seed * 1000003) * 2654435761);
            bits ^= bits >> 15;
            bits = unchecked(bits * 2246822519);
            bits ^= bits >> 13;
            numbers[i] = (float)(middle + width * (bits / 4294967296.0 - 0.5));
        }
        return numbers;
    }
}
