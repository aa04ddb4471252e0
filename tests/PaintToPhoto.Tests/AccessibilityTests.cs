using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace PaintToPhoto.Tests;

/// <summary>That everyone can use the page: what axe-core finds of WCAG, and the sizes of screens.</summary>
public sealed class AccessibilityTests(PaintedModels models, Chromium chromium) : IClassFixture<Chromium>
{
    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    public async Task Names_contrast_and_structure_are_in_order(int width, ColorScheme colours)
    {
        await using var page = await Page.Open(chromium.Browser, models.Server.Url, new() { ViewportSize = new() { Width = width, Height = 800 }, ColorScheme = colours });
        await Check();
        await page.Tab.Locator("#file").SetInputFilesAsync(new FilePayload { Name = "a.txt", MimeType = "text/plain", Buffer = [1] });
        await page.Error.WaitForAsync();
        await page.Click("Keys");
        await Check();

        async Task Check()
        {
            var found = await page.Tab.RunAxe();
            Assert.NotEmpty(found.Passes);
            Assert.Empty(found.Violations.Select(rule => $"{rule.Id}: {string.Join(", ", rule.Nodes.Select(node => node.Html))}"));
        }
    }

    [Theory]
    [InlineData(360)]
    [InlineData(768)]
    public async Task Nothing_hangs_over_a_small_screen_and_all_can_be_touched(int width)
    {
        await using var page = await Page.Open(chromium.Browser, models.Server.Url, new() { ViewportSize = new() { Width = width, Height = 740 }, HasTouch = true, IsMobile = true });

        Assert.Equal(width, await page.Tab.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        // WCAG 2.2, 2.5.8: 24 pixels at least; these have more.
        var targets = await page.Tab.EvaluateAsync<string[]>(
            """
            () => [...document.querySelectorAll('button, label:has(input[type=radio]), #size')].filter(target => target.checkVisibility())
              .map(target => [target.innerText || target.id, target.getBoundingClientRect()])
              .filter(([, box]) => box.width < 32 || box.height < 32 || box.left < 0 || box.right > innerWidth).map(([name, box]) => `${name}: ${box.width} x ${box.height}`)
            """);
        Assert.Empty(targets);
        // Label map and photo are in sight together.
        var (labels, photo) = (await page.Tab.Locator("#board").BoundingBoxAsync(), await page.Tab.Locator("#picture").BoundingBoxAsync());
        Assert.All([labels!, photo!], box => Assert.True(box.Y >= 0 && box.Y + box.Height <= 740, $"{box.Y} + {box.Height}"));
    }
}
