using CrnMlNet.Tests.Data;
using Microsoft.ML;

namespace CrnMlNet.Tests.Pipelines;

public class WholePathTests
{
    [Fact]
    public void Files_in_a_model_out_and_the_same_photos_in_another_process()
    {
        using var images = new TemporaryFolder();
        using var elsewhere = new TemporaryFolder();
        var folder = images.Path;
        var files = Samples.WriteFiles(images);
        var mlContext = new MLContext(seed: 1);
        var trainingData = mlContext.Data.LoadFromEnumerable(files);
        var pipeline = mlContext.Transforms.LoadImages("Labels", folder, "LabelPath")
            .Append(mlContext.Transforms.LoadImages("Photo", folder, "PhotoPath"))
            .Append(mlContext.Transforms.SynthesizeFromLabels(
                outputColumnName: "Synthesized", inputColumnName: "Labels", photoColumnName: "Photo",
                palette: LabelPalette.CamVid, height: 24, width: 32, epochs: 1));

        ITransformer model = pipeline.Fit(trainingData);
        mlContext.Model.Save(model, trainingData.Schema, elsewhere["model.zip"]);
        var (exitCode, output) = LoadInOwnProcess.Run(elsewhere["model.zip"], files.Select(f => f.LabelPath), elsewhere["pixels"]);

        Assert.True(exitCode == 0, output);
        Assert.Contains("CrnMlNet is loaded: True", output);
        var here = Samples.ReadPhotos(model.Transform(trainingData)).SelectMany(photo => photo).ToArray();
        Assert.Equal(4 * 24 * 32 * 4, here.Length);
        Assert.Equal(here, File.ReadAllBytes(elsewhere["pixels"]));
        (model as IDisposable)!.Dispose();
    }

    [Fact]
    public void A_loaded_model_knows_what_it_is()
    {
        using var trained = Samples.Train();
        using var stream = new MemoryStream();
        var mlContext = new MLContext();
        mlContext.Model.Save(trained, null, stream);
        stream.Position = 0;

        using var loaded = Assert.IsType<SynthesizeFromLabelsTransformer>(mlContext.Model.Load(stream, out var schema));

        Assert.Null(schema);
        Assert.Equal(("Labels", "Synthesized"), (loaded.InputColumnName, loaded.OutputColumnName));
        Assert.Equal(trained.Architecture, loaded.Architecture);
        Assert.Equal(trained.Palette.ToJson(), loaded.Palette.ToJson());
        Assert.Equal((4, 4, 1), (loaded.Training.Pairs, loaded.Training.Steps, loaded.Training.Seed));
        Assert.Equal(trained.Training.LayerWeights, loaded.Training.LayerWeights);
        Assert.Equal(trained.Training.LossByEpoch, loaded.Training.LossByEpoch);
        using var labels = Samples.Labels(2);
        using var before = trained.Synthesize(labels);
        using var after = loaded.Synthesize(labels);
        Assert.Equal(before.Pixels(), after.Pixels());
    }

    [Fact]
    public void The_photos_are_of_the_size_asked_for_and_depend_on_the_labels()
    {
        using var trained = Samples.Train();
        using var one = Samples.Labels(0);
        using var other = Samples.Labels(5);

        using var photo = trained.Synthesize(one);
        using var otherPhoto = trained.Synthesize(other);

        Assert.Equal((Samples.Height, Samples.Width), (photo.Height, photo.Width));
        Assert.NotEqual(photo.Pixels(), otherPhoto.Pixels());
    }
}
