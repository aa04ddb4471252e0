using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using Microsoft.Extensions.Configuration;
using Microsoft.ML;

namespace CrnMlNet.Tests.Training;

public class RecipeTests
{
    private static readonly MLContext MLContext = new(seed: 1);

    public static TheoryData<string> Names => [.. Recipe.All.Select(recipe => recipe.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_recipe_learns_is_saved_and_paints_the_same_when_loaded(string name)
    {
        using var folder = new TemporaryFolder();
        var options = Samples.TinyOptions();
        options.Recipe = Recipe.Parse(name);
        options.Epochs = 2;
        using var trained = Samples.Train(options);
        MLContext.Model.Save(trained, null, folder["model.zip"]);

        using var loaded = (SynthesizeFromLabelsTransformer)MLContext.Model.Load(folder["model.zip"], out _);

        Assert.Equal((name, options.Recipe.Network), (loaded.Training.Recipe, loaded.Architecture.Kind));
        Assert.Equal((trained.Architecture, options.Recipe.ImagesPerLayout), (loaded.Architecture, loaded.Architecture.ImagesPerLayout));
        Assert.Equal(
            (options.Recipe.LearningRate, options.Recipe.LearningRateDecay, options.Recipe.AverageDecay),
            (loaded.Training.LearningRate, loaded.Training.LearningRateDecay, loaded.Training.AverageDecay));
        Assert.All(loaded.Training.LossByEpoch, loss => Assert.True(double.IsFinite(loss)));
        using var labels = Samples.Labels(1);
        using var expected = trained.Synthesize(labels);
        using var photo = loaded.Synthesize(labels);
        Assert.True(expected.Pixels.SequenceEqual(photo.Pixels));
    }

    [Fact]
    public void Image_space_compares_images_alone()
    {
        var options = Samples.TinyOptions();
        options.Recipe = Recipe.ImageSpace;
        using var model = Samples.Train(options);

        Assert.Equal(["image"], model.Training.LayerWeights.Keys);
        Assert.Equal(1, model.Training.LayerWeights["image"]);
        Assert.Contains("pixel by pixel", model.Training.Perception);
    }

    [Fact]
    public void A_recipe_of_ones_own_is_a_network_and_an_objective()
    {
        var options = Samples.TinyOptions();
        options.Recipe = new Recipe { Name = "mine", Network = NetworkKind.UNet, Objective = new() { Comparison = Comparison.Image } };
        using var model = Samples.Train(options);

        Assert.Equal(("mine", NetworkKind.UNet), (model.Training.Recipe, model.Architecture.Kind));
        Assert.Equal(["image"], model.Training.LayerWeights.Keys);
    }

    [Fact]
    public void A_configuration_names_it()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Recipe"] = "Full-Resolution" }).Build();

        Assert.Same(Recipe.FullResolution, configuration.Get<SynthesizeFromLabelsEstimator.Options>()!.Recipe);
    }

    [Fact]
    public void An_unknown_name_is_answered_with_those_that_there_are() =>
        Assert.Contains("There is no recipe 'crm'. There are: crn, image-space", Assert.Throws<ArgumentException>(() => Recipe.Parse("crm")).Message);

    [Fact]
    public void Stages_newest_modules_and_gradient_checkpointing_are_refused_where_a_network_cannot()
    {
        Refused(options => options.GradientCheckpointing = true, "A U-Net cannot be trained by gradient checkpointing");
        Refused(options => options.TrainOnlyNewestModules = 1, "A U-Net has no modules");
        Refused(options => options.Stages = [new TrainingStage { Height = 24, Width = 32, Epochs = 1 }], "Stages are for cascaded refinement");

        static void Refused(Action<SynthesizeFromLabelsEstimator.Options> set, string why)
        {
            var options = Samples.TinyOptions();
            options.Recipe = Recipe.EncoderDecoder;
            set(options);
            Assert.Contains(why, Assert.Throws<ArgumentOutOfRangeException>(() => MLContext.Transforms.SynthesizeFromLabels(options)).Message);
        }
    }

    [Fact]
    public void A_model_of_another_kind_is_no_place_to_start_from()
    {
        using var cascade = Samples.Train();
        var options = Samples.TinyOptions();
        (options.Recipe, options.WarmStartModel) = (Recipe.Recombinator, cascade);

        var error = Assert.Throws<InvalidOperationException>(() => Samples.Train(options));

        Assert.Contains("it is a cascaded refinement network, and a Recombinator network is asked for", error.Message);
    }
}
