using CrnMlNet.Evaluation.Studies;

namespace CrnMlNet.Evaluation.Tests.Studies;

public class StudyDesignTests
{
    private static readonly StudyDesign Unlimited = new() { Comparisons = [new("crn", "gan")], Sentinels = [new("real", "gan")] };

    private static readonly StudyDesign Timed = new()
    {
        Comparisons = [new("real", "crn"), new("crn", "gan"), new("real", "gan")],
        Times = StudyDesign.PaperTimes,
        Sentinels = [new("real", "l1")],
    };

    [Fact]
    public void The_authors_unlimited_design_comes_out_with_their_numbers() // automate.m: 5 HITs of 100 pairs and 10 sentinels, each of 500 layouts once
    {
        var study = Studies.LayOut(Unlimited, 500, "real", "crn", "gan");

        Assert.Equal(5, study.Jobs.Count);
        Assert.All(study.Jobs, job => Assert.Equal((100, 10), (job.Count(pair => pair.Obvious is null), job.Count(pair => pair.Obvious is not null))));
        var layouts = study.Jobs.SelectMany(job => job).Where(pair => pair.Obvious is null).Select(pair => Studies.LayoutOf(study, pair)).ToArray();
        Assert.Equal(500, layouts.Length);
        Assert.Equal(500, layouts.Distinct().Count());
        Assert.False(study.IsTimed);
    }

    [Fact]
    public void The_authors_timed_design_comes_out_with_their_numbers() // automate_timed.m: 10 HITs of 3 pairings x 7 times x 5, and 5 sentinels of 4 s
    {
        var study = Studies.LayOut(Timed, 500, "real", "crn", "gan", "l1");

        Assert.Equal(10, study.Jobs.Count);
        Assert.All(study.Jobs, job =>
        {
            Assert.Equal(110, job.Count);
            Assert.All(job.Where(pair => pair.Obvious is not null), pair => Assert.Equal(4000, pair.Milliseconds));
            Assert.Equal(5, job.Count(pair => pair.Obvious is not null));
            var layouts = job.Where(pair => pair.Obvious is null).Select(pair => Studies.LayoutOf(study, pair)).ToArray();
            Assert.Equal(layouts.Length, layouts.Distinct().Count());
        });
        var cells = study.Jobs.SelectMany(job => job).Where(pair => pair.Obvious is null)
            .GroupBy(pair => (string.Join(':', new[] { Studies.SystemOf(study, pair, Side.Left), Studies.SystemOf(study, pair, Side.Right) }.Order()), pair.Milliseconds)).ToArray();
        Assert.Equal(21, cells.Length);
        Assert.All(cells, cell => Assert.Equal(50, cell.Select(pair => Studies.LayoutOf(study, pair)).Distinct().Count()));
        Assert.Equal(StudyDesign.PaperTimes.Select(time => (int?)time), cells.Select(cell => cell.Key.Milliseconds).Distinct().Order());
    }

    [Fact]
    public void Every_comparison_shows_every_layout_also_where_jobs_do_not_divide_them()
    {
        var study = Studies.LayOut(Unlimited with { Comparisons = [new("crn", "gan"), new("crn", "real"), new("gan", "real")], PairsPerJob = 20 }, 31, "real", "crn", "gan");

        Assert.Single(study.Jobs.Select(job => job.Count).Distinct());
        var shown = study.Jobs.SelectMany(job => job).Where(pair => pair.Obvious is null)
            .Select(pair => (Studies.LayoutOf(study, pair), string.Join(':', new[] { Studies.SystemOf(study, pair, Side.Left), Studies.SystemOf(study, pair, Side.Right) }.Order()))).ToArray();
        Assert.Equal(3 * 31, shown.Distinct().Count());
        Assert.InRange(shown.Length, 3 * 31, 3 * 31 + 3 * study.Jobs.Count);
    }

    [Fact]
    public void The_obvious_side_of_a_sentinel_is_where_its_first_system_is()
    {
        var study = Studies.LayOut(Unlimited, 100, "real", "crn", "gan");

        var sentinels = study.Jobs.SelectMany(job => job).Where(pair => pair.Obvious is not null).ToArray();
        Assert.Equal(10, sentinels.Length);
        Assert.All(sentinels, pair => Assert.Equal("real", Studies.SystemOf(study, pair, pair.Obvious!.Value)));
        Assert.Equal(2, sentinels.Select(pair => pair.Obvious).Distinct().Count());
    }

