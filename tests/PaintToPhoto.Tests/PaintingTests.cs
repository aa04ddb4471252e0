using CrnMlNet;
using Microsoft.Playwright;
using static PaintToPhoto.Tests.PaintedModels;

namespace PaintToPhoto.Tests;

/// <summary>Painting on the page, in a browser.</summary>
public sealed class PaintingTests(PaintedModels models, Chromium chromium) : IClassFixture<Chromium>
{
    private readonly Uri _url = models.Server.Url;

    [Fact]
    public async Task The_photo_changes_where_one_paints_and_undo_takes_it_back()
    {
        await using var page = await Page.Open(chromium.Browser, _url);
        var (labels, before) = (await page.Labels(), await page.Photo());
        await page.Press("3");
        await page.SetSize(9);

        var painted = await page.After(() => page.Drag((8, 26), (14, 26)));

        // Scene 1 has road there.
        Assert.Equal((128, 64, 128), labels[11, 26]);
        Assert.Equal((0, 0, 142), (await page.Labels())[11, 26]);
        Assert.True(painted.Difference(before, 8, 24, 7, 5) > 40, $"{painted.Difference(before, 8, 24, 7, 5)}");
        Assert.True(painted.Difference(before, 40, 2, 20, 20) < 10, $"{painted.Difference(before, 40, 2, 20, 20)}");

        var undone = await page.After(() => page.Press("Control+z"));
        Assert.Equal(before.Rgb, undone.Rgb);
        Assert.Equal(labels.Rgb, (await page.Labels()).Rgb);
        var redone = await page.After(() => page.Press("Control+y"));
        Assert.Equal(painted.Rgb, redone.Rgb);
    }

    [Fact]
    public async Task Every_tool_paints_what_it_says_with_the_mouse()
    {
        await using var page = await Page.Open(chromium.Browser, _url);
        await page.Choose("road");
        await page.Click("Blank");
        var expected = new byte[Width * Height];
        void Expect(int left, int top, int right, int bottom, byte channel)
        {
            for (int y = top; y <= bottom; y++)
                expected.AsSpan((y * Width) + left, right - left + 1).Fill(channel);
        }
        Expect(0, 0, Width - 1, Height - 1, Road);
        Assert.Equal(expected, await page.Channels());

        await page.Choose("Rectangle");
        await page.Choose("car");
        await page.Drag((30.5, 20.5), (20.5, 10.5)); // from corner to corner, whichever
        Expect(20, 10, 30, 20, Car);
        Assert.Equal(expected, await page.Channels());

        await page.Choose("Line");
        await page.SetSize(1);
        await page.Drag((2.5, 3.5), (50.5, 30.5), (2.5, 28.5)); // the end moves, and the line with it
        Expect(2, 3, 2, 28, Car);
        Assert.Equal(expected, await page.Channels());

        await page.Choose("Brush");
        await page.SetSize(5);
        await page.Drag((40.5, 6.5), (50.5, 6.5)); // a disc of five pixels lacks the corners, and so does its track
        Expect(38, 5, 52, 7, Car);
        Expect(39, 4, 51, 8, Car);
        Assert.Equal(expected, await page.Channels());

        await page.Choose("Eyedropper");
        await page.Drag((60.5, 20.5));
        Assert.True(await page.Radio("road").IsCheckedAsync());
        await page.Choose("Fill");
        await page.Choose("sky");
        await page.Drag((25.5, 15.5));
        Expect(20, 10, 30, 20, Sky);
        Assert.Equal(expected, await page.Channels());
        await page.Drag((0.5, 31.5)); // around the line and the brush's track
        expected = [.. expected.Select(channel => channel == Road ? Sky : channel)];
        Assert.Equal(expected, await page.Channels());

        for (int step = 0; step < 6; step++)
            await page.Click("Undo");
        Assert.Equal(Scene(1), await page.Channels());
        Assert.True(await page.Tab.Locator("#undo").IsDisabledAsync());
    }

