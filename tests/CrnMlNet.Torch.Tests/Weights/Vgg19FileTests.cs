using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>VGG-19 from files and its imported copy. The names of torchvision's layers are those of its models/vgg.py, <c>cfgs["E"]</c>.</summary>
public sealed class Vgg19FileTests : IDisposable
{
    private static readonly Dictionary<string, int> TorchVisionNumbers = new()
    {
        ["conv1_1"] = 0,
        ["conv1_2"] = 2,
        ["conv2_1"] = 5,
        ["conv2_2"] = 7,
        ["conv3_1"] = 10,
        ["conv3_2"] = 12,
        ["conv3_3"] = 14,
        ["conv3_4"] = 16,
        ["conv4_1"] = 19,
        ["conv4_2"] = 21,
        ["conv4_3"] = 23,
        ["conv4_4"] = 25,
        ["conv5_1"] = 28,
        ["conv5_2"] = 30,
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("crn-vgg19-");
    private readonly Vgg19 _drawn = DrawnVgg19.Make();

    public void Dispose()
    {
        _drawn.Dispose();
        _folder.Delete(recursive: true);
        File.Delete(Vgg19Import.Location);
    }

    [Fact]
    public void ReadsTorchVisionsNamesAndPassesOverWhatIsNotNeeded()
    {
        using var extra = zeros(4, 2);
        string path = Write("some.safetensors", Numbered().Append(("features.32.weight", extra)).Append(("classifier.0.weight", extra)));

        using var network = Vgg19File.Read(path);

        AssertEqual(_drawn, network);
        Assert.Equal(Vgg19Normalisation.TorchVision, network.Source.Normalisation);
        Assert.StartsWith("VGG-19 with the weights of some.safetensors (SHA-256 ", network.Description);
    }

    [Fact]
    public void ReadsMatConvNetsNamesWhenTheNormalisationIsGiven()
    {
        string path = Write("some.safetensors", Named());

        Assert.Contains("torchvision, matconvnet, caffe", Assert.Throws<FormatException>(() => Vgg19File.Read(path)).Message);
        using var network = Vgg19File.Read(path, Vgg19Normalisation.MatConvNet);

        AssertEqual(_drawn, network);
        Assert.Equal(Vgg19Normalisation.MatConvNet, network.Source.Normalisation);
    }

    [Fact]
    public void KnowsTheCaffeWeightsByTheirClassifiersNumbers()
    {
        using var classifier = zeros(1);
        string path = Write("vgg19-d01eb7cb.safetensors", Numbered().Append(("classifier.1.weight", classifier)).Append(("classifier.4.weight", classifier)));

        using var network = Vgg19File.Read(path);

        Assert.Equal(Vgg19Normalisation.Caffe, network.Source.Normalisation);
    }

    [Fact]
    public void AnotherVggIsRefusedWithTheNamesOfItsLayers()
    {
        using var scope = NewDisposeScope();
        // VGG-16's convolutions are 0, 2, 5, 7, 10, 12, 14, 17, ...: there is no fourth in block 3.
        var layers = Numbered().Where(layer => !layer.Name.StartsWith("features.16.", StringComparison.Ordinal)).ToList();
        layers[^2] = ("features.30.weight", zeros(512, 256, 3, 3));
        string path = Write("vgg16.safetensors", layers);

        string message = Assert.Throws<FormatException>(() => Vgg19File.Read(path)).Message;

        Assert.Equal(
            $"'{path}' cannot be read as VGG-19: features.16.weight (conv3_4.weight) is missing, features.16.bias (conv3_4.bias) is missing, "
            + "features.30.weight (conv5_2.weight) is [512, 256, 3, 3] instead of [512, 512, 3, 3].",
            message);
    }

    [Fact]
    public void ABatchNormalisedVggIsRefused()
    {
        using var mean = zeros(64);
        Assert.Contains("batch normalisation", Assert.Throws<FormatException>(
            () => Vgg19File.Read(Write("bn.safetensors", Numbered().Append(("features.1.running_mean", mean))))).Message);
    }

    [Fact]
    public void AnythingElseIsRefusedWithWhatItHas()
    {
        using var tensor = zeros(1);
        string message = Assert.Throws<FormatException>(() => Vgg19File.Read(Write("other.safetensors", [("lin0.weight", tensor)]))).Message;
        Assert.Contains("neither features.0.weight (torchvision's name) nor conv1_1.weight (MatConvNet's); it has 'lin0.weight'", message);
        Assert.Contains("do not exist", Assert.Throws<FileNotFoundException>(() => Vgg19File.Read(Path.Combine(_folder.FullName, "none.pth"))).Message);
    }

    [Fact]
    public void AFileThatIsCutOffIsRefused()
    {
        string path = Write("cut.safetensors", Numbered());
        using (var file = File.OpenWrite(path))
            file.SetLength(file.Length - 100);
        Assert.Contains($"'{path}' cannot be read as VGG-19: ", Assert.Throws<FormatException>(() => Vgg19File.Read(path)).Message);
    }

    [Fact]
    public void ValuesThatAreNoNumbersAreRefused()
    {
        _drawn.Weights["conv4_3.bias"][7].fill_(float.NaN);
        Assert.Contains("'features.23.bias' has values that are not numbers", Assert.Throws<FormatException>(
            () => Vgg19File.Read(Write("nan.safetensors", Numbered()))).Message);
    }

    [Fact]
    public void AFileThatBearsAHashInItsNameMustHaveIt()
    {
        string path = Write("vgg19-dcbb9e9d.pth", Numbered());
        string message = Assert.Throws<FormatException>(() => Vgg19File.Read(path)).Message;
        Assert.Contains("torchvision's with dcbb9e9d", message);
    }

    [Fact]
    public void TheImportedCopyIsTheNetworkAndKnowsWhereItIsFrom()
    {
        Assert.False(Vgg19Import.Exists);
        Assert.Contains("crn import vgg19", Assert.Throws<InvalidOperationException>(() => Vgg19Import.Open(CPU)).Message);

        Vgg19Import.Keep(_drawn);

        Assert.True(Vgg19Import.Exists);
        using var network = Vgg19Import.Open(CPU);
        AssertEqual(_drawn, network);
        Assert.Equal(_drawn.Source, network.Source);
    }

    [Fact]
    public void WeightsInNoOrderAreNotImportedUnlessThatIsAllowed()
    {
        using var random = DrawnVgg19.Make(coherence: 0);
        Assert.Contains("conv1_2.weight", Assert.Throws<FormatException>(() => Vgg19Import.Keep(random)).Message);
        Assert.False(Vgg19Import.Exists);
        Vgg19Import.Keep(random, allowUntrained: true);
        Assert.True(Vgg19Import.Exists);
    }

    [Fact]
    public void ADeadNetworkIsNotImported()
    {
        _drawn.Weights["conv4_1.bias"].fill_(-1e6f);
        Assert.Contains("dead", Assert.Throws<FormatException>(() => Vgg19Import.Keep(_drawn, allowUntrained: true)).Message);
        Assert.False(Vgg19Import.Exists);
    }

    [Fact]
    public void ACopyThatComputesSomethingElseThanWhenItWasImportedIsRefused()
    {
        Vgg19Import.Keep(_drawn);
        // The sign and the exponent of one number of some 15 million: the last byte of a little-endian float32.
        using (var file = new FileStream(Vgg19Import.Location, FileMode.Open))
        {
            file.Position = file.Length / 2 / 4 * 4 + 3;
            file.WriteByte(0x7e);
        }
        string message = Assert.Throws<FormatException>(() => Vgg19Import.Open(CPU)).Message;
        Assert.Contains("its activations are", message);
        Assert.Contains("Import it again", message);
    }

    [Theory]
    [InlineData("sha256", "00", "no SHA-256")]
    [InlineData("normalisation", "sepia", "'sepia'")]
    [InlineData("activations", "conv1_2 a/b", "damaged")]
    [InlineData("source", null, "no 'source'")]
    public void ACopyWhoseDescriptionIsDamagedIsRefused(string key, string? value, string part)
    {
        var metadata = new Dictionary<string, string>
        {
            ["source"] = "x.pth",
            ["sha256"] = new string('0', 64),
            ["normalisation"] = "caffe",
            ["activations"] = "conv1_2 1/1",
        };
        metadata.Remove(key);
        if (value is not null)
            metadata[key] = value;
        Directory.CreateDirectory(Path.GetDirectoryName(Vgg19Import.Location)!);
        using (var file = File.Create(Vgg19Import.Location))
            Safetensors.Write(file, Named(), metadata);

        Assert.Contains(part, Assert.Throws<FormatException>(() => Vgg19Import.Open(CPU)).Message);
    }

    [Fact]
    public void TheChecksumSeesMapsInAnotherOrderAndColoursExchangedButNotRounding()
    {
        using var scope = NewDisposeScope();
        var activations = Vgg19Activations.Of(_drawn);
        Assert.True(activations.Agrees(Vgg19Activations.Parse(activations.ToString())));

        using var blueFirst = DrawnVgg19.Make();
        blueFirst.Weights["conv1_1.weight"].copy_(_drawn.Weights["conv1_1.weight"].flip(1));
        Assert.False(activations.Agrees(Vgg19Activations.Of(blueFirst)));

        using var reordered = DrawnVgg19.Make();
        foreach (string name in new[] { "conv5_2.weight", "conv5_2.bias" })
            reordered.Weights[name].copy_(_drawn.Weights[name].flip(0));
        Assert.False(activations.Agrees(Vgg19Activations.Of(reordered)));

        using var rounded = DrawnVgg19.Make();
        foreach (var weight in rounded.Weights.Values)
            weight.mul_(1 + 1e-6f);
        Assert.True(activations.Agrees(Vgg19Activations.Of(rounded)));
    }

    private static void AssertEqual(Vgg19 expected, Vgg19 actual)
    {
        using var scope = NewDisposeScope();
        Assert.All(expected.Weights, weight => Assert.True(weight.Value.eq(actual.Weights[weight.Key]).all().item<bool>(), weight.Key));
    }

    private IEnumerable<(string Name, Tensor Value)> Named() => _drawn.Weights.Select(weight => (weight.Key, weight.Value));

    private IEnumerable<(string Name, Tensor Value)> Numbered() => _drawn.Weights.Select(weight =>
        weight.Key.Split('.') is [var layer, var kind] ? ($"features.{TorchVisionNumbers[layer]}.{kind}", weight.Value) : throw new FormatException(weight.Key));

    private string Write(string name, IEnumerable<(string, Tensor)> tensors)
    {
        string path = Path.Combine(_folder.FullName, name);
        using var file = File.Create(path);
        Safetensors.Write(file, tensors);
        return path;
    }
}
