using System.IO.Compression;
using Microsoft.ML;

namespace CrnMlNet.Cli.Tests;

public class SynthesizeTests(TrainedModel model) : IClassFixture<TrainedModel>
{
    [Fact]
    public void Paints_a_photo_of_the_trained_size_for_each_label_image()
    {
        using var scenes = new Scenes(count: 3);
        File.WriteAllText(Path.Combine(scenes.Labels, "notes.txt"), "passed over");
        var outcome = scenes.Synthesize(model.Path, scenes.Labels);
        outcome.AssertSucceeded();
        Assert.Equal($"3 photos of 32x48 in {scenes.Output}", outcome.Output[^1]);
        Assert.Equal(["manifest.csv", "scene0.png", "scene1.png", "scene2.png"], Directory.GetFiles(scenes.Output).Select(Path.GetFileName).Order());
        using var photo = ImageFile.Load(Path.Combine(scenes.Output, "scene1.png"));
        Assert.Equal((48, 32), (photo.Width, photo.Height));
    }

    [Fact]
    public void Paints_a_single_file_as_it_does_in_a_folder()
    {
        using var scenes = new Scenes(count: 2);
        scenes.Synthesize(model.Path, scenes.Label(1)).AssertSucceeded();
        string alone = Assert.Single(Directory.GetFiles(scenes.Output, "*.png"));
        using var transformer = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(model.Path, out _);
        using var labels = ImageFile.Load(scenes.Label(1));
        using var expected = transformer.Synthesize(labels);
        using var photo = ImageFile.Load(alone);
        Assert.Equal(expected.Pixels.ToArray(), photo.Pixels.ToArray());
    }

    [Fact]
    public void Paints_all_photos_of_a_layout_or_the_one_asked_for()
    {
        using var training = new Scenes(count: 2);
        training.Train("--images-per-layout", "3").AssertSucceeded();
        using var scenes = new Scenes(count: 1);
        var outcome = scenes.Synthesize(training.Model, scenes.Labels);
        outcome.AssertSucceeded();
        Assert.Equal($"3 photos of 32x48 in {scenes.Output}", outcome.Output[^1]);
        string[] names = ["scene0.png", "scene0.1.png", "scene0.2.png"];
        Assert.Equal(names.Order(), Directory.GetFiles(scenes.Output, "*.png").Select(Path.GetFileName).Order());
        using var transformer = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(training.Model, out _);
        using var labels = ImageFile.Load(scenes.Label(0));
        var expected = transformer.SynthesizeAll(LabelMap.FromImage(labels));
        for (int i = 0; i < 3; i++)
        {
            using (expected[i])
                Assert.Equal(expected[i].Pixels.ToArray(), Pixels(scenes, names[i]));
        }

        byte[] second = Pixels(scenes, names[1]);
        scenes.Synthesize(training.Model, scenes.Labels, "--image", "1").AssertSucceeded();
        Assert.Equal(second, Pixels(scenes, names[0]));
        scenes.Synthesize(training.Model, scenes.Labels, "--image", "3").AssertFailed("--image", "0 to 2");
    }

    [Fact]
    public void Another_sample_seed_paints_another_photo()
    {
        using var scenes = new Scenes(count: 1);
        scenes.Synthesize(model.Path, scenes.Label(0)).AssertSucceeded();
        byte[] usual = Pixels(scenes, "scene0.png");
        scenes.Synthesize(model.Path, scenes.Label(0), "--sample-seed", "7").AssertSucceeded();
        byte[] seven = Pixels(scenes, "scene0.png");
        scenes.Synthesize(model.Path, scenes.Label(0), "--sample-seed", "7").AssertSucceeded();

        Assert.Equal(seven, Pixels(scenes, "scene0.png"));
        Assert.NotEqual(usual, seven);
        using var training = new Scenes(count: 2);
        training.Train("--noise-channels", "0").AssertSucceeded();
        scenes.Synthesize(training.Model, scenes.Label(0), "--sample-seed", "7").AssertFailed("--sample-seed is 7, but the model has no noise channels");
    }

