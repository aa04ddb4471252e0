using System.Net;
using System.Text.Json;
using static PaintToPhoto.Tests.PaintedModels;

namespace PaintToPhoto.Tests;

/// <summary>What the server paints.</summary>
public sealed class PhotoTests(PaintedModels models)
{
    private readonly PaintProcess _server = models.Server;

    [Fact]
    public async Task A_photo_is_what_the_model_paints_and_a_preview_what_the_smaller_one_does()
    {
        await Check("photo", models.ModelPath, Scene(4));
        await Check("preview", models.PreviewModelPath, Scene(4, PreviewHeight, PreviewWidth));

        async Task Check(string kind, string path, byte[] channels)
        {
            var photo = (await _server.Paint(channels, kind)).Photo;

            var expected = Photos(path, channels)[0];
            Assert.Equal((expected.Width, expected.Height), (photo.Width, photo.Height));
            photo.AssertIs(expected);
        }
    }

    [Fact]
    public async Task The_model_tells_sizes_classes_and_examples()
    {
        using var model = JsonDocument.Parse((await _server.Get("api/model")).Body);

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
        Assert.Equal(Scene(1), (await _server.Get("api/examples/first%20scene")).Body);
        Assert.Equal(Enumerable.Repeat(Road, Width * Height), (await _server.Get("api/examples/second")).Body);
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
            var answer = await _server.Post("api/labels", File.ReadAllBytes(folder[name]), "image/png");
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            Assert.Equal(expected, answer.Body);
        }
    }

    [Fact]
    public async Task Ten_painters_at_once_each_get_their_own_picture()
    {
        byte[][] scenes = [.. Enumerable.Range(0, 10).Select(number => Scene(number))];
        var expected = scenes.Select(scene => Photos(models.ModelPath, scene)[0]).ToList();

        await Task.WhenAll(scenes.Select(async (scene, number) =>
        {
            for (int time = 0; time < 8; time++)
            {
                var photo = (await _server.Paint(scene, painter: $"painter {number}")).Photo;
                photo.AssertIs(expected[number]);
                Assert.All(expected.Where((_, other) => other != number), other => Assert.True(photo.Difference(other, 0, 0, Width, Height) > 5));
            }
        }));
    }
}
