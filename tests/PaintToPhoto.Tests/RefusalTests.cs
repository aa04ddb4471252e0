using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using static PaintToPhoto.Tests.PaintedModels;

namespace PaintToPhoto.Tests;

/// <summary>Requests that are wrong, too large or too many: they are refused in a clear sentence, and nothing else happens.</summary>
public sealed class RefusalTests(PaintedModels models)
{
    private readonly PaintProcess _server = models.Server;

    [Theory]
    [InlineData(0, HttpStatusCode.BadRequest)]
    [InlineData((Width * Height) - 1, HttpStatusCode.BadRequest)]
    [InlineData((Width * Height) + 1, HttpStatusCode.RequestEntityTooLarge)]
    [InlineData(9 << 20, HttpStatusCode.RequestEntityTooLarge)]
    public async Task A_layout_of_another_size(int length, HttpStatusCode status)
    {
        var answer = await _server.Paint(new byte[length]);

        Assert.Equal(status, answer.Status);
        Assert.Contains("64 x 32", answer.Detail);
        Assert.Contains($"{length:N0} came", answer.Detail);
        await PaintsOn();
    }

    [Fact]
    public async Task A_layout_of_channels_that_the_palette_lacks()
    {
        var channels = Scene(2);
        channels[(5 * Width) + 7] = Unlabelled + 1;

        var answer = await _server.Paint(channels);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal("Row 5, column 7 has channel 4; the palette has 0 to 3.", answer.Detail);
    }

    [Fact]
    public async Task A_layout_whose_length_is_not_told()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/photo") { Content = new ByteArrayContent(Scene(2)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        request.Headers.TransferEncodingChunked = true;

