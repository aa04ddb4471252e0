using Microsoft.ML;

namespace CrnMlNet.Cli.Tests;

public class VividTests
{
    [Fact]
    public void Writes_every_photo_in_vivid_tones_at_its_own_size()
    {
        using var scenes = new Scenes(count: 2);
        Scenes.Save(scenes.Photo(0), Scenes.Draw((_, _) => Scenes.Gray(128), width: 20, height: 10));

        var outcome = CrnProcess.Run("vivid", "--photos", scenes.Photos, "--output", scenes.Output);

        outcome.AssertSucceeded();
        Assert.Equal($"2 photos in {scenes.Output}", outcome.Output[^1]);
        Assert.Equal(["scene0.png", "scene1.png"], Directory.GetFiles(scenes.Output).Select(Path.GetFileName).Order());
        using var photo = ImageFile.Load(Path.Combine(scenes.Output, "scene0.png"));
        Assert.Equal((20, 10), (photo.Width, photo.Height));
        Assert.Equal(181, photo.Pixels[0]); // 128, as the authors' formula maps it
    }

    [Fact]
    public void A_model_remembers_that_it_learned_from_vivid_photos()
    {
        using var scenes = new Scenes(count: 2);

        scenes.Train("--vivid", "--sample-count", "0").AssertSucceeded();

        using var model = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(scenes.Model, out _);
        Assert.Equal(PhotoPreprocessing.Vivid, model.Training.PhotoPreprocessing);
    }

    [Fact]
    public void The_sample_sheet_shows_photos_in_the_tones_that_are_learned()
    {
        using var scenes = new Scenes(count: 1);
        Scenes.Save(scenes.Photo(0), Scenes.Draw((_, _) => Scenes.Gray(128)));

        scenes.Train("--vivid").AssertSucceeded();

        using var sheet = ImageFile.Load(Path.Combine(scenes.Output, "model.samples.png"));
        Assert.Equal(181, sheet.Pixels[4 * (sheet.Height / 2 * sheet.Width + sheet.Width / 2)]);
    }

    [Fact]
    public void Does_not_overwrite_the_photos()
    {
        using var scenes = new Scenes(count: 1);
        CrnProcess.Run("vivid", "--photos", scenes.Photos, "--output", scenes.Photos).AssertFailed("--output", scenes.Photos);
    }
}
