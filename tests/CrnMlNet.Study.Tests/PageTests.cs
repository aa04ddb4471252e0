using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace CrnMlNet.Study.Tests;

public class PageTests(Chromium chromium, ITestOutputHelper output) : IClassFixture<Chromium>
{
    private static readonly string[] Few = ["--jobs", "1", "--pairs", "4", "--sentinels-per-job", "2"];

    [Fact]
    public async Task A_whole_study_is_done_by_keyboard()
    {
        var browser = chromium.Browser;
        using var small = new SmallStudy().CreateUsual(Few);
        using var served = new ServedStudy(small);
        await using var page = await StudyPage.Open(browser, served.Address);
        (string Key, Side Side)[] keys = [("ArrowLeft", Side.Left), ("j", Side.Right), ("f", Side.Left), ("ArrowRight", Side.Right), ("ArrowUp", Side.Left), ("J", Side.Right)];

        await page.Tab.Keyboard.PressAsync("Enter");
        for (int i = 0; i < keys.Length; i++)
        {
            await page.CanChoose(i + 1);
            Assert.Equal(("IMG", "IMG"), (await page.SeenAt("left"), await page.SeenAt("right")));
            await page.Tab.Keyboard.PressAsync(keys[i].Key);
        }
        await page.Comes("done");

        var study = small.Load();
        var answers = AnswerStore.ReadAll(small.Folder);
        string worker = Assert.Single(answers.Select(answer => answer.Worker).Distinct());
        Assert.Matches("^[0-9a-f]{24}$", worker);
        Assert.Equal(study.Jobs[0].Select((pair, i) => new StudyAnswer(worker, pair.Id, keys[i].Side)), answers.OrderBy(answer => answer.Pair));
        page.AssertSound(served.Address);
    }

    [Fact]
    public async Task The_right_images_stand_on_the_right_sides()
    {
        var browser = chromium.Browser;
        using var small = new SmallStudy().CreateUsual(Few);
        using var served = new ServedStudy(small);
        await using var page = await StudyPage.Open(browser, served.Address);
        var pair = small.Load().Jobs[0][0];

        await page.Tab.Locator("#begin").ClickAsync();
        await page.CanChoose(1);

        foreach (var (side, file) in new[] { ("left", pair.Left), ("right", pair.Right) })
            Assert.EndsWith($"/images/{file}", await page.Tab.Locator($"figure[data-side={side}] img").EvaluateAsync<string>("image => image.currentSrc"));
        var (left, right) = (await page.Tab.Locator("figure[data-side=left]").BoundingBoxAsync(), await page.Tab.Locator("figure[data-side=right]").BoundingBoxAsync());
        // The paper's size, side by side.
        Assert.Equal((400, 200, 400, 200), (left!.Width, left.Height, right!.Width, right.Height));
        Assert.Equal(left.Y, right.Y);
        Assert.True(left.X + left.Width < right.X);
    }

    // In which frame images appear and are masked is noted beside the page's own doing. Masking is right when no earlier frame would
    // have been nearer: so the test does not depend on how fast this machine draws.
    [Fact]
    public async Task Images_are_masked_in_the_frame_that_is_nearest_to_their_time()
    {
        const double Frame = 1000.0 / 60;
        var browser = chromium.Browser;
        using var small = new SmallStudy(layouts: 4).CreateUsual("--times", "125,250,1000", "--jobs", "1", "--pairs", "6", "--sentinels-per-job", "0");
        using var served = new ServedStudy(small);
        var job = small.Load().Jobs[0];
        await using var page = await StudyPage.Open(browser, served.Address);

        await page.Tab.Keyboard.PressAsync(" ");
        for (int i = 0; i < job.Count; i++)
        {
            await page.Tab.WaitForFunctionAsync("start => document.body.dataset.state === 'ready' && document.getElementById('status').textContent.startsWith(start)", $"Pair {i + 1} of ");
            Assert.Equal(("CANVAS", "CANVAS"), (await page.SeenAt("left"), await page.SeenAt("right")));
            await page.Tab.Keyboard.PressAsync(" ");
            await page.Tab.WaitForFunctionAsync("() => document.body.dataset.state === 'shown' && document.body.classList.contains('is-masked')");
            Assert.Equal(("CANVAS", "CANVAS"), (await page.SeenAt("left"), await page.SeenAt("right")));
            await page.Tab.WaitForTimeoutAsync(150);
            await page.Tab.Keyboard.PressAsync("f");
        }
        await page.Comes("done");

        var changes = await page.Changes();
        var shown = changes.SkipWhile(change => change.IsMasked).Chunk(2).Select(pair => (From: pair[0].At, To: pair[1].At, LastBefore: pair[1].FrameBefore)).ToArray();
        var answers = AnswerStore.ReadAll(small.Folder).ToDictionary(answer => answer.Pair);
        Assert.Equal(job.Count, shown.Length);
        for (int i = 0; i < job.Count; i++)
        {
            double asked = job[i].Milliseconds!.Value, measured = shown[i].To - shown[i].From;
            output.WriteLine(FormattableString.Invariant($"asked {asked} ms, shown {measured:0.0} ms ({measured - asked:+0.0;-0.0}); the frame before was at {shown[i].LastBefore - shown[i].From:0.0} ms"));
            Assert.True(measured >= asked - Frame / 2 - 0.5, $"{measured} of {asked}");
            Assert.True(shown[i].LastBefore - shown[i].From < asked, $"the frame {shown[i].LastBefore - shown[i].From} ms after {asked} was let pass");
            // What the page tells the server is what was seen of it.
            Assert.Equal(measured, answers[job[i].Id].ShownMilliseconds!.Value, 0.5);
        }
        page.AssertSound(served.Address);
    }

