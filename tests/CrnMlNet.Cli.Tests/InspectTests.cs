using System.Text.Json;

namespace CrnMlNet.Cli.Tests;

public class InspectTests(TrainedModel model) : IClassFixture<TrainedModel>
{
    [Fact]
    public void Tells_formats_classes_and_what_to_type_next()
    {
        using var scenes = new Scenes();

        var outcome = CrnProcess.Run("inspect", scenes.Labels, "--photos", scenes.Photos, "--palette", "camvid");

        outcome.AssertSucceeded();
        Assert.Contains(outcome.Output, line => line.StartsWith("Label images", StringComparison.Ordinal) && line.EndsWith($"6 in {scenes.Labels}", StringComparison.Ordinal));
        Assert.Contains(outcome.Output, line => line.Contains("60x40: 6"));
        Assert.Contains(outcome.Output, line => line.Contains("camvid, read by id: has all values, 3 of its 11 classes occur"));
        Assert.Contains(outcome.Output, line => line.Contains("cityscapes would do, too") && line.Contains("look at a photo"));
        Assert.Contains(outcome.Output, line => line.Contains("sky") && line.Contains("###"));
        Assert.Equal($"  crn train --labels {scenes.Labels} --photos {scenes.Photos} --palette camvid --output model.zip", outcome.Output[^1]);
    }

    [Fact]
    public void What_would_end_a_training_ends_with_1_and_in_training_it_does()
    {
        using var scenes = new Scenes();
        Scenes.Save(scenes.Label(3), Scenes.Draw((x, y) => Scenes.Gray((byte)((x, y) == (7, 5) ? 77 : 3))));
        File.Delete(scenes.Photo(4));

        var outcome = CrnProcess.Run("inspect", scenes.Labels, "--photos", scenes.Photos, "--palette", "camvid");

        Assert.Equal((ExitCode.Failure, 0), (outcome.ExitCode, outcome.Errors.Length));
        Assert.Contains(outcome.Output, line => line.Contains("lacks id 77: 1 pixels") && line.Contains("(7, 5)") && line.Contains("scene3.png"));
        Assert.Contains(outcome.Output, line => line.Contains("1 label image ('scene4')"));
        Assert.Contains("--unknown-labels void", outcome.Output[^1]);
        Assert.Equal(ExitCode.Failure, scenes.Train().ExitCode);
    }

    [Fact]
    public void Json_is_one_document()
    {
        using var scenes = new Scenes(count: 2);

        var outcome = CrnProcess.Run("inspect", scenes.Labels, "--palette", "camvid", "--json");

        outcome.AssertSucceeded();
        using var json = JsonDocument.Parse(string.Join('\n', outcome.Output));
        Assert.Equal(2, json.RootElement.GetProperty("images").GetInt32());
        Assert.Equal("camvid", json.RootElement.GetProperty("palette").GetString());
        Assert.Equal([0, 3, 8], json.RootElement.GetProperty("values").EnumerateArray().Select(value => value.GetProperty("id").GetInt32()));
        Assert.Equal("car", json.RootElement.GetProperty("values")[2].GetProperty("class").GetString());
        Assert.Equal(0, json.RootElement.GetProperty("problems").GetArrayLength());
    }

    [Fact]
    public void Of_a_model_it_tells_network_palette_and_training()
    {
        var outcome = CrnProcess.Run("inspect", model.Path);

        outcome.AssertSucceeded();
        Assert.Contains(outcome.Output, line => line.Contains("photos of 32x48"));
        Assert.Contains(outcome.Output, line => line.Contains("camvid: 0 sky, 1 building"));
        Assert.Contains(outcome.Output, line => line.Contains("6 pairs, 6 steps"));
        Assert.Contains(outcome.Output, line => line.Contains("Layer"));

        var json = CrnProcess.Run("inspect", model.Path, "--json");
        json.AssertSucceeded();
        using var document = JsonDocument.Parse(string.Join('\n', json.Output));
        Assert.Equal(48, document.RootElement.GetProperty("network").GetProperty("width").GetInt32());
        Assert.Equal("sky", document.RootElement.GetProperty("palette").GetProperty("classes")[0].GetProperty("name").GetString());
        Assert.Equal(6, document.RootElement.GetProperty("training").GetProperty("steps").GetInt32());
        Assert.Single(document.RootElement.GetProperty("training").GetProperty("lossByEpoch").EnumerateArray());
    }

    [Fact]
    public void What_is_not_there_is_named() => CrnProcess.Run("inspect", "no-such-folder").AssertFailed("no-such-folder");
}