    [Fact]
    public void Short_numbers_paint_nearly_the_same_photo()
    {
        using var scenes = new Scenes(count: 1);
        scenes.Synthesize(model.Path, scenes.Label(0), "--precision", "float32").AssertSucceeded();
        byte[] exact = Pixels(scenes, "scene0.png");
        scenes.Synthesize(model.Path, scenes.Label(0), "--precision", "bfloat16", "--fresh").AssertSucceeded();
        byte[] nearly = Pixels(scenes, "scene0.png");

        Assert.NotEqual(exact, nearly);
        Assert.InRange(exact.Zip(nearly, (one, other) => Math.Abs(one - other)).Average(), 0, 2);
        Assert.Equal(ExitCode.Usage, scenes.Synthesize(model.Path, scenes.Label(0), "--precision", "float16").ExitCode);
    }

    [Fact]
    public void A_label_image_that_is_called_like_another_one_s_second_photo()
    {
        using var training = new Scenes(count: 2);
        training.Train("--images-per-layout", "2").AssertSucceeded();
        using var scenes = new Scenes(count: 1);
        string second = Path.ChangeExtension(scenes.Label(0), ".1.png");
        File.Copy(scenes.Label(0), second);
        scenes.Synthesize(training.Model, scenes.Labels).AssertPartial("1 label image of 2", second, "'scene0'", "--image");
        scenes.Synthesize(training.Model, scenes.Labels, "--image", "0").AssertSucceeded();
    }

    [Fact]
    public void Does_not_overwrite_the_label_images()
    {
        using var scenes = new Scenes(count: 1);
        var before = File.ReadAllBytes(scenes.Label(0));
        CrnProcess.Run("synthesize", "--model", model.Path, "--labels", scenes.Labels, "--output", scenes.Labels + Path.DirectorySeparatorChar)
            .AssertFailed("--output", scenes.Labels);
        Assert.Equal(before, File.ReadAllBytes(scenes.Label(0)));
    }

    [Fact]
    public void Of_two_label_images_that_would_become_one_photo_neither_is_painted()
    {
        using var scenes = new Scenes(count: 2);
        File.Copy(scenes.Label(0), Path.ChangeExtension(scenes.Label(0), ".bmp"));
        scenes.Synthesize(model.Path, scenes.Labels).AssertPartial("2 label images of 3", "scene0.png", "scene0.bmp");
        Assert.Equal(["scene1.png"], Directory.GetFiles(scenes.Output, "*.png").Select(Path.GetFileName));
    }

    [Fact]
    public void A_model_that_is_not_there() => CheckModel(_ => { }, "does not exist");

    [Fact]
    public void A_truncated_model() => CheckModel(path => File.WriteAllBytes(path, File.ReadAllBytes(model.Path)[..20_000]), "damaged");

    [Theory]
    [InlineData(0.2)]
    [InlineData(0.5)]
    [InlineData(0.8)]
    public void A_model_with_a_damaged_place(double place) => CheckModel(
        path =>
        {
            var bytes = File.ReadAllBytes(model.Path);
            bytes.AsSpan((int)(bytes.Length * place), 64).Fill(0x5A);
            File.WriteAllBytes(path, bytes);
        },
        "damaged");

    [Fact]
    public void A_text_file_as_a_model() => CheckModel(path => File.WriteAllText(path, "I am no model."), "not a model");

    [Fact]
    public void Another_zip_as_a_model() => CheckModel(
        path =>
        {
            using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
            using var writer = new StreamWriter(zip.CreateEntry("readme.txt").Open());
            writer.Write("hello");
        },
        "not a model");

    [Fact]
    public void Another_model_of_ML_NET() => CheckModel(
        path =>
        {
            var mlContext = new MLContext();
            var data = mlContext.Data.LoadFromEnumerable([new { Number = 1f }]);
            mlContext.Model.Save(mlContext.Transforms.CopyColumns("Copy", "Number").Fit(data), data.Schema, path);
        },
        "does not synthesize");

    private static void CheckModel(Action<string> write, string part)
    {
        using var scenes = new Scenes(count: 1);
        string path = scenes.In("bad.zip");
        write(path);
        scenes.Synthesize(path, scenes.Labels).AssertFailed(path, part);
        scenes.AssertNothingWritten();
    }

    private static byte[] Pixels(Scenes scenes, string name)
    {
        using var photo = ImageFile.Load(Path.Combine(scenes.Output, name));
        return photo.Pixels.ToArray();
    }
}
