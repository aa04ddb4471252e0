using System.Text.Json;
using Microsoft.Playwright;

namespace CrnMlNet.Study.Tests;

/// <summary>A worker's page in a browser tab.</summary>
internal sealed class StudyPage : IAsyncDisposable
{
    // Notes, in the frames in which the page changes, what is seen of the pictures, and the times of all frames.
    private const string Watch =
        """
        window.frames_ = [];
        window.changes_ = [];
        const eachFrame = now => { window.frames_.push(now); requestAnimationFrame(eachFrame); };
        requestAnimationFrame(eachFrame);
        document.addEventListener('DOMContentLoaded', () => {
          let last;
          new MutationObserver(() => {
            const masks = [...document.querySelectorAll('.mask')].map(mask => getComputedStyle(mask).visibility === 'visible');
            const isMasked = masks.every(yes => yes);
            if (isMasked !== masks.some(yes => yes)) throw new Error('one of two is masked');
            if (isMasked !== last) window.changes_.push({ isMasked, at: document.timeline.currentTime });
            last = isMasked;
          }).observe(document.body, { attributes: true });
        });
        """;

    private readonly IBrowserContext _context;
    private readonly List<string> _faults = [];
    private readonly List<string> _requests = [];

    private StudyPage(IBrowserContext context, IPage tab)
    {
        (_context, Tab) = (context, tab);
        tab.PageError += (_, error) => _faults.Add(error);
        tab.Request += (_, request) => _requests.Add(request.Url);
    }

    public IPage Tab { get; }

    public ILocator Status => Tab.Locator("#status");

    public static async Task<StudyPage> Open(IBrowser browser, Uri address, BrowserNewContextOptions? options = null)
    {
        var context = await browser.NewContextAsync(options ?? new() { ViewportSize = new() { Width = 1280, Height = 800 } });
        context.SetDefaultTimeout(60_000);
        await context.AddInitScriptAsync(Watch);
        var page = new StudyPage(context, await context.NewPageAsync());
        await page.Tab.GotoAsync(address.ToString());
        await page.Comes("welcome");
        return page;
    }

    /// <summary>Waits until the page is in a state.</summary>
    public Task Comes(string state) => Tab.WaitForFunctionAsync("state => document.body.dataset.state === state", state);

    /// <summary>Waits until a choice counts: what comes right after images appear is taken for a slip.</summary>
    public async Task CanChoose(int number)
    {
        await Tab.WaitForFunctionAsync("start => document.getElementById('status').textContent.startsWith(start) && document.body.dataset.state === 'shown'", $"Pair {number} of ");
        await Tab.WaitForTimeoutAsync(250);
    }

    /// <summary>What a person sees in the middle of a picture: IMG or CANVAS, the mask.</summary>
    public Task<string> SeenAt(string side) => Tab.EvaluateAsync<string>(
        "side => { const box = document.querySelector(`figure[data-side=${side}]`).getBoundingClientRect(); return [...document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2)].find(element => getComputedStyle(element).visibility === 'visible').tagName }", side);

    /// <summary>When masks went and came, in milliseconds of the page, and the time of the frame before each.</summary>
    public async Task<(bool IsMasked, double At, double FrameBefore)[]> Changes()
    {
        var changes = await Tab.EvaluateAsync<JsonElement>("() => window.changes_.map(change => ({ ...change, before: window.frames_.filter(frame => frame < change.at - 0.01).at(-1) ?? 0 }))");
        return [.. changes.EnumerateArray().Select(change => (change.GetProperty("isMasked").GetBoolean(), change.GetProperty("at").GetDouble(), change.GetProperty("before").GetDouble()))];
    }

    /// <summary>The page had no fault, and asked nobody but its server.</summary>
    public void AssertSound(Uri address)
    {
        Assert.Empty(_faults);
        Assert.All(_requests, url => Assert.True(url.StartsWith(address.ToString(), StringComparison.Ordinal) || url.StartsWith("data:", StringComparison.Ordinal), url));
    }

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
