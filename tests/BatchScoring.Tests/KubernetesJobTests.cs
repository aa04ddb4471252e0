using System.Globalization;
using System.Text.RegularExpressions;

namespace BatchScoring.Tests;

/// <summary>The Job of Kubernetes: what its pods would do, with the variables that Kubernetes sets.</summary>
public partial class KubernetesJobTests
{
    private static readonly string Job = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "samples", "BatchScoring", "kubernetes-job.yaml"));

    [Fact]
    public void Its_pods_paint_each_map_once()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command is run by a POSIX shell.");
        int completions = int.Parse(Completions().Match(Job).Groups[1].Value, CultureInfo.InvariantCulture);
        string count = Variable().Match(Job).Groups["value"].Value;
        Assert.Equal("CRN_SHARD_COUNT", Variable().Match(Job).Groups["name"].Value);
        string command = $"{Command().Match(Job).Groups[1].Value} {Arguments().Match(Job).Groups[1].Value}".Replace(",", "", StringComparison.Ordinal);
        Assert.Contains("--labels /data/maps", command);

        using var streets = new Streets(maps: 60);
        var painted = new List<string>();
        for (int index = 0; index < completions; index++)
        {
            Shell.Run(streets.Path, command.Replace("/data", streets.Path, StringComparison.Ordinal), ("JOB_COMPLETION_INDEX", $"{index}"), ("CRN_SHARD_COUNT", count));
            painted.AddRange(streets.Manifest($"photos/manifest.{index}-of-{completions}.csv").Keys);
        }

        Assert.Equal(Enumerable.Range(0, 60).Select(i => $"{i:D3}.png"), painted.Order());
        Assert.Equal(painted.Order(), streets.Photos("photos").Keys.Order());
    }

    [GeneratedRegex(@"^  completions: (\d+)$", RegexOptions.Multiline)]
    private static partial Regex Completions();

    [GeneratedRegex("- name: (?<name>CRN_[A-Z_]+)\n +value: \"(?<value>\\d+)\"")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^ +command: \[(.+)\]$", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(@"^ +args: \[(.+)\]$", RegexOptions.Multiline)]
    private static partial Regex Arguments();
}