    [Fact]
    public async Task All_can_be_done_with_keys()
    {
        await using var page = await Page.Open(chromium.Browser, _url);
        await page.Choose("road");
        await page.Click("Blank");
        var expected = Enumerable.Repeat(Road, Width * Height).ToArray();

        await page.Tab.Locator("#labels").FocusAsync();
        // The cursor begins in the middle.
        foreach (string keys in new[] { "3", "r", "Shift+ArrowLeft", "Space", "ArrowRight", "ArrowRight", "ArrowDown", "Enter" })
            await page.Press(keys);
        foreach (int at in new[] { 22, 23, 24 })
            expected[(16 * Width) + at] = expected[(17 * Width) + at] = Car;
        Assert.Equal(expected, await page.Channels());
        Assert.Equal("24, 17: car", await page.Tab.Locator("#place").TextContentAsync());

        for (int i = 0; i < 4; i++)
            await page.Press("[");
        foreach (string keys in new[] { "b", "1", "ArrowRight", "Space", "Shift+ArrowUp", "0", "Enter" })
            await page.Press(keys);
        expected[(17 * Width) + 25] = Sky;
        expected[(7 * Width) + 25] = Unlabelled;
        Assert.Equal(expected, await page.Channels());

        // Escape takes a stroke back that is being made.
        foreach (string keys in new[] { "l", "Enter", "Shift+ArrowRight", "Escape" })
            await page.Press(keys);
        Assert.Equal(expected, await page.Channels());
        await page.Press("Control+Shift+Z");
        Assert.Equal(expected, await page.Channels());
    }

    [Fact]
    public async Task Zoomed_in_one_paints_what_is_under_the_pointer()
    {
        await using var page = await Page.Open(chromium.Browser, _url);
        await page.Choose("Rectangle");
        await page.Choose("sky");
        for (int i = 0; i < 3; i++)
            await page.Press("+");
        Assert.Equal("338%", await page.Tab.Locator("#zoom").TextContentAsync());

        // The middle of the board shows the middle of the map.
        var board = (await page.Tab.Locator("#board").BoundingBoxAsync())!;
        float x = board.X + (board.Width / 2) + 3, y = board.Y + (board.Height / 2) + 3;
        var before = await page.Channels();
        await page.Tab.Mouse.ClickAsync(x, y);

        var changed = (await page.Channels()).Zip(before).Index().Where(pixel => pixel.Item.First != pixel.Item.Second).Select(pixel => pixel.Index).ToList();
        int at = Assert.Single(changed);
        Assert.Equal((Width / 2, Height / 2), (at % Width, at / Width));

        await page.Tab.Locator("#zoom-fit").ClickAsync();
        Assert.Equal("100%", await page.Tab.Locator("#zoom").TextContentAsync());
        var (sheet, fit) = (await page.Tab.Locator("#labels").BoundingBoxAsync(), await page.Tab.Locator("#board").BoundingBoxAsync());
        Assert.Equal(fit!.Width, sheet!.Width, 0.5);
    }

    [Fact]
    public async Task One_finger_paints_and_two_zoom()
    {
        await using var page = await Page.Open(chromium.Browser, _url, new() { ViewportSize = new() { Width = 390, Height = 844 }, HasTouch = true, IsMobile = true });
        await page.Choose("Rectangle");
        await page.Choose("car");
        var (left, top, scale) = await page.Box();
        var before = await page.Channels();
        var session = await page.Tab.Context.NewCDPSessionAsync(page.Tab);
        Task Touch(string type, params (double X, double Y)[] fingers) => session.SendAsync("Input.dispatchTouchEvent", new()
        {
            ["type"] = type,
            ["touchPoints"] = fingers.Select((finger, id) => new { x = left + (scale * finger.X), y = top + (scale * finger.Y), id }).ToArray(),
        });

        await Touch("touchStart", (5.5, 25.5));
        await Touch("touchMove", (7.5, 27.5));
        await Touch("touchMove", (9.5, 28.5));
        await Touch("touchEnd");

        var expected = before.ToArray();
        for (int y = 25; y <= 28; y++)
            expected.AsSpan((y * Width) + 5, 5).Fill(Car);
        Assert.Equal(expected, await page.Channels());

        // The second finger takes back what the first began to paint.
        await Touch("touchStart", (24.5, 10.5));
        await Touch("touchStart", (24.5, 10.5), (40.5, 10.5));
        await Touch("touchMove", (16.5, 10.5), (48.5, 10.5));
        await Touch("touchEnd");
        Assert.Equal(expected, await page.Channels());
        Assert.Equal("200%", await page.Tab.Locator("#zoom").TextContentAsync());
    }

