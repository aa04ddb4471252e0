using System.IO.Compression;
using System.Text;
using System.Text.Json;
using CrnMlNet.Data;
using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace CrnMlNet.Tests.Persistence;

/// <summary>Networks from the authors' checkpoints as ML.NET models.</summary>
public sealed class ImportedModelTests : IDisposable
{
    private const string Optimizer = "optimizer.safetensors";

    private readonly TemporaryFolder _folder = new();
    private readonly MLContext _mlContext = new(seed: 1);

    private string Prefix => _folder["model.ckpt"];

    private string Saved => _folder["model.zip"];

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public void An_imported_model_is_saved_and_loaded_like_any_other(int images)
    {
        new AuthorsModel(images: images).Checkpoint(_ => true).Write(Prefix);
        var progress = new List<(long Done, long All)>();
        using var imported = _mlContext.Model.LoadCrnCheckpoint(Prefix, progress: (done, all) => progress.Add((done, all)));
        using var labels = Stripes();

        _mlContext.Model.Save(imported, null, Saved);
        using var loaded = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(Saved, out _);

        using var expected = imported.Synthesize(labels);
        using var photo = loaded.Synthesize(labels);
        Assert.Equal(expected.Pixels(), photo.Pixels());
        Assert.Equal((16, 32, images, 20), (loaded.Architecture.Height, loaded.Architecture.Width, loaded.Architecture.ImagesPerLayout, loaded.Architecture.Channels));
        Assert.Equal("cityscapes", loaded.Palette.Name);
        Assert.StartsWith("'model.ckpt' of the authors' TensorFlow code, Adam's moments of ", loaded.Training.Imported);
        Assert.Equal(3 * sizeof(float) * loaded.Architecture.ParameterCount(), progress[^1].Done);
        Assert.All(progress, step => Assert.Equal(progress[^1].Done, step.All));
        Assert.Equal(progress.Order(), progress);
    }

