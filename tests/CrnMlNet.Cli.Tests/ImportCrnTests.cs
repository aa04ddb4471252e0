using CrnMlNet.Data;

namespace CrnMlNet.Cli.Tests;

public sealed class ImportCrnTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Prefix => _folder["model.ckpt"];

    private string Model => _folder["model.zip"];

    [Fact]
    public void An_imported_network_paints()
    {
        new AuthorsModel(images: 9).Checkpoint(_ => true).Write(Prefix);
        string labels = _folder["labels"], photos = _folder["photos"];
        Directory.CreateDirectory(labels);
        Scenes.Save(Path.Combine(labels, "scene.png"), Scenes.Draw((x, y) => y < 20 ? ((byte)70, (byte)130, (byte)180) : ((byte)128, (byte)64, (byte)128)));

        var outcome = CrnProcess.Run("import", "crn", Prefix, "--output", Model);

        outcome.AssertSucceeded();
        Assert.Contains(outcome.Output, line => line.StartsWith("Reading: ", StringComparison.Ordinal) && line.Contains("left"));
        Assert.Contains(outcome.Output, line => line.StartsWith("Imported a network of 16x32 with ", StringComparison.Ordinal) && line.Contains("9 image(s) a layout") && line.Contains("Adam's moments"));
        CrnProcess.Run("synthesize", "--model", Model, "--labels", labels, "--output", photos).AssertSucceeded();
        using var photo = ImageFile.Load(Path.Combine(photos, "scene.png"));
        Assert.Equal((16, 32), (photo.Height, photo.Width));
    }

    [Fact]
    public void Weights_alone_make_a_smaller_model()
    {
        new AuthorsModel().Checkpoint(_ => true).Write(Prefix);
        CrnProcess.Run("import", "crn", Prefix + ".index", "--output", Model).AssertSucceeded();

        CrnProcess.Run("import", "crn", Prefix, "--output", _folder["weights.zip"], "--weights-only", "--unknown-labels", "void").AssertSucceeded();

        Assert.InRange(new FileInfo(_folder["weights.zip"]).Length / (double)new FileInfo(Model).Length, 0.25, 0.5);
    }

    [Fact]
    public void What_cannot_be_imported_ends_in_one_line_and_leaves_nothing()
    {
        CrnProcess.Run("import", "crn", Prefix, "--output", Model).AssertFailed(Prefix);
        new AuthorsModel().Checkpoint(_ => true).Write(Prefix);
        CrnProcess.Run("import", "crn", Prefix, "--output", Model, "--palette", "camvid").AssertFailed("20 channels", "'camvid' has 12");
        string data = Prefix + ".data-00000-of-00001";
        using (var file = File.OpenWrite(data))
        {
            file.Position = file.Length / 2;
            file.Write("damage"u8);
        }
        CrnProcess.Run("import", "crn", Prefix, "--output", Model).AssertFailed(data, "damaged: the CRC of variable 'g_");
        File.Delete(data);
        CrnProcess.Run("import", "crn", Prefix, "--output", Model).AssertFailed(data, "must lie beside the index");

        Assert.Equal([Prefix + ".index"], Directory.GetFiles(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();
}
