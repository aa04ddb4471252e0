using Microsoft.ML;

namespace CrnMlNet.Cli.Tests;

public class TrainTests(TrainedModel model) : IClassFixture<TrainedModel>
{
    [Fact]
    public void Writes_a_model_that_ML_NET_loads_and_a_sample_sheet_and_nothing_else()
    {
        Assert.Equal([model.Samples, model.Path], model.Files);
        using var loaded = Assert.IsType<SynthesizeFromLabelsTransformer>(new MLContext().Model.Load(model.Path, out _));
        Assert.Equal((32, 48, 12), (loaded.Architecture.Height, loaded.Architecture.Width, loaded.Architecture.Channels));
        Assert.Equal((6, 6L, false), (loaded.Training.Pairs, loaded.Training.Steps, loaded.Training.Stopped));
    }

    [Fact]
    public void The_sample_sheet_has_three_columns_and_a_row_for_each_pair_with_label_colours_at_the_left()
    {
        using var sheet = ImageFile.Load(model.Samples);
        // 1200 / (3 * 48) allows a scale of 8: cells of 384 x 256 with gaps of 4.
        Assert.Equal((3 * 384 + 2 * 4, 3 * 256 + 2 * 4), (sheet.Width, sheet.Height));
        var skyOfCamVid = LabelPalette.CamVid.Classes[0].Color;
        Assert.Equal([skyOfCamVid.B, skyOfCamVid.G, skyOfCamVid.R], sheet.Pixels[..3].ToArray());
    }

    [Fact]
    public void Tells_pairs_progress_and_where_things_are()
    {
        Assert.Contains("Reading: 6/6", model.Outcome.Output);
        Assert.Contains(model.Outcome.Output, line => line.StartsWith("Training: 6/6  epoch 1/1  loss ", StringComparison.Ordinal) && line.EndsWith(" left", StringComparison.Ordinal));
        Assert.Contains(model.Outcome.Output, line => line.StartsWith("Trained 6 steps in ", StringComparison.Ordinal) && line.EndsWith(model.Path, StringComparison.Ordinal));
        Assert.Equal($"Samples (label | photo | synthesized): {model.Samples}", model.Outcome.Output[^1]);
    }

    [Fact]
    public void Replaces_an_older_model_and_writes_no_sheet_when_none_is_wanted()
    {
        using var scenes = new Scenes();
        File.WriteAllText(scenes.Model, "old");
        scenes.Train("--sample-count", "0").AssertSucceeded();
        Assert.Equal([scenes.Model], Directory.EnumerateFileSystemEntries(scenes.Output));
        Assert.True(new FileInfo(scenes.Model).Length > 10_000);
    }

    [Fact]
    public void Learns_from_colour_labels_with_unknown_ones_as_void()
    {
        using var scenes = new Scenes();
        for (int i = 0; i < 6; i++)
            Scenes.Save(scenes.Label(i), Scenes.Draw((x, y) => x < 3 ? ((byte)1, (byte)2, (byte)3) : ((byte)128, (byte)64, (byte)128)));
        scenes.Train().AssertFailed("scene0.png", "(0, 0)", "#010203", "--unknown-labels void");
        scenes.AssertNothingWritten();
        scenes.Train("--unknown-labels", "void").AssertSucceeded();
    }
}