    [Fact]
    public async Task While_the_hand_moves_a_preview_is_shown_and_the_photo_when_it_rests()
    {
        await using var page = await Page.Open(chromium.Browser, _url);
        await page.Choose("car");
        await page.Begin((8, 26), (14, 26));
        await page.Tab.Locator("#photo[data-kind=preview]").WaitForAsync();
        Assert.Equal("Preview", await page.Tab.Locator("#photo-state").TextContentAsync());
        Assert.True(await page.Tab.Locator("#save-photo").IsDisabledAsync());

        var photo = await page.After(() => page.Tab.Mouse.UpAsync());
        photo.AssertIs(Photos(models.ModelPath, await page.Channels())[0]);
    }

    [Fact]
    public async Task What_is_not_wanted_any_more_is_cancelled()
    {
        await using var page = await Page.Open(chromium.Browser, _url);
        var cancelled = new TaskCompletionSource<string?>();
        page.Tab.RequestFailed += (_, request) =>
        {
            if (request.Url.EndsWith("/photo", StringComparison.Ordinal))
                cancelled.TrySetResult(request.Failure);
        };
        // The server is slow: the first photo does not come.
        var asked = new TaskCompletionSource();
        int requests = 0;
        await page.Tab.RouteAsync("**/api/photo", route => ++requests == 1 ? Task.Run(asked.SetResult) : route.ContinueAsync());
        await page.Choose("car");
        await page.Choose("Rectangle");
        await page.Drag((2, 2), (10, 8));
        await asked.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.False(cancelled.Task.IsCompleted);

        var photo = await page.After(() => page.Drag((2, 20), (10, 26)));

        Assert.Equal("net::ERR_ABORTED", await cancelled.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        Assert.Equal(2, requests);
        photo.AssertIs(Photos(models.ModelPath, await page.Channels())[0]);
    }

    [Fact]
    public async Task Examples_are_begun_from_and_label_maps_opened_and_saved()
    {
        using var folder = new TemporaryFolder();
        await using var page = await Page.Open(chromium.Browser, _url);
        await page.Click("Example second");
        Assert.Equal(Enumerable.Repeat(Road, Width * Height), await page.Channels());

        PngWriter.Write(folder["mine.png"], Width, Height, PngWriter.Gray, [.. Scene(6).Select(channel => (byte)(10 * (channel + 1)))]);
        var photo = await page.After(() => page.OpenFile(folder["mine.png"]));
        Assert.Equal(Scene(6), await page.Channels());
        await page.Choose("void");
        await page.Choose("Rectangle");
        photo = await page.After(() => page.Drag((60.5, 2.5), (62.5, 4.5)));

        var (labelsName, labels) = await page.Download(page.Tab.Locator("#save-labels"));
        var (photoName, saved) = await page.Download(page.Tab.Locator("#save-photo"));

        Assert.Equal(("labels.png", "photo.png"), (labelsName, photoName));
        // A palette PNG (W3C, PNG, 11.2.2: colour type 3): its indices are the ids, its colours the palette's.
        byte[] expected = await page.Channels();
        Assert.Contains(Unlabelled, expected);
        Assert.Equal(3, labels[25]);
        Assert.Equal(expected, (await models.Server.Post("api/labels", labels, "image/png")).Body);
        var colours = PagePhoto.FromPng(labels);
        Assert.Equal(expected.Select(channel => Colours[channel]), Enumerable.Range(0, Width * Height).Select(i => colours[i % Width, i / Width]));
        Assert.Equal(photo.Rgb, PagePhoto.FromPng(saved).Rgb);
    }

    [Fact]
    public async Task Each_of_several_photos_of_a_layout_can_be_chosen_and_classes_have_two_digits()
    {
        using var server = PaintProcess.Serve("--model", models.DiverseModelPath);
        await using var page = await Page.Open(chromium.Browser, server.Url);
        var expected = Photos(models.DiverseModelPath, new byte[24 * 32]);

        Assert.Equal(["1", "2", "3"], await page.Tab.Locator("#variants span").AllTextContentsAsync());
        (await page.Photo()).AssertIs(expected[0]);
        await page.Choose("3");
        (await page.Photo()).AssertIs(expected[2]);
        var (_, saved) = await page.Download(page.Tab.Locator("#save-photo"));
        PagePhoto.FromPng(saved).AssertIs(expected[2]);

        // This one has no smaller model for previews: it paints them itself.
        string? last = await page.Version();
        await page.Begin((8, 12), (20, 12));
        await page.Tab.Locator($"#photo[data-kind=photo]:not([data-version='{last}'])").WaitForAsync();
        await page.Tab.Mouse.UpAsync();

        await page.Press("1");
        Assert.True(await page.Radio(LabelPalette.CamVid.Classes[0].Name).IsCheckedAsync());
        await page.Press("1");
        Assert.True(await page.Radio(LabelPalette.CamVid.Classes[10].Name).IsCheckedAsync());
    }

    [Fact]
    public async Task What_goes_wrong_is_said()
    {
        using var folder = new TemporaryFolder();
        using var server = models.Serve();
        await using var page = await Page.Open(chromium.Browser, server.Url);
        var before = await page.Channels();
        PngWriter.Write(folder["foreign.png"], 2, 1, PngWriter.Gray, [10, 77]);
        File.WriteAllText(folder["text.png"], "no image");
        File.WriteAllText(folder["text.txt"], "no image");

        await Says("foreign.png", "77");
        await Says("text.png", "not a PNG");
        await Says("text.txt", "not a PNG");
        Assert.Equal(before, await page.Channels());
        await page.Click("Dismiss the message");
        Assert.True(await page.Error.IsHiddenAsync());

        server.Signal("KILL");
        server.WaitForEnd();
        await page.Choose("car");
        await page.Drag((8, 26), (14, 26));
        await Assertions.Expect(page.Error).ToContainTextAsync("The server does not answer");

        async Task Says(string file, string what)
        {
            await page.OpenFile(folder[file]);
            await Assertions.Expect(page.Error).ToContainTextAsync(what);
        }
    }

    [Fact]
    public async Task Ten_browsers_painting_at_once_each_see_their_own_picture()
    {
        var pages = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Page.Open(chromium.Browser, _url)));

        await Task.WhenAll(pages.Select(async (page, number) =>
        {
            // Each another class in another place, on the ground of a third.
            var (ground, figure) = ((byte)(number % 3), (byte)((number + 1) % 3));
            int left = 6 * number, top = number % 2 * 16;
            await page.Press($"{ground + 1}");
            await page.Click("Blank");
            await page.Choose("Rectangle");
            await page.Press($"{figure + 1}");
            var photo = await page.After(() => page.Drag((left + 0.5, top + 0.5), (left + 9.5, top + 15.5)));

            var channels = await page.Channels();
            Assert.Equal(figure, channels[((top + 8) * Width) + left + 5]);
            Assert.Equal(ground, channels[((24 - top) * Width) + left + 5]);
            photo.AssertIs(Photos(models.ModelPath, channels)[0]);
            // What it learned of the class, in the middle of its place.
            var (r, g, b) = photo[left + 5, top + 8];
            Assert.True(Math.Abs(r - Paint[figure].R) + Math.Abs(g - Paint[figure].G) + Math.Abs(b - Paint[figure].B) < 120, $"{number}: {(r, g, b)} of class {figure}");
        }));
        foreach (var page in pages)
            await page.DisposeAsync();
    }
}
