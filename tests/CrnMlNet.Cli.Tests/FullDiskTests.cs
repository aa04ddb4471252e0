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
            $"{Crn(scenes)} >'{log}' & until grep -q 'Training a ' '{log}'; do sleep 0.02; done; cat /dev/zero >'{filler}' 2>/dev/null; "
            + $"wait $!; code=$?; rm '{filler}'; ls -A '{scenes.Output}'; exit $code");
        outcome.AssertFailed(scenes.Model, "No space left on device");
        Assert.DoesNotContain(outcome.Output, name => name != "model.zip.checkpoints");
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
