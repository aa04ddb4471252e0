using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;
using Microsoft.ML;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Cli.Tests;

/// <summary>From a file of VGG-19's size with drawn weights to a model that was trained with it, as a user goes.</summary>
public sealed class ImportVgg19Tests(DrawnVgg19File drawn) : IClassFixture<DrawnVgg19File>, IDisposable
{
    private readonly string _cache = Directory.CreateTempSubdirectory("crn-cache-").FullName;

    private string Copy => Path.Combine(_cache, "crnmlnet", "vgg19.safetensors");

    public void Dispose() => Directory.Delete(_cache, recursive: true);

    [Fact]
    public void What_was_imported_is_what_training_compares_in()
    {
        using var scenes = new Scenes(count: 2);
        var import = CrnProcess.RunWithCache(_cache, "import", "vgg19", drawn.Path);
        import.AssertSucceeded();
        Assert.Contains(import.Output, line => line.StartsWith("Imported VGG-19 with the weights of drawn.safetensors (SHA-256 ", StringComparison.Ordinal));
        Assert.Contains(import.Output, line => line.StartsWith("Activations on the test picture", StringComparison.Ordinal) && line.Contains("conv5_2"));

        var training = CrnProcess.RunWithCache(_cache, scenes.TrainArguments());

        training.AssertSucceeded();
        Assert.Contains(training.Output, line => line.StartsWith("Comparing in VGG-19 with the weights of drawn.safetensors (SHA-256 ", StringComparison.Ordinal)
            && line.EndsWith(", as it was imported.", StringComparison.Ordinal));
        using var model = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(scenes.Model, out _);
        Assert.StartsWith("VGG-19 with the weights of drawn.safetensors (SHA-256 ", model.Training.Perception);
        Assert.Equal(["image", "conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"], model.Training.LayerWeights.Keys);
        Assert.All(model.Training.LossByEpoch, loss => Assert.True(double.IsFinite(loss)));

        // An imported VGG-19 is not used where the filters are asked for.
        var filtered = CrnProcess.RunWithCache(_cache, scenes.TrainArguments("--perception", "filters"));
        filtered.AssertSucceeded();
        Assert.Contains("Comparing in a bank of frequency filters, as asked for.", filtered.Output);
    }

    [Fact]
    public void Without_an_import_training_says_so_or_refuses()
    {
        using var scenes = new Scenes(count: 2);
        CrnProcess.RunWithCache(_cache, scenes.TrainArguments("--perception", "vgg19")).AssertFailed("VGG-19 was not imported", "crn import vgg19 FILE");
        scenes.AssertNothingWritten();

        var training = CrnProcess.RunWithCache(_cache, scenes.TrainArguments());
        training.AssertSucceeded();
        Assert.Contains("VGG-19 was not imported (crn import vgg19 FILE): comparing in a bank of frequency filters.", training.Output);
    }

    [Fact]
    public void Weights_can_be_given_without_an_import()
    {
        using var scenes = new Scenes(count: 2);
        var training = CrnProcess.RunWithCache(_cache, scenes.TrainArguments("--perception-weights", drawn.Path));
        training.AssertSucceeded();
        Assert.Contains(training.Output, line => line.EndsWith(", as its weights are given.", StringComparison.Ordinal));
        CrnProcess.RunWithCache(_cache, scenes.TrainArguments("--perception-weights", "none.pth")).AssertFailed("none.pth", "does not exist");
    }

    [Fact]
    public void A_copy_that_is_cut_off_is_one_clear_error_before_anything_is_read()
    {
        using var scenes = new Scenes(count: 2);
        Directory.CreateDirectory(Path.GetDirectoryName(Copy)!);
        File.WriteAllBytes(Copy, File.ReadAllBytes(drawn.Path)[..1_000_000]);

        var training = CrnProcess.RunWithCache(_cache, scenes.TrainArguments());

        training.AssertFailed(Copy, "damaged", "Import it again");
        Assert.DoesNotContain(training.Output, line => line.StartsWith("Reading", StringComparison.Ordinal));
        scenes.AssertNothingWritten();
    }

