using System.Net;
using System.Text.Json;
using CrnMlNet;
using Microsoft.ML;
using static PaintToPhoto.Tests.PaintedModels;

namespace PaintToPhoto.Tests;

/// <summary>What the server paints.</summary>
public sealed class PhotoTests(PaintedModels models) : IDisposable
{
    private readonly PaintProcess _server = models.Serve();

    [Fact]
    public async Task A_photo_is_what_the_model_paints_and_a_preview_what_the_smaller_one_does()
    {
        await Check("photo", models.ModelPath, Scene(4));
        await Check("preview", models.PreviewModelPath, Scene(4, PreviewHeight, PreviewWidth));

        async Task Check(string kind, string path, byte[] channels)
        {
            using var answer = await _server.Paint(channels, kind);

            Assert.Equal((HttpStatusCode.OK, "image/png"), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
            var photo = PagePhoto.FromPng(await answer.Content.ReadAsByteArrayAsync());
            var expected = Expected(path, channels);
            Assert.Equal((expected.Width, expected.Height), (photo.Width, photo.Height));
            Assert.Equal(expected.Rgb, photo.Rgb);
        }
    }

    [Fact]
    public async Task The_model_tells_sizes_classes_and_examples()
    {
        using var model = JsonDocument.Parse(await _server.Client.GetStringAsync("api/model"));

        var root = model.RootElement;
        Assert.Equal((Width, Height), (root.GetProperty("photo").GetProperty("width").GetInt32(), root.GetProperty("photo").GetProperty("height").GetInt32()));
        Assert.Equal(PreviewWidth, root.GetProperty("preview").GetProperty("width").GetInt32());
        Assert.Equal(1, root.GetProperty("images").GetInt32());
        Assert.Equal(["sky #4682b4 10", "road #804080 20", "car #00008e 30"], root.GetProperty("classes").EnumerateArray()
            .Select(label => $"{label.GetProperty("name")} {label.GetProperty("color")} {label.GetProperty("id")}"));
        Assert.Equal(255, root.GetProperty("void").GetProperty("id").GetInt32());
        Assert.Equal(["first scene", "second"], root.GetProperty("examples").EnumerateArray().Select(name => name.GetString()));
    }

    [Fact]
    public async Task Examples_come_at_the_models_size()
    {
        Assert.Equal(Scene(1), await _server.Client.GetByteArrayAsync("api/examples/first%20scene"));
        Assert.Equal(Enumerable.Repeat(Road, Width * Height), await _server.Client.GetByteArrayAsync("api/examples/second"));
    }

    [Fact]
    public async Task A_label_png_is_read_by_ids_or_colours_at_any_size()
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["ids.png"], 2, 1, PngWriter.Gray, [10, 30]);
        PngWriter.Write(folder["colours.png"], 2, 1, PngWriter.Rgb, [70, 130, 180, 0, 0, 142]);
        PngWriter.WriteNumbers(folder["16bits.png"], 2, 1, 16, [10, 30]);
        byte[] expected = [.. Enumerable.Range(0, Width * Height).Select(i => i % Width < Width / 2 ? Sky : Car)];

        foreach (string name in new[] { "ids.png", "colours.png", "16bits.png" })
        {
            using var answer = await _server.Post("api/labels", File.ReadAllBytes(folder[name]), "image/png");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(expected, await answer.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task Ten_painters_at_once_each_get_their_own_picture()
    {
        byte[][] scenes = [.. Enumerable.Range(0, 10).Select(number => Scene(number))];
        var expected = scenes.Select(scene => Expected(models.ModelPath, scene).Rgb).ToList();
        Assert.Equal(10, expected.Select(Convert.ToHexString).Distinct().Count());

        await Task.WhenAll(scenes.Select(async (scene, number) =>
        {
            for (int time = 0; time < 8; time++)
            {
                using var answer = await _server.Paint(scene, painter: $"painter {number}");
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                Assert.Equal(expected[number], PagePhoto.FromPng(await answer.Content.ReadAsByteArrayAsync()).Rgb);
            }
        }));
    }

    public void Dispose() => _server.Dispose();

    private static PagePhoto Expected(string path, byte[] channels)
    {
        using var model = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(path, out _);
        using var image = model.SynthesizeAll(channels)[0];
        return PagePhoto.FromImage(image);
    }
}
