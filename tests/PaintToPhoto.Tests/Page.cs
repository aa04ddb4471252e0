using Microsoft.Playwright;

namespace PaintToPhoto.Tests;

/// <summary>The page in a browser tab, by what a user sees and does.</summary>
internal sealed class Page : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _faults = [];
    private readonly List<string> _requests = [];

    private Page(IBrowserContext context, IPage tab)
    {
        (_context, Tab) = (context, tab);
        tab.PageError += (_, error) => _faults.Add(error);
        tab.Request += (_, request) => _requests.Add(request.Url);
    }

    public IPage Tab { get; }

    public ILocator Error => Tab.Locator("#error");

    public static async Task<Page> Open(IBrowser browser, Uri url, BrowserNewContextOptions? options = null, bool waitForPhoto = true)
    {
        var context = await browser.NewContextAsync(options ?? new() { ViewportSize = new() { Width = 1280, Height = 800 } });
        context.SetDefaultTimeout(60_000);
        var page = new Page(context, await context.NewPageAsync());
        await page.Tab.GotoAsync(url.ToString());
        if (waitForPhoto)
            await page.PhotoComes(null);
        return page;
    }

    /// <summary>Which state of the layout the picture shows: it counts up with every change.</summary>
    public async Task<string?> Version() => await Tab.Locator("#photo").GetAttributeAsync("data-version");

    /// <summary>Waits for the photo, not a preview, of the newest state.</summary>
    /// <param name="last">The version that was seen last; null: none was.</param>
    public async Task<PagePhoto> PhotoComes(string? last)
    {
        string isNew = last is null ? "" : $":not([data-version='{last}'])";
        await Tab.Locator($"#studio:has(#photo[data-kind=photo]{isNew}):has(#save-photo:enabled)").WaitForAsync();
        return await Pixels("photo");
    }

    /// <summary>Does something, and waits for the photo of what it led to.</summary>
    public async Task<PagePhoto> After(Func<Task> action)
    {
        string? last = await Version();
        await action();
        return await PhotoComes(last);
    }

    public Task<PagePhoto> Photo() => Pixels("photo");

    /// <summary>The label map, in the palette's colours.</summary>
    public async Task<PagePhoto> Labels()
    {
        // It is drawn with the screen's next picture.
        await Tab.EvaluateAsync("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
        return await Pixels("labels");
    }

    /// <summary>The label map as channels of the palette of <see cref="PaintedModels"/>.</summary>
    public async Task<byte[]> Channels()
    {
        var labels = await Labels();
        return [.. Enumerable.Range(0, labels.Width * labels.Height).Select(i => (byte)PaintedModels.Colours.IndexOf(labels[i % labels.Width, i / labels.Width]))];
    }

    /// <summary>Draws with the mouse along places of the label map, in its pixels.</summary>
    public async Task Drag(params (double X, double Y)[] places)
    {
        await Begin(places);
        await Tab.Mouse.UpAsync();
    }

    /// <summary>The same, without letting go.</summary>
    public async Task Begin(params (double X, double Y)[] places)
    {
        var (left, top, scale) = await Box();
        for (int i = 0; i < places.Length; i++)
        {
            await Tab.Mouse.MoveAsync((float)(left + scale * places[i].X), (float)(top + scale * places[i].Y), new() { Steps = i == 0 ? 1 : 5 });
            if (i == 0)
                await Tab.Mouse.DownAsync();
        }
    }

    /// <summary>A tool, a class or a variant, by its name.</summary>
    public ILocator Radio(string name) => Tab.GetByRole(AriaRole.Radio, new() { Name = name, Exact = true });

    public Task Choose(string name) => Radio(name).CheckAsync(new() { Force = true });

    public Task Click(string name) => Tab.GetByRole(AriaRole.Button, new() { Name = name, Exact = true }).ClickAsync();

    /// <summary>Clicks what saves a file, and gives the file's name and bytes.</summary>
    public async Task<(string Name, byte[] Bytes)> Download(ILocator button)
    {
        var download = await Tab.RunAndWaitForDownloadAsync(() => button.ClickAsync());
        using var bytes = new MemoryStream();
        await using var stream = await download.CreateReadStreamAsync();
        await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        return (download.SuggestedFilename, bytes.ToArray());
    }

    /// <summary>Opens a label map, as the file dialog would.</summary>
    public Task OpenFile(string path) => Tab.Locator("#file").SetInputFilesAsync(path);

    /// <summary>Where the label map is on the screen, and how large one of its pixels.</summary>
    public async Task<(double Left, double Top, double Scale)> Box()
    {
        await Tab.Locator("#labels").ScrollIntoViewIfNeededAsync();
        var box = (await Tab.Locator("#labels").BoundingBoxAsync())!;
        return (box.X, box.Y, box.Width / await Tab.Locator("#labels").EvaluateAsync<int>("canvas => canvas.width"));
    }

    public Task Press(string keys) => Tab.Keyboard.PressAsync(keys);

    public async Task SetSize(int size)
        => await Tab.Locator("#size-input").EvaluateAsync("(input, size) => { input.value = size; input.dispatchEvent(new Event('input', { bubbles: true })); }", size);

    /// <summary>Closes it. No script has failed, and nothing was asked of other machines.</summary>
    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        Assert.Empty(_faults);
        Assert.All(_requests, url => Assert.True(new Uri(url) is { IsLoopback: true } or { Scheme: "blob" or "data" }, url));
    }

    private async Task<PagePhoto> Pixels(string canvas)
    {
        var parts = (await Tab.EvaluateAsync<string>(
            """
            id => {
              const canvas = document.getElementById(id);
              const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
              let text = '';
              for (let i = 0; i < data.length; i += 8192)
                text += String.fromCharCode(...data.subarray(i, i + 8192));
              return `${canvas.width} ${canvas.height} ${btoa(text)}`;
            }
            """, canvas)).Split(' ');
        return PagePhoto.FromRgba(int.Parse(parts[0]), int.Parse(parts[1]), Convert.FromBase64String(parts[2]));
    }
}
