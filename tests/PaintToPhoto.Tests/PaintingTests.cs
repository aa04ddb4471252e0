using static PaintToPhoto.Tests.PaintedModels;

namespace PaintToPhoto.Tests;

/// <summary>Painting on the page, in a browser.</summary>
public sealed class PaintingTests(PaintedModels models, Chromium chromium) : IClassFixture<Chromium>, IDisposable
{
    private readonly PaintProcess _server = models.Serve();

    [Fact]
    public async Task The_photo_changes_where_one_paints_and_undo_takes_it_back()
    {
        await using var page = await Page.Open(chromium.Browser, _server.Url);
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

    public void Dispose() => _server.Dispose();
}
