using System.Net;
using System.Net.NetworkInformation;
using System.Text.Json;

namespace PaintToPhoto.Tests;

/// <summary>Starting and ending the program.</summary>
public sealed class StartTests(PaintedModels models, Chromium chromium) : IClassFixture<Chromium>
{
    [Fact]
    public async Task Without_a_model_it_trains_one_tells_how_far_it_is_and_keeps_it()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = ["--folder", folder["kept"], "--scenes", "2", "--epochs", "1"];
        using (var server = PaintProcess.Serve(arguments))
        {
            var early = await server.Get("api/model");
            Assert.Equal((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(2)), (early.Status, early.RetryAfter));
            Assert.Contains("still being trained", early.Detail);

            await using var page = await Page.Open(chromium.Browser, server.Url, waitForPhoto: false);
            await page.Tab.Locator("#training").WaitForAsync();
            var photo = await page.PhotoComes(null);

            Assert.Equal((256, 128), (photo.Width, photo.Height));
            Assert.True(await page.Tab.Locator("#training").IsHiddenAsync());
            Assert.Equal(8, await page.Tab.Locator("#examples button").CountAsync());
            Assert.Contains(server.Output, line => line.Contains("Step 1 of 2"));
            Assert.Contains(server.Output, line => line.Contains("Step 2 of 2"));
            server.Signal("TERM");
            Assert.Equal(0, server.WaitForEnd());
        }

        using var again = PaintProcess.Serve(arguments);
        using var model = JsonDocument.Parse((await again.Get("api/model")).Body);
        Assert.Equal("street scenes", model.RootElement.GetProperty("name").GetString());
    }

    [Fact]
    public void What_keeps_it_from_starting_is_one_line_and_exit_code_1()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["text.zip"], "no model");

        Says("missing.zip' does not exist", "--model", folder["missing.zip"]);
        Says("text.zip' is damaged", "--model", folder["text.zip"]);
        Says("has other classes", "--model", models.ModelPath, "--preview-model", models.DiverseModelPath);
        Says("nowhere' does not exist", "--model", models.ModelPath, "--examples", folder["nowhere"]);
        Says("address already in use", "--model", models.ModelPath, "--urls", models.Server.Url.ToString());

        static void Says(string what, params string[] arguments)
        {
            var (exitCode, errors) = PaintProcess.Run(arguments);
            Assert.Equal(1, exitCode);
            Assert.StartsWith("PaintToPhoto: ", Assert.Single(errors));
            Assert.Contains(what, errors[0]);
        }
    }

    [Fact]
    public void Only_this_machine_can_reach_it()
    {
        var port = models.Server.Url.Port;
        Assert.Equal("127.0.0.1", new Uri(PaintServer.DefaultUrl).Host);
        var listening = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Where(listener => listener.Port == port);
        Assert.Equal([IPAddress.Loopback], listening.Select(listener => listener.Address));
    }
}
