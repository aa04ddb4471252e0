namespace CrnMlNet.Cli.Tests;

/// <summary>What a user gets wrong: one line that names file and place, exit code 1, and nothing half-written.</summary>
public class BadInputTests
{
    [Fact]
    public void A_folder_that_is_not_there() => Check(
        scenes => Directory.Delete(scenes.Photos, recursive: true), scenes => [scenes.Photos, "does not exist"]);

    [Fact]
    public void No_pairs() => Check(
        scenes =>
        {
            foreach (var label in Directory.GetFiles(scenes.Labels))
                File.Delete(label);
        },
        scenes => [scenes.Labels, "no label image"]);

    [Fact]
    public void A_missing_partner() => Check(
        scenes => File.Delete(scenes.Photo(2)), scenes => ["1 label image ('scene2')", scenes.Labels, scenes.Photos]);

    [Fact]
    public void A_label_image_that_is_no_image() => Check(
        scenes => File.WriteAllText(scenes.Label(4), "not a picture"), scenes => [scenes.Label(4)]);

    [Fact]
    public void A_truncated_png() => Check(scenes => Truncate(scenes.Photo(2)), scenes => [scenes.Photo(2), "truncated"]);

    [Fact]
    public void A_truncated_jpeg() => Check(scenes => Truncate(scenes.Photo(5)), scenes => [scenes.Photo(5), "truncated"]);

    [Fact]
    public void Label_and_photo_of_different_shape() => Check(
        scenes => Scenes.Save(scenes.Photo(2), Scenes.Draw((_, _) => (1, 2, 3), width: 50, height: 50)),
        scenes => ["row 2", scenes.Photo(2), "50x50", scenes.Label(2), "60x40"]);

    [Fact]
    public void An_id_that_the_palette_lacks() => Check(
        scenes => Scenes.Save(scenes.Label(3), Scenes.Draw((x, y) => Scenes.Gray((byte)((x, y) == (7, 5) ? 77 : 3)))),
        scenes => ["row 3", scenes.Label(3), "(7, 5)", "id 77", "camvid"]);

    [Fact]
    public void A_network_that_no_machine_has_room_for()
    {
        using var scenes = new Scenes();
        scenes.Train("--height", "8192", "--width", "8192", "--width-factor", "1", "--batch-size", "64").AssertFailed("8192x8192", "TiB", "This would fit");
        scenes.AssertNothingWritten();
    }

    [Theory]
    [InlineData("--height", "8", "Height", "16")]
    [InlineData("--epochs", "0", "Epochs", "0")]
    [InlineData("--learning-rate", "2", "learning rate", "2")]
    [InlineData("--palette", "no-such-palette", "no-such-palette", "camvid")]
    [InlineData("--device", "tpu", "tpu", "cpu")]
    [InlineData("--images-per-layout", "65", "64 images", "65")]
    [InlineData("--layer-weights", "papers", "papers", "calibrated, paper, cityscapes-256p")]
    [InlineData("--layer-weights", "cityscapes-256p", "'cityscapes-256p' are the authors' for VGG-19", "frequency filters")]
    [InlineData("--layer-weights", "1,1", "2 layer weights are given, and 6 are needed", "image, texture_1")]
    [InlineData("--samples", "sheet.gif", "sheet.gif", ".png")]
    public void An_option_out_of_its_range(string option, string value, string part, string other)
    {
        using var scenes = new Scenes();
        scenes.Train(option, value).AssertFailed(part, other);
        scenes.AssertNothingWritten();
    }

    [Fact]
    public void An_output_folder_that_is_not_there()
    {
        using var scenes = new Scenes();
        CrnProcess.Run("train", "--labels", scenes.Labels, "--photos", scenes.Photos, "--output", Path.Combine(scenes.Output, "no", "model.zip"))
            .AssertFailed("--output", "does not exist");
        scenes.AssertNothingWritten();
    }

    [Theory]
    [InlineData("train")]
    [InlineData("synthesize", "--model", "model.zip")]
    [InlineData("paint")]
    [InlineData("train", "--labels", "l", "--photos", "p", "--output", "o", "--epochs", "many")]
    public void Wrong_usage_has_its_own_exit_code(params string[] arguments)
    {
        var outcome = CrnProcess.Run(arguments);
        Assert.Equal(ExitCode.Usage, outcome.ExitCode);
        Assert.NotEmpty(outcome.Errors);
    }

    [Theory]
    [InlineData("--help", "crn train --labels")]
    [InlineData("train --help", "[default: 96]")]
    [InlineData("synthesize --help", "crn synthesize --model")]
    [InlineData("--version", "0.")]
    public void Help_and_version_are_no_errors(string arguments, string part)
    {
        var outcome = CrnProcess.Run(arguments.Split(' '));
        outcome.AssertSucceeded();
        Assert.Contains(outcome.Output, line => line.Contains(part, StringComparison.Ordinal));
    }

    private static void Check(Action<Scenes> spoil, Func<Scenes, string[]> parts)
    {
        using var scenes = new Scenes();
        spoil(scenes);
        scenes.Train().AssertFailed(parts(scenes));
        scenes.AssertNothingWritten();
    }

    private static void Truncate(string path)
    {
        var bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..(bytes.Length * 2 / 3)]);
    }
}