    [Fact]
    public void A_file_with_other_layers_is_one_clear_error_that_names_them()
    {
        string path = Path.Combine(_cache, "wrong.safetensors");
        using (var file = File.Create(path))
        using (var tensor = zeros(64, 3, 5, 5))
            Safetensors.Write(file, [("features.0.weight", tensor)]);
        CrnProcess.RunWithCache(_cache, "import", "vgg19", path)
            .AssertFailed(path, "features.0.weight (conv1_1.weight) is [64, 3, 5, 5] instead of [64, 3, 3, 3]", "features.0.bias (conv1_1.bias) is missing", "and 23 more");
        Assert.False(File.Exists(Copy));
    }

    [Fact]
    public void A_file_that_is_cut_off_is_one_clear_error()
    {
        string path = Path.Combine(_cache, "cut.safetensors");
        File.WriteAllBytes(path, File.ReadAllBytes(drawn.Path)[..20_000_000]);
        CrnProcess.RunWithCache(_cache, "import", "vgg19", path).AssertFailed(path, "bytes");
        Assert.False(File.Exists(Copy));
    }

    [Fact]
    public void Downloads_imports_and_leaves_only_the_copy()
    {
        using var server = new FileServer(File.ReadAllBytes(drawn.Path));
        server.Drops.Enqueue(10_000_000);

        var import = CrnProcess.RunWithCache(_cache, "import", "vgg19", "--download", "--url", server.Url("drawn.safetensors"));

        import.AssertSucceeded();
        Assert.Contains(import.Output, line => line.StartsWith("Downloading: ", StringComparison.Ordinal) && line.EndsWith(" left", StringComparison.Ordinal));
        Assert.Equal(["", "bytes=10000000-"], server.Ranges);
        Assert.Equal([Copy], Directory.GetFiles(Path.GetDirectoryName(Copy)!));
    }

    [Fact]
    public void A_download_that_fails_is_one_clear_error()
    {
        using var server = new FileServer([]);
        server.Refusals.Enqueue("403 Forbidden");
        CrnProcess.RunWithCache(_cache, "import", "vgg19", "--download", "--url", server.Url("vgg19-dcbb9e9d.pth")).AssertFailed("403 Forbidden", "--url");
        Assert.False(File.Exists(Copy));
    }

    [Fact]
    public void A_file_or_a_download_is_needed() => Assert.Equal(ExitCode.Usage, CrnProcess.Run("import", "vgg19").ExitCode);
}

/// <summary>
/// A file of VGG-19's size, under torchvision's names and in half precision, with drawn weights; as in trained networks, neighbours
/// in a kernel are alike.
/// </summary>
public sealed class DrawnVgg19File : IDisposable
{
    // torchvision, models/vgg.py, cfgs["E"].
    private static readonly int[] Numbers = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30];

    private readonly string _folder = Directory.CreateTempSubdirectory("crn-drawn-").FullName;

    public DrawnVgg19File()
    {
        TorchBackend.Start();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var file = File.Create(Path);
        Safetensors.Write(file, Vgg19.Shapes.Select((layer, i) => (
            $"features.{Numbers[i / 2]}.{layer.Name.Split('.')[1]}",
            layer.Shape is [var outputs, var inputs, ..] ? Draw(outputs, inputs, generator) : zeros(layer.Shape, ScalarType.Float16))));
    }

    public string Path => System.IO.Path.Combine(_folder, "drawn.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Tensor Draw(long outputs, long inputs, Generator generator) => (
        (randn([outputs, inputs, 3, 3], generator: generator) + randn([outputs, inputs, 1, 1], generator: generator)) * Math.Sqrt(1.0 / (9 * inputs))).to(ScalarType.Float16);
}
