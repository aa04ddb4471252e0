using System.IO.Compression;
using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Torch.Networks;
using Microsoft.ML;

namespace CrnMlNet.Tests.Persistence;

/// <summary>Models whose layout modulates their network.</summary>
public class ModulatedModelTests
{
    private static readonly MLContext MLContext = new(seed: 1);

    [Theory]
    [InlineData(Modulation.Clade)]
    [InlineData(Modulation.Spade)]
    public void It_is_saved_and_paints_the_same_when_loaded(Modulation modulation)
    {
        using var folder = new TemporaryFolder();
        using var trained = Samples.Train(Options(modulation));
        MLContext.Model.Save(trained, null, folder["model.zip"]);

        using var loaded = (SynthesizeFromLabelsTransformer)MLContext.Model.Load(folder["model.zip"], out _);

        Assert.Equal(trained.Architecture, loaded.Architecture);
        Assert.Equal(modulation, ((CrnArchitecture)loaded.Architecture).Modulation);
        var rows = MLContext.Data.LoadFromEnumerable(Samples.Scenes(5));
        Assert.Equal(Samples.ReadPhotos(trained.Transform(rows)), Samples.ReadPhotos(loaded.Transform(rows)));
    }

    [Fact]
    public void Its_version_is_one_that_older_readers_refuse_and_others_keep_theirs()
    {
        var plain = Description(Modulation.None);

        Assert.Contains("\"version\": 1,", plain);
        Assert.Contains("\"version\": 2,", Description(Modulation.Clade));

        static string Description(Modulation modulation)
        {
            using var trained = Samples.Train(Options(modulation));
            using var file = new MemoryStream();
            MLContext.Model.Save(trained, null, file);
            using var archive = new ZipArchive(file);
            using var description = new StreamReader(archive.Entries.Single(entry => entry.Name == ModelFile.Description).Open());
            return description.ReadToEnd();
        }
    }

    [Fact]
    public void A_plain_model_gives_a_CLADE_all_that_it_has_learned()
    {
        var learning = Options(Modulation.None);
        // Its gains and biases are far from 1 and 0 then.
        (learning.Epochs, learning.LearningRate) = (10, 0.02);
        using var plain = Samples.Train(learning);
        var options = Options(Modulation.Clade);
        (options.WarmStartModel, options.LearningRate) = (plain, 1e-12);

        using var trained = Samples.Train(options);

        Assert.Equal("the given model: g_3, g_6, g_12, g_24, conv100", trained.Training.WarmStart);
        using var labels = Samples.Labels(7, 64, 48);
        using var expected = plain.Synthesize(labels);
        using var photo = trained.Synthesize(labels);
        Assert.All(expected.Pixels().Zip(photo.Pixels()), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
    }

    [Fact]
    public void A_plain_model_has_only_its_head_to_give_to_a_SPADE()
    {
        using var plain = Samples.Train(Options(Modulation.None));
        var options = Options(Modulation.Spade);
        options.WarmStartModel = plain;

        using var trained = Samples.Train(options);

        Assert.Equal("the given model: conv100", trained.Training.WarmStart);
    }

    [Fact]
    public void It_is_for_cascades_alone()
    {
        var options = Options(Modulation.Spade);
        options.Recipe = Recipe.EncoderDecoder;

        Assert.Contains("Modulation is for cascaded refinement", Assert.Throws<ArgumentOutOfRangeException>(() => MLContext.Transforms.SynthesizeFromLabels(options)).Message);
    }

    private static SynthesizeFromLabelsEstimator.Options Options(Modulation modulation)
    {
        var options = Samples.TinyOptions();
        options.Modulation = modulation;
        return options;
    }
}
