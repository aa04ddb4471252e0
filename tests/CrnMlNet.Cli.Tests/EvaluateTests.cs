using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace CrnMlNet.Cli.Tests;

public class EvaluateTests(TrainedModel model) : IClassFixture<TrainedModel>
{
    [Fact]
    public void A_table_compares_the_model_with_flat_painting()
    {
        using var scenes = new Scenes();

        var outcome = CrnProcess.Run("evaluate", "--model", model.Path, "--labels", scenes.Labels, "--photos", scenes.Photos);

        Assert.Equal(ExitCode.Success, outcome.ExitCode);
        Assert.Empty(outcome.Errors);
        Assert.Contains(outcome.Output, line => line.Contains("6 pairs at 32x48"));
        Assert.Contains(outcome.Output, line => line.Contains("Sliced Wasserstein"));
        Assert.Contains(outcome.Output, line => line.Contains("MS-SSIM"));
        Assert.Contains(outcome.Output, line => line.Contains("PSNR"));
    }

    [Fact]
    public void A_second_table_tells_what_several_photos_of_a_layout_are_worth()
    {
        using var scenes = new Scenes();
        scenes.Train("--images-per-layout", "3", "--sample-count", "0").AssertSucceeded();

        var outcome = CrnProcess.Run("evaluate", "--model", scenes.Model, "--labels", scenes.Labels, "--photos", scenes.Photos);

        outcome.AssertSucceeded();
        double[] best = [.. Enumerable.Range(1, 3).Select(count => outcome.Output.Single(line => line.Contains($"The best of {count} ") && !line.Contains("photos")))
            .Select(line => double.Parse(line.Split('│')[2], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.True(best[0] < best[1] && best[1] < best[2], string.Join(' ', best));
        Assert.Matches("Two photos of a layout differ by [1-9][0-9]*[.][0-9] gray levels", string.Join(' ', outcome.Output.Select(line => line.Trim())));
        Assert.DoesNotContain(CrnProcess.Run("evaluate", "--model", model.Path, "--labels", scenes.Labels, "--photos", scenes.Photos).Output, line => line.Contains("The best of"));
    }

    [Fact]
    public void A_segmenter_and_training_photos_add_what_needs_them()
    {
        using var scenes = new Scenes();
        string segmenter = Path.Combine(scenes.Output, "segmenter.safetensors");
        var trained = CrnProcess.Run(
            "train-segmenter", "--labels", scenes.Labels, "--photos", scenes.Photos, "--output", segmenter, "--height", "32", "--width", "48", "--epochs", "2", "--validation-share", "0.3");
        trained.AssertSucceeded();
        Assert.Contains(trained.Output, line => line.Contains("On 2 validation pairs"));
        Assert.Contains(trained.Output, line => line.Contains("Mean IoU"));
        Assert.Contains(trained.Output, line => line.Contains($"Saved CrnSeg ") && line.Contains("11 classes, 4 pairs at 32x48"));

        var outcome = CrnProcess.Run(
            "evaluate", "--model", model.Path, "--labels", scenes.Labels, "--photos", scenes.Photos, "--segmenter", segmenter, "--training-photos", scenes.Photos, "--json");

        outcome.AssertSucceeded();
        var evaluation = JsonNode.Parse(Assert.Single(outcome.Output))!;
        Assert.Equal((6, 32, 48), ((int)evaluation["pairs"]!, (int)evaluation["height"]!, (int)evaluation["width"]!));
        Assert.InRange((double)evaluation["realVoidIgnored"]!["scores"]!["meanIoU"]!, 0.01, 1);
        Assert.InRange((double)evaluation["synthesized"]!["voidError"]!["pixelAccuracy"]!["high"]!, 0, 1);
        Assert.Equal(11, evaluation["classes"]!.AsArray().Count);
        // Real photos are training photos here.
        Assert.All(evaluation["memorisation"]!["real"]!.AsArray().Select((photo, i) => (photo, i)), nearest => Assert.Equal((nearest.i, 0), ((int)nearest.photo!["photo"]!, Math.Round((double)nearest.photo["distance"]!, 3))));
        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(segmenter)));
        Assert.Equal((hash, hash), ((string)evaluation["protocol"]!["segmenterHash"]!, (string)evaluation["protocol"]!["extractorHash"]!));
        Assert.StartsWith("CrnSeg ", (string)evaluation["protocol"]!["extractor"]!);
    }

    [Fact]
    public void A_folder_of_photos_is_as_good_as_the_model_that_painted_them()
    {
        using var scenes = new Scenes();
        scenes.Synthesize(model.Path, scenes.Labels).AssertSucceeded();
        string[] pairs = ["--labels", scenes.Labels, "--photos", scenes.Photos, "--resamples", "50", "--json"];

        var ofModel = JsonNode.Parse(Assert.Single(CrnProcess.Run(["evaluate", "--model", model.Path, .. pairs]).Output))!;
        var ofFolder = JsonNode.Parse(Assert.Single(CrnProcess.Run(["evaluate", "--synthesized", scenes.Output, .. pairs]).Output))!;
        var withoutLabels = JsonNode.Parse(Assert.Single(CrnProcess.Run("evaluate", "--synthesized", scenes.Output, "--photos", scenes.Photos, "--json").Output))!;

        AssertNear(ofModel["synthesized"], ofFolder["synthesized"]);
        AssertNear(ofModel["flatPainting"], ofFolder["flatPainting"]);
        Assert.Null(withoutLabels["flatPainting"]);
        Assert.Equal((double)ofModel["synthesized"]!["psnr"]!, (double)withoutLabels["synthesized"]!["psnr"]!);
    }

    [Fact]
    public void Real_photos_differ_from_themselves_in_nothing_and_what_is_infinite_is_null()
    {
        using var scenes = new Scenes();

        var outcome = CrnProcess.Run("evaluate", "--synthesized", scenes.Photos, "--photos", scenes.Photos, "--json");

        outcome.AssertSucceeded();
        var synthesized = JsonNode.Parse(Assert.Single(outcome.Output))!["synthesized"]!;
        Assert.Null(synthesized["psnr"]);
        Assert.Equal((0, 0), ((double)synthesized["slicedWasserstein"]!, (double)synthesized["perceptualDistance"]!));
    }

    [Theory]
    [InlineData("one of them")]
    [InlineData("one of them", "--model", "MODEL", "--synthesized", "PHOTOS")]
    [InlineData("--labels", "--model", "MODEL")]
    [InlineData("does not exist", "--synthesized", "nowhere")]
    [InlineData("no photo 'scene0'", "--synthesized", "ALONE")]
    [InlineData("go together", "--synthesized", "PHOTOS", "--lpips-trunk", "trunk.pth")]
    [InlineData("segmentation network 'nowhere'", "--synthesized", "PHOTOS", "--segmenter", "nowhere")]
    [InlineData("Inception network, 'nowhere', does not exist", "--synthesized", "PHOTOS", "--features", "nowhere")]
    [InlineData("folder of the photos, 'nowhere'", "--synthesized", "PHOTOS", "--training-photos", "nowhere")]
    [InlineData("-1", "--synthesized", "PHOTOS", "--resamples", "-1")]
    public void What_does_not_go_together_is_one_line(string part, params string[] arguments)
    {
        using var scenes = new Scenes();
        string alone = Directory.CreateDirectory(scenes.In("alone")).FullName;
        File.Copy(scenes.Photo(1), Path.Combine(alone, Path.GetFileName(scenes.Photo(1))));
        string[] given = [.. arguments.Select(argument => argument switch { "MODEL" => model.Path, "PHOTOS" => scenes.Photos, "ALONE" => alone, _ => argument })];

        CrnProcess.Run(["evaluate", "--photos", scenes.Photos, .. given]).AssertFailed(part);
    }

    [Fact]
    public void Photos_of_other_sizes_and_numbers_are_named()
    {
        using var scenes = new Scenes();
        scenes.Synthesize(model.Path, scenes.Labels).AssertSucceeded();
        Scenes.Save(Path.Combine(scenes.Output, "scene4.png"), Scenes.Draw((_, _) => (1, 2, 3), width: 50, height: 32));
        Evaluate().AssertFailed("scene4.png", "50x32", "48x32");
        File.Copy(Path.Combine(scenes.Output, "scene3.png"), Path.Combine(scenes.Output, "scene4.png"), overwrite: true);
        File.Copy(Path.Combine(scenes.Output, "scene3.png"), Path.Combine(scenes.Output, "scene2.1.png"));
        Evaluate().AssertFailed("1 photos", "and 2", "scene2.png");
        File.Move(Path.Combine(scenes.Output, "scene2.1.png"), Path.Combine(scenes.Output, "other.png"));
        Evaluate().AssertFailed("other.png", "belongs to no photo");

        Outcome Evaluate() => CrnProcess.Run("evaluate", "--synthesized", scenes.Output, "--photos", scenes.Photos);
    }

    [Fact]
    public void A_missing_partner_is_named()
    {
        using var scenes = new Scenes();
        File.Delete(scenes.Photo(2));

        var outcome = CrnProcess.Run("evaluate", "--model", model.Path, "--labels", scenes.Labels, "--photos", scenes.Photos);

        Assert.Equal(ExitCode.Failure, outcome.ExitCode);
        Assert.Contains("scene2", Assert.Single(outcome.Errors));
    }

    /// <summary>The same but for the last digits, which depend on the order in which threads add up.</summary>
    private static void AssertNear(JsonNode? expected, JsonNode? actual)
    {
        switch (expected)
        {
            case JsonObject objects:
                Assert.Equal(objects.Select(property => property.Key), actual!.AsObject().Select(property => property.Key));
                Assert.All(objects, property => AssertNear(property.Value, actual[property.Key]));
                break;
            case JsonArray array:
                Assert.Equal(array.Count, actual!.AsArray().Count);
                Assert.All(array.Select((element, i) => (element, i)), entry => AssertNear(entry.element, actual[entry.i]));
                break;
            case JsonValue value when value.TryGetValue(out double number):
                Assert.Equal(number, actual!.GetValue<double>(), 1e-6 * Math.Max(1, Math.Abs(number)));
                break;
            default:
                Assert.True(JsonNode.DeepEquals(expected, actual), $"{expected} {actual}");
                break;
        }
    }
}
