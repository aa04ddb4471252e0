namespace CrnMlNet.Cli.Tests;

/// <summary>Label files whose ids an 8-bit picture would lose: training, painting and measuring read them all.</summary>
public class LabelFileTests
{
    private const string WidePalette =
        """
        { "classes": [ { "name": "sky", "color": "#4682b4", "id": 1000 }, { "name": "road", "color": "#804080", "id": 65535 }, { "name": "car", "color": "#00008e", "id": 7 } ] }
        """;

    [Fact]
    public void Gray_files_of_16_bits()
    {
        using var scenes = new Scenes();
        File.WriteAllText(scenes.In("wide.json"), WidePalette);
        for (int i = 0; i < 6; i++)
            PngWriter.WriteNumbers(scenes.Label(i), Scenes.Width, Scenes.Height, 16, Numbers(i, id => id switch { 0 => 1000, 3 => 65535, _ => 7 }));

        Check(scenes, "labels are read as Index", "--palette", scenes.In("wide.json"));
    }

    [Fact]
    public void Palette_files_by_their_indices()
    {
        using var scenes = new Scenes();
        for (int i = 0; i < 6; i++)
            PngWriter.WriteNumbers(scenes.Label(i), Scenes.Width, Scenes.Height, 4, Numbers(i, id => id), palette: [.. Enumerable.Range(1, 48).Select(value => (byte)(5 * value))]);

        Check(scenes, "labels are read as PaletteIndex");
    }

    [Fact]
    public void An_id_of_16_bits_that_the_palette_lacks()
    {
        using var scenes = new Scenes();
        PngWriter.WriteNumbers(scenes.Label(3), Scenes.Width, Scenes.Height, 16, Numbers(3, id => (ushort)(id == 8 ? 300 : id)));

        scenes.Train().AssertFailed("row 3", scenes.Label(3), "(16, 19)", "id 300", "camvid");
        scenes.AssertNothingWritten();
    }

    private static void Check(Scenes scenes, string encoding, params string[] more)
    {
        var trained = scenes.Train(more);
        trained.AssertSucceeded();
        Assert.Contains(trained.Output, line => line.Contains(encoding, StringComparison.Ordinal));
        scenes.Synthesize(scenes.Model, scenes.Labels).AssertSucceeded();
        Assert.True(File.Exists(Path.Combine(scenes.Output, "scene5.png")));
        var measured = CrnProcess.Run("evaluate", "--model", scenes.Model, "--labels", scenes.Labels, "--photos", scenes.Photos);
        measured.AssertSucceeded();
        Assert.Contains(measured.Output, line => line.Contains("6 pairs at 32x48"));
    }

    private static ushort[] Numbers(int scene, Func<byte, ushort> number)
        => [.. Enumerable.Range(0, Scenes.Width * Scenes.Height).Select(i => number(Scenes.IdAt(i % Scenes.Width, i / Scenes.Width, scene)))];
}