    [Fact]
    public void Sides_order_and_layouts_are_random_and_follow_the_seed()
    {
        var study = Studies.LayOut(Unlimited, 500, "real", "crn", "gan");
        var pairs = study.Jobs.SelectMany(job => job).ToArray();

        Assert.Equal(Enumerable.Range(0, 550), pairs.Select(pair => pair.Id));
        Assert.InRange(pairs.Count(pair => pair.Obvious is null && Studies.SystemOf(study, pair, Side.Left) == "crn"), 215, 285); // 500/2 +- 3 standard deviations
        int[] places = [.. study.Jobs.SelectMany(job => job.Select((pair, place) => (pair, place)).Where(entry => entry.pair.Obvious is not null).Select(entry => entry.place))];
        Assert.True(places.Min() < 20 && places.Max() >= 90 && places.Distinct().Count() > 25, string.Join(' ', places));
        Assert.NotEqual(Enumerable.Range(0, 500).Select(i => $"scene{i:000}"), pairs.Where(pair => pair.Obvious is null).Select(pair => Studies.LayoutOf(study, pair)));

        Assert.Equal(pairs, Studies.LayOut(Unlimited, 500, "real", "crn", "gan").Jobs.SelectMany(job => job));
        var other = Studies.LayOut(Unlimited with { Seed = 1 }, 500, "real", "crn", "gan");
        Assert.NotEqual(pairs.Select(pair => Studies.LayoutOf(study, pair)), other.Jobs.SelectMany(job => job).Select(pair => Studies.LayoutOf(other, pair)));
    }

    [Fact]
    public void File_names_tell_nothing_and_lead_back_to_their_sources()
    {
        var (study, sources) = Unlimited.LayOut([Studies.System("real", 30, ".JPG"), Studies.System("crn", 30), Studies.System("gan", 30)]);

        Assert.Equal(study.Images.Count, sources.Count);
        Assert.All(study.Images, image =>
        {
            Assert.Matches("^[0-9a-f]{16}[.](png|jpg)$", image.File);
            Assert.Equal($"/photos/{image.System}/{image.Layout}{(image.System == "real" ? ".JPG" : ".png")}", sources[image.File]);
        });
        // Sentinels alone show real photos, and not all of them.
        Assert.Equal(10, study.Images.Count(image => image.System == "real"));
    }

    [Fact]
    public void Systems_of_different_layouts_are_refused_by_name()
    {
        var error = Assert.Throws<ArgumentException>(() => Unlimited.LayOut([Studies.System("real", 5), Studies.System("crn", 7), Studies.System("gan", 5)]));

        Assert.Contains("2 only in 'crn' ('scene005', 'scene006')", error.Message);
    }

    [Theory]
    [InlineData("crn", "cnr", "names 'cnr'")]
    [InlineData("crn", "crn", "with itself")]
    public void A_comparison_that_cannot_be_is_refused(string first, string second, string part)
        => Assert.Contains(part, Assert.Throws<ArgumentException>(() => Studies.LayOut(Unlimited with { Comparisons = [new(first, second)] }, 5, "real", "crn", "gan")).Message);

    [Fact]
    public void Numbers_out_of_their_range_are_refused()
    {
        StudyDesign[] wrong =
        [
            Unlimited with { Times = [0] }, Unlimited with { Times = [60_001] }, Unlimited with { PairsPerJob = 0 }, Unlimited with { Jobs = 0 },
            Unlimited with { Jobs = 10_001 }, Unlimited with { SentinelsPerJob = -1 }, Unlimited with { SentinelsRight = 1.1 }, Unlimited with { Comparisons = [] },
        ];
        Assert.All(wrong, design => Assert.Throws<ArgumentException>(() => Studies.LayOut(design, 5, "real", "crn", "gan")));
        Assert.Throws<ArgumentException>(() => Studies.LayOut(Unlimited, 5, "crn"));
        Assert.Throws<ArgumentException>(() => Studies.LayOut(Unlimited, 5, "real", "crn", "gan", "crn"));
    }
}
