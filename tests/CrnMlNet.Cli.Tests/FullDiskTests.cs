namespace CrnMlNet.Cli.Tests;

/// <summary>A small file system of its own is filled: Linux with unprivileged mounts only.</summary>
public class FullDiskTests
{
    [Fact]
    public void A_disk_without_room_for_the_model_is_noticed_before_training()
    {
        using var scenes = new Scenes();
        var outcome = OnSmallDisk(scenes, "16k", Crn(scenes));
        outcome.AssertFailed(scenes.Output, "MB free", "needs");
        Assert.DoesNotContain(outcome.Output, line => line.StartsWith("Reading", StringComparison.Ordinal));
    }

    [Fact]
    public void A_disk_that_fills_up_while_training_ends_in_one_line_and_leaves_at_most_checkpoints()
    {
        using var scenes = new Scenes();
        string log = scenes.In("log"), filler = Path.Combine(scenes.Output, "filler");
        var outcome = OnSmallDisk(scenes, "8m",
            $"{Crn(scenes)} >'{log}' & until grep -qs 'Training a ' '{log}'; do sleep 0.02; done; cat /dev/zero >'{filler}' 2>/dev/null; "
            + $"wait $!; code=$?; rm '{filler}'; ls -A '{scenes.Output}'; exit $code");
        outcome.AssertFailed(scenes.Model, "No space left on device");
        Assert.DoesNotContain(outcome.Output, name => name != "model.zip.checkpoints");
    }

    [Fact]
    public void A_disk_that_fills_up_while_painting_ends_in_one_line_and_leaves_whole_photos()
    {
        using var scenes = new Scenes();
        scenes.Train("--sample-count", "0").AssertSucceeded();
        string model = scenes.In("model.zip"), kept = scenes.In("kept"), maps = scenes.In("maps");
        File.Move(scenes.Model, model);
        Directory.CreateDirectory(kept);
        Directory.CreateDirectory(maps);
        for (int i = 0; i < 200; i++)
            File.Copy(scenes.Label(i % 6), Path.Combine(maps, $"{i}.png"));
        var outcome = OnSmallDisk(scenes, "256k",
            $"'{CrnProcess.Executable}' synthesize --model '{model}' --labels '{maps}' --output '{scenes.Output}'; code=$?; cp '{scenes.Output}'/* '{kept}'; exit $code");
        outcome.AssertFailed(scenes.Output, "cannot be written", "No space left on device");
        Assert.Empty(Directory.GetFiles(kept, "*.tmp"));
        string[] photos = Directory.GetFiles(kept, "*.png");
        Assert.InRange(photos.Length, 1, 199);
        Assert.All(photos, photo => ImageFile.Load(photo).Dispose());
        CrnProcess.Run("synthesize", "--model", model, "--labels", maps, "--output", kept).AssertSucceeded();
        Assert.Equal(200, Directory.GetFiles(kept, "*.png").Length);
    }

    private static string Crn(Scenes scenes)
        => string.Join(' ', scenes.TrainArguments("--sample-count", "0").Prepend(CrnProcess.Executable).Select(argument => $"'{argument}'"));

    private static Outcome OnSmallDisk(Scenes scenes, string size, string script)
    {
        string mount = $"mount -t tmpfs -o size={size} none '{scenes.Output}'";
        if (!OperatingSystem.IsLinux() || CrnProcess.RunOther("unshare", "-rm", "sh", "-c", mount).ExitCode != 0)
            Assert.Skip("No file system can be mounted here.");
        return CrnProcess.RunOther("unshare", "-rm", "sh", "-c", $"{mount}; {script}");
    }
}