        var answer = await _server.Ask(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.LengthRequired, answer.Status);
        Assert.Contains("64 x 32", answer.Detail);
    }

    [Fact]
    public async Task A_layout_of_another_type()
    {
        // Forms of other sites can send text/plain without asking first.
        var answer = await _server.Post("api/photo", Scene(2), "text/plain");

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.Status);
        Assert.Contains("application/octet-stream", answer.Detail);
    }

    [Fact]
    public async Task An_upload_that_is_no_png()
    {
        Assert.Contains("not a PNG", await Refused("GIF89a, and so on, and so on, and so on"u8.ToArray()));
        Assert.Contains("not a PNG", await Refused([]));
        Assert.Contains("not a PNG", await Refused([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await _server.Post("api/labels", Png(2, 2, 10, 10, 20, 20), "image/jpeg")).Status);
    }

    [Fact]
    public async Task An_upload_that_is_damaged()
    {
        var png = Png(4, 4, [.. Enumerable.Repeat((byte)10, 16)]);

        Assert.Contains("upload", await Refused(png[..^30]));
        png[45] ^= 0x55;
        Assert.Contains("upload", await Refused(png));
    }

    [Fact]
    public async Task An_upload_that_says_it_is_huge()
    {
        var png = Png(2, 2, 10, 10, 20, 20);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 100_000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 100_000);

        Assert.Contains("100000 x 100000", await Refused(png));
    }

    [Fact]
    public async Task An_upload_with_ids_that_the_palette_lacks()
    {
        string detail = await Refused(Png(2, 1, 10, 77));

        Assert.Contains("77", detail);
        Assert.Contains("upload", detail);
    }

    [Fact]
    public async Task An_upload_that_does_not_end()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/labels") { Content = new ByteArrayContent(new byte[9 << 20]) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        request.Headers.TransferEncodingChunked = true;

        var answer = await _server.Ask(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.Status);
        Assert.Contains("8,388,608", answer.Detail);
        await PaintsOn();
    }

    [Fact]
    public async Task More_uploads_at_once_than_memory_is_spent_on()
    {
        List<TcpClient> begun = [];
        // As many as it takes: one that is begun while another is answered may be refused itself.
        var answer = await Until(HttpStatusCode.TooManyRequests, Begin);
        Assert.Equal(TimeSpan.FromSeconds(1), answer.RetryAfter);
        Assert.Contains("Try again in a moment", answer.Detail);
        await PaintsOn();

        begun.ForEach(upload => upload.Dispose());
        await Until(HttpStatusCode.OK);

        void Begin()
        {
            begun.Add(new TcpClient(_server.Url.Host, _server.Url.Port));
            begun[^1].GetStream().Write(Encoding.ASCII.GetBytes($"POST /api/labels HTTP/1.1\r\nHost: {_server.Url.Authority}\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\n"));
        }

        async Task<Answer> Until(HttpStatusCode status, Action? otherwise = null)
        {
            Answer upload;
            var patience = DateTime.UtcNow.AddSeconds(20);
            while ((upload = await _server.Post("api/labels", Png(2, 2, 10, 10, 20, 20), "image/png")).Status != status && DateTime.UtcNow < patience)
                otherwise?.Invoke();
            Assert.Equal(status, upload.Status);
            return upload;
        }
    }

    [Theory]
    [InlineData("api/examples/..%2F..%2Fmodel.zip")]
    [InlineData("api/examples/..%5C..%5Cmodel.zip")]
    [InlineData("api/examples/%2Fetc%2Fpasswd")]
    [InlineData("api/examples/first%20scene.png")]
    [InlineData("api/examples/first%20scene%00")]
    [InlineData("..%2FPaintToPhoto.deps.json")]
    [InlineData("js/..%2F..%2FPaintToPhoto.deps.json")]
    [InlineData("%2e%2e/PaintToPhoto.deps.json")]
    [InlineData("PaintToPhoto.deps.json")]
    [InlineData("api/nothing")]
    public async Task An_address_of_something_else(string path)
    {
        var answer = await _server.Get(path);

        Assert.InRange((int)answer.Status, 400, 499);
        Assert.DoesNotContain("runtimeTarget", Encoding.UTF8.GetString(answer.Body));
    }

    [Fact]
    public async Task A_page_of_elsewhere_that_takes_this_machines_address()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/model");
        request.Headers.Host = "elsewhere.example";

        Assert.Equal(HttpStatusCode.BadRequest, (await _server.Ask(request, TestContext.Current.CancellationToken)).Status);
    }

    [Fact]
    public async Task A_thousand_rapid_strokes_and_hundreds_of_painters()
    {
        using var server = models.Serve();
        var scene = Scene(3);

        var answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => server.Paint(scene, painter: "in a hurry")));

        var refused = answers.Where(answer => answer.Status != HttpStatusCode.OK).ToList();
        Assert.NotEmpty(refused);
        Assert.All(refused, answer =>
        {
            Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(1)), (answer.Status, answer.RetryAfter));
            Assert.Contains("Wait for one of them", answer.Detail);
        });
        // Those that had their turn are whole, and so is what comes after.
        var expected = Photos(models.ModelPath, scene)[0];
        Assert.All(answers.Except(refused), answer => answer.Photo.AssertIs(expected));
        (await server.Paint(scene, painter: "another")).Photo.AssertIs(expected);

        // Many painters find no place, rather than wait for ever.
        answers = await Task.WhenAll(Enumerable.Range(0, 400).Select(number => server.Paint(Scene(number), painter: $"painter {number}")));

        Assert.Contains(answers, answer => answer.Status == HttpStatusCode.OK);
        Assert.All(answers.Where(answer => answer.Status != HttpStatusCode.OK), answer =>
        {
            Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(1)), (answer.Status, answer.RetryAfter));
            Assert.Contains("Try again in a moment", answer.Detail);
        });
        Assert.Empty(server.Errors);
    }

    [Fact]
    public async Task Who_hangs_up_gives_the_place_to_others()
    {
        for (int time = 0; time < 10; time++)
        {
            using var gone = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            var waiting = Enumerable.Range(0, 4).Select(number => _server.PaintUntil(gone.Token, Scene(number), "undecided")).ToList();
            await gone.CancelAsync();
            await Task.WhenAll(waiting.Select(async photo => await Record.ExceptionAsync(() => photo)));
        }

        // Their connections are seen to be closed a moment later.
        Answer answer;
        var patience = DateTime.UtcNow.AddSeconds(20);
        do
            answer = await _server.Paint(Scene(5), painter: "undecided");
        while (answer.Status == HttpStatusCode.TooManyRequests && DateTime.UtcNow < patience);
        answer.Photo.AssertIs(Photos(models.ModelPath, Scene(5))[0]);
    }

    private async Task<string> Refused(byte[] file)
    {
        var answer = await _server.Post("api/labels", file, "image/png");

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.DoesNotContain("   at ", answer.Detail);
        await PaintsOn();
        return answer.Detail;
    }

    private async Task PaintsOn() => Assert.Equal(HttpStatusCode.OK, (await _server.Paint(Scene(1))).Status);

    private static byte[] Png(int width, int height, params byte[] ids)
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["labels.png"], width, height, PngWriter.Gray, ids);
        return File.ReadAllBytes(folder["labels.png"]);
    }
}
