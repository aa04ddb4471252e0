using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using CrnMlNet.Cli.Comparisons;

namespace CrnMlNet.Cli.Tests;

/// <summary><c>crn compare</c>, with systems that learn for a few steps.</summary>
public partial class CompareTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public void A_comparison_that_was_killed_goes_on_and_its_page_has_what_was_measured()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("Windows has no kill -KILL.");
        using var scenes = new Scenes();
        string folder = scenes.In("comparison");
        string[] command = Arguments(scenes, "--recipes", "crn,crn-diverse", "--epochs", "2");

        KillWhen(() => File.Exists(Path.Combine(folder, "crn", "trained.json")));
        KillWhen(() => File.Exists(Path.Combine(folder, "crn", "cost.json")));
        var last = CrnProcess.Run(command);
        last.AssertSucceeded();
        Assert.Contains(last.Output, line => line.StartsWith("2 of 2 systems compared: ", StringComparison.Ordinal));

        string log = File.ReadAllText(Path.Combine(folder, "crn", "log.txt"));
        Assert.Single(CrnTrain().Matches(log)); // it was not trained again
        var cost = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "crn", "cost.json")))!;
        Assert.Equal((12, 2), ((int)cost["steps"]!, cost["lossByEpoch"]!.AsArray().Count));

        string page = File.ReadAllText(Path.Combine(folder, "index.html"));
        // The numbers in the table are those of 'crn evaluate', to the digits shown.
        foreach (string recipe in new[] { "crn", "crn-diverse" })
        {
            var evaluation = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, recipe, "evaluation.json")))!["synthesized"]!;
            var row = Row(page, recipe);
            Assert.Equal((double)evaluation["voidIgnored"]!["scores"]!["meanIoU"]! * 100, row[0], 0.051);
            Assert.Equal((double)evaluation["slicedWasserstein"]!, row[2], 0.051);
            Assert.Equal((double)evaluation["psnr"]!, row[7], 0.0051);
        }
        // For each of 2 layouts: the layout, the photo, one of each system; then the layout and nine photos of the diverse one. Nothing from elsewhere.
        Assert.Equal(2 * (1 + 1 + 2) + 2 * (1 + 9), DataImage().Count(page));
        Assert.DoesNotMatch("(src|href)=\"(?!data:)", page);

        void KillWhen(Func<bool> reached)
        {
            using var process = CrnProcess.Start(command);
            var clock = Stopwatch.StartNew();
            while (!reached())
            {
                Assert.True(clock.Elapsed < Patience, "was not reached");
                Thread.Sleep(20);
            }
            process.Signal("KILL");
            process.WaitForEnd();
            while (OperatingSystem.IsLinux() && RunningIn(folder) is { } left)
            {
                Assert.True(clock.Elapsed < Patience, $"outlived the comparison: {left}");
                Thread.Sleep(20);
            }
        }
    }

    [Fact]
    public void A_system_that_fails_is_reported_and_holds_up_no_other()
    {
        using var scenes = new Scenes(3);
        Directory.CreateDirectory(scenes.In("comparison/image-space/model.zip")); // there can be no model
        var outcome = CrnProcess.Run(Arguments(scenes, "--recipes", "image-space,crn", "--epochs", "1"));

        outcome.AssertSucceeded();
        Assert.Contains(outcome.Output, line => line.StartsWith("image-space: training failed, the others go on: --output '", StringComparison.Ordinal));
        Assert.Contains(outcome.Output, line => line.StartsWith("1 of 2 systems compared: ", StringComparison.Ordinal));
        string page = File.ReadAllText(scenes.In("comparison/index.html"));
        Assert.Contains("<b>image-space</b> failed: --output", page, StringComparison.Ordinal);
        Assert.NotEmpty(Row(page, "crn"));
    }

    [Fact]
    public void Another_comparison_in_the_same_folder_is_refused_with_what_differs()
    {
        using var scenes = new Scenes(3);
        Directory.CreateDirectory(scenes.In("comparison"));
        var plan = new ComparisonPlan
        {
            Recipes = ["crn"],
            Labels = "l",
            Photos = "p",
            ValidationLabels = "vl",
            ValidationPhotos = "vp",
            Palette = "camvid",
            UnknownLabels = UnknownLabelPolicy.Error,
            Height = 32,
            Width = 48,
            WidthFactor = 0.125,
            Seconds = null,
            Epochs = 1,
            SegmenterEpochs = 1,
            Seed = 0,
            Layouts = 1,
        };
        plan.Settle(scenes.In("comparison"));
        plan.Settle(scenes.In("comparison"));
        var refused = Assert.Throws<InvalidOperationException>(() => (plan with { Height = 64 }).Settle(scenes.In("comparison")));
        Assert.Contains("in which height was 32 and not 64. Name another folder, or add --fresh", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Time_and_epochs_exclude_each_other_and_recipes_are_known() => Assert.Multiple(
        () => CrnProcess.Run("compare", "--labels", "l", "--photos", "p", "--validation-labels", "l", "--validation-photos", "p", "--output", "o", "--time", "1m", "--epochs", "1")
            .AssertFailed("Give --time or --epochs; one of them."),
        () => CrnProcess.Run("compare", "--labels", "l", "--photos", "p", "--validation-labels", "l", "--validation-photos", "p", "--output", "o", "--recipes", "crn,spade")
            .AssertFailed("There is no recipe 'spade'. There are: crn, image-space,"));

    [Fact]
    public void A_loss_curve_is_logarithmic_from_the_highest_to_the_lowest()
    {
        // 100, 10, 1: equal steps down. The field is 46 to 254 wide and 6 to 102 high.
        var svg = XElement.Parse(LossCurve.Svg([100, 10, 1]));
        Assert.Equal("46.0,6.0 150.0,54.0 254.0,102.0", svg.Element("polyline")!.Attribute("points")!.Value.Trim());
        Assert.Equal("46.0,6.0 254.0,102.0", XElement.Parse(LossCurve.Svg([100, double.NaN, 1])).Element("polyline")!.Attribute("points")!.Value.Trim());
    }

    private static string[] Arguments(Scenes scenes, params string[] more) =>
    [
        "compare", "--labels", scenes.Labels, "--photos", scenes.Photos, "--validation-labels", scenes.Labels, "--validation-photos", scenes.Photos,
        "--output", scenes.In("comparison"), "--height", "32", "--width", "48", "--width-factor", "0.015625", "--segmenter-epochs", "1", "--layouts", "2", .. more,
    ];

    /// <summary>The numbers in a system's row of the first table.</summary>
    private static double[] Row(string page, string recipe)
    {
        string row = Regex.Match(page, $"<tr><th scope=\"row\"[^>]*>{Regex.Escape(recipe)}</th>(.*?)</tr>").Groups[1].Value;
        return [.. Regex.Matches(row, "<td[^>]*>(?:<b>)?(-?[0-9.e+-]+)").Select(cell => double.Parse(cell.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture))];
    }

    /// <summary>The command line of a crn process that works in a folder.</summary>
    private static string? RunningIn(string folder) => Directory.GetDirectories("/proc").Select(CommandLine).FirstOrDefault(line => line is not null && line.Contains(folder, StringComparison.Ordinal));

    private static string? CommandLine(string process)
    {
        try
        {
            return File.Exists(Path.Combine(process, "cmdline")) ? File.ReadAllText(Path.Combine(process, "cmdline")) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // it has just ended
        }
    }

    [GeneratedRegex("^\\$ crn train ", RegexOptions.Multiline)]
    private static partial Regex CrnTrain();

    [GeneratedRegex("src=\"data:image/png;base64,")]
    private static partial Regex DataImage();
}