    /// <summary>The authors' code looks a pixel's colour up in cityscapes.json, and what is not there is the twentieth channel.</summary>
    [Fact]
    public void The_palettes_channels_are_in_the_authors_order()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(SharedData.Find("crn-original", "cityscapes.json")));

        Assert.Equal(
            json.RootElement.GetProperty("palette").EnumerateArray().Select(color => string.Join(',', color.EnumerateArray())),
            LabelPalette.Cityscapes.Classes.Select(label => $"{label.Color.R},{label.Color.G},{label.Color.B}"));
        Assert.Equal((19, 20), (LabelPalette.Cityscapes.VoidChannel, LabelPalette.Cityscapes.ChannelCount));
    }

    /// <summary>The authors' label maps of three sizes have no colour that the palette lacks.</summary>
    [Theory]
    [InlineData("Label256Full")]
    [InlineData("Label512Full")]
    [InlineData("Label1024Full")]
    public void The_authors_label_maps_are_read(string folder)
    {
        new AuthorsModel().Checkpoint().Write(Prefix);
        using var model = _mlContext.Model.LoadCrnCheckpoint(Prefix);

        foreach (var file in Directory.EnumerateFiles(SharedData.Find("crn-original", folder), "*.png").Take(2))
        {
            using var labels = ImageFile.Load(file);
            using var photo = model.Synthesize(labels);
            Assert.Equal((16, 32), (photo.Height, photo.Width));
        }
    }

    /// <summary>
    /// Moments so large that a gradient is nothing beside them tell by how much a step changes each weight: Adam's algorithm 1 with
    /// the corrections of step 2,976 for mean 1e9 and square 1e18. A parameter without moments takes its first step, of the
    /// learning rate.
    /// </summary>
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 1)]
    [InlineData(true, 9)]
    public void A_training_that_starts_from_it_goes_on_with_Adams_moments(bool fromFile, int images)
    {
        var model = new AuthorsModel(images: images);
        var checkpoint = model.Checkpoint(name => name.StartsWith("g_16", StringComparison.Ordinal), 0.05092258f);
        foreach (var name in model.Names.Where(name => name.StartsWith("g_16", StringComparison.Ordinal)))
        {
            checkpoint.Add(name + "/Adam", model.Shape(name), [.. model[name].Select(_ => 1e9f)]);
            checkpoint.Add(name + "/Adam_1", model.Shape(name), [.. model[name].Select(_ => 1e18f)]);
        }
        checkpoint.Write(Prefix);
        using var imported = _mlContext.Model.LoadCrnCheckpoint(Prefix);
        _mlContext.Model.Save(imported, null, Saved);
        var options = Options();
        options.ImagesPerLayout = images;
        (options.WarmStartModelPath, options.WarmStartModel) = (fromFile ? Saved : null, fromFile ? null : imported);

        using var trained = Samples.Train(options, pairs: 1);

        double expected = 1e-3 * (0.9 / (1 - Math.Pow(0.9, 2976))) / Math.Sqrt(0.999 / (1 - Math.Pow(0.999, 2976)));
        var (before, after) = (Weights(imported), Weights(trained));
        foreach (var (name, values) in before)
        {
            bool known = name.StartsWith("g_16.", StringComparison.Ordinal) || name.StartsWith("conv100.", StringComparison.Ordinal);
            Assert.All(values.Zip(after[name]), pair => Assert.True(
                known ? Math.Abs(pair.First - pair.Second - expected) < 2e-6 : Math.Abs(pair.First - pair.Second) < 1.001e-3, $"{name}: {pair}"));
            if (!known)
                Assert.Contains(values.Zip(after[name]), pair => Math.Abs(pair.First - pair.Second) > 0.99e-3);
        }
        Assert.EndsWith("g_4, g_8, g_16, conv100; Adam's moments", trained.Training.WarmStart);
        using var again = Samples.Train(options, pairs: 1);
        Assert.Equal(after["conv100.weight"], Weights(again)["conv100.weight"]);
    }

    [Fact]
    public void Another_architecture_takes_weights_but_no_moments()
    {
        new AuthorsModel().Checkpoint(_ => true).Write(Prefix);
        using var imported = _mlContext.Model.LoadCrnCheckpoint(Prefix);
        var options = Options();
        (options.Height, options.Width, options.WarmStartModel) = (32, 64, imported);

        using var trained = Samples.Train(options, pairs: 1);

        Assert.Equal("the given model: g_4, g_8, g_16, conv100", trained.Training.WarmStart);
    }

    [Fact]
    public void Moments_are_no_part_of_a_model_where_they_are_not_wanted_or_not_there()
    {
        new AuthorsModel().Checkpoint(_ => true).Write(Prefix);
        using var without = _mlContext.Model.LoadCrnCheckpoint(Prefix, withMoments: false);
        _mlContext.Model.Save(without, null, Saved);

        using (var zip = ZipFile.OpenRead(Saved))
            Assert.DoesNotContain(zip.Entries, entry => entry.Name == Optimizer);
        var options = Options();
        options.WarmStartModelPath = Saved;
        using var trained = Samples.Train(options, pairs: 1);
        Assert.Equal("'model.zip': g_4, g_8, g_16, conv100", trained.Training.WarmStart);
    }

    [Fact]
    public void Moments_that_are_damaged_are_refused_by_training_and_do_not_keep_a_model_from_painting()
    {
        new AuthorsModel().Checkpoint(_ => true).Write(Prefix);
        using (var imported = _mlContext.Model.LoadCrnCheckpoint(Prefix))
            _mlContext.Model.Save(imported, null, Saved);
        var whole = ModelFile.Rewritten(Saved);
        var changed = (byte[])whole.Clone();
        changed[ModelFile.BeginOf(whole, Optimizer) + 20_000] ^= 1;

        Refused(changed, "optimizer.safetensors", "checksum differs");
        Refused(ModelFile.With(Saved, Optimizer, bytes => bytes[..^9]), "safetensors");
        Refused(ModelFile.With(Saved, Optimizer, bytes => new byte[40 << 20]), "more than the");
        Refused(ModelFile.With(Saved, Optimizer, bytes =>
        {
            bytes[bytes.AsSpan().IndexOf("steps.conv100"u8)] = (byte)'x';
            return bytes;
        }), "optimizer's state");

        void Refused(byte[] bytes, params string[] message)
        {
            File.WriteAllBytes(_folder["changed.zip"], bytes);
            ((IDisposable)_mlContext.Model.Load(_folder["changed.zip"], out _)).Dispose();
            var options = Options();
            options.WarmStartModelPath = _folder["changed.zip"];
            var error = Assert.Throws<FormatException>(() => Samples.Train(options, pairs: 1));
            Assert.All(message, part => Assert.Contains(part, error.Message));
        }
    }

    [Fact]
    public void What_cannot_be_imported_is_told()
    {
        Assert.Contains("model.ckpt", Assert.ThrowsAny<IOException>(() => _mlContext.Model.LoadCrnCheckpoint(Prefix)).Message);
        new AuthorsModel(channels: 12).Checkpoint(_ => true).Write(Prefix);

        var error = Assert.Throws<ArgumentException>(() => _mlContext.Model.LoadCrnCheckpoint(Prefix));
        Assert.Contains("12 channels, and the palette 'cityscapes' has 20", error.Message);
        Assert.Throws<OperationCanceledException>(() => _mlContext.Model.LoadCrnCheckpoint(Prefix, LabelPalette.CamVid, progress: (_, _) => throw new OperationCanceledException()));
        _mlContext.Model.LoadCrnCheckpoint(Prefix, LabelPalette.CamVid).Dispose();
    }

    public void Dispose() => _folder.Dispose();

    private static SynthesizeFromLabelsEstimator.Options Options() => new()
    {
        Palette = LabelPalette.Cityscapes,
        Height = 16,
        Width = 32,
        WidthFactor = 1.0 / 64,
        NoiseChannels = 0,
        Recipe = Recipe.Crn,
        Epochs = 1,
        Mirror = false,
    };

    /// <summary>Upright stripes in the classes' colours.</summary>
    private static MLImage Stripes() => Images.Colored(64, 32, [.. Enumerable.Range(0, 64 * 32).Select(i => LabelPalette.Cityscapes.ColorOf(i % 64 * 20 / 64))]);

    private static Dictionary<string, float[]> Weights(SynthesizeFromLabelsTransformer transformer)
    {
        using var scope = NewDisposeScope();
        return transformer.WithNetwork(network => network.named_parameters().ToDictionary(named => named.name, named => named.parameter.detach().contiguous().data<float>().ToArray()));
    }
}