    [Fact]
    public async Task Nothing_is_shown_before_it_is_asked_for_and_keys_that_are_held_choose_once()
    {
        var browser = chromium.Browser;
        using var small = new SmallStudy().CreateUsual([.. Few, "--times", "2000"]);
        using var served = new ServedStudy(small);
        await using var page = await StudyPage.Open(browser, served.Address);

        await page.Tab.Keyboard.PressAsync("Enter");
        await page.Comes("ready");
        await page.Tab.Keyboard.PressAsync("j");
        Assert.True(await page.Tab.Locator(".choice").First.IsDisabledAsync());
        await page.Tab.Locator("#show").ClickAsync();
        await page.CanChoose(1);
        // Who knows before the time is over need not wait. Down without up repeats.
        for (int i = 0; i < 5; i++)
            await page.Tab.Keyboard.DownAsync("j");
        await page.Tab.WaitForFunctionAsync("() => document.body.dataset.state === 'ready' && document.getElementById('status').textContent.startsWith('Pair 2')");

        var answer = Assert.Single(AnswerStore.ReadAll(small.Folder));
        Assert.Equal(Side.Right, answer.Choice);
        Assert.InRange(answer.ShownMilliseconds!.Value, 200, 2000);
    }

    [Fact]
    public async Task A_killed_server_costs_nothing_and_a_reload_goes_on_where_it_was()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no kill -9.");
        var browser = chromium.Browser;
        using var small = new SmallStudy().CreateUsual(Few);
        var first = new ServedStudy(small);
        await using var page = await StudyPage.Open(browser, first.Address);
        await page.Tab.Keyboard.PressAsync("Enter");
        await page.CanChoose(1);
        await page.Tab.Keyboard.PressAsync("f");
        await page.CanChoose(2);

        first.Process.Signal("KILL");
        first.Process.WaitForEnd();
        first.Dispose();
        await page.Tab.Keyboard.PressAsync("f");
        await page.Tab.WaitForFunctionAsync("() => document.getElementById('error').textContent.includes('does not answer')");
        using var served = new ServedStudy(small, "--port", $"{first.Address.Port}");
        await page.CanChoose(3);
        Assert.Equal("", await page.Tab.Locator("#error").TextContentAsync());

        await page.Tab.ReloadAsync();
        await page.Comes("welcome");
        Assert.Contains("You will see 4 pairs", await page.Tab.Locator("#welcome").TextContentAsync());
        await page.Tab.Locator("#begin").ClickAsync();
        for (int i = 3; i <= 6; i++)
        {
            await page.CanChoose(i);
            await page.Tab.Keyboard.PressAsync("f");
        }
        await page.Comes("done");
        var answers = AnswerStore.ReadAll(small.Folder);
        Assert.Equal(6, answers.Count);
        Assert.Single(answers.Select(answer => answer.Worker).Distinct());
        page.AssertSound(served.Address);
    }

    [Fact]
    public async Task On_a_phone_images_stand_one_above_the_other_and_everything_is_in_reach()
    {
        var browser = chromium.Browser;
        using var small = new SmallStudy().CreateUsual(Few);
        using var served = new ServedStudy(small);
        await using var page = await StudyPage.Open(
            browser, new Uri(served.Address, "?worker=phone-1"), new() { ViewportSize = new() { Width = 390, Height = 760 }, HasTouch = true, IsMobile = true, DeviceScaleFactor = 2 });

        await page.Tab.Locator("#begin").TapAsync();
        await page.CanChoose(1);
        var (upper, lower) = (await page.Tab.Locator("figure[data-side=left]").BoundingBoxAsync(), await page.Tab.Locator("figure[data-side=right]").BoundingBoxAsync());
        Assert.True(upper!.Y + upper.Height < lower!.Y && upper.X == lower.X);
        Assert.InRange(upper.Width, 350, 390);
        foreach (var button in await page.Tab.Locator("button:visible").AllAsync())
        {
            var box = await button.BoundingBoxAsync();
            Assert.True(box!.Y + box.Height <= 760 && box.X + box.Width <= 390 && box.Height >= 44, $"{box.X} {box.Y} {box.Width} {box.Height}");
        }
        Assert.Equal("↓ Lower image", await page.Tab.Locator(".choice[data-side=right]").InnerTextAsync());
        await page.Tab.Locator(".choice[data-side=right]").TapAsync();
        await page.CanChoose(2);
        await page.Tab.Locator("figure[data-side=left]").TapAsync();
        await page.CanChoose(3);

        Assert.Equal(
            small.Load().Jobs[0].Take(2).Select((pair, i) => new StudyAnswer("phone-1", pair.Id, i == 0 ? Side.Right : Side.Left)),
            AnswerStore.ReadAll(small.Folder).OrderBy(answer => answer.Pair));
    }

    [Fact]
    public async Task Nothing_keeps_people_from_using_it()
    {
        var browser = chromium.Browser;
        using var small = new SmallStudy().CreateUsual([.. Few, "--times", "500"]);
        using var served = new ServedStudy(small);
        await using var page = await StudyPage.Open(browser, served.Address);

        await Check();
        await page.Tab.Keyboard.PressAsync("Enter");
        await page.Comes("ready");
        await Check();
        await page.Tab.Keyboard.PressAsync(" ");
        await page.CanChoose(1);
        await Check();

        async Task Check()
        {
            var result = await page.Tab.RunAxe();
            Assert.Empty(result.Violations.Select(violation => $"{violation.Id}: {string.Join(' ', violation.Nodes.Select(node => node.Html))}"));
        }
    }
}
