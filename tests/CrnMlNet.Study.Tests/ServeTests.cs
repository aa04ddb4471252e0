using System.Net;
using System.Net.Sockets;

namespace CrnMlNet.Study.Tests;

public class ServeTests
{
    [Fact]
    public async Task The_page_its_images_and_nothing_else_are_served()
    {
        using var small = new SmallStudy().CreateUsual();
        using var served = new ServedStudy(small);
        string image = small.Load().Jobs[0][0].Left;

        foreach (var (path, type) in new[] { ("", "text/html"), ("study.js", "text/javascript"), ("study.css", "text/css"), ($"images/{image}", "image/png") })
        {
            using var reply = await served.Get(path);
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
            Assert.Equal(type, reply.Content.Headers.ContentType!.MediaType);
            Assert.Contains("default-src 'none'", Assert.Single(reply.Headers.GetValues("Content-Security-Policy")));
        }
        Assert.Equal(File.ReadAllBytes(Path.Combine(small.Folder, "images", image)), await served.GetBytes($"images/{image}"));
        foreach (string path in new[] { "study.json", "answers.sqlite", "images/study.json", "images/..%2fstudy.json", "images/%2e%2e/study.json", "images/", "index.html" })
            Assert.Equal(HttpStatusCode.NotFound, (await served.Get(path)).StatusCode);
    }

    [Fact]
    public async Task A_job_tells_nothing_of_systems_and_sentinels()
    {
        using var small = new SmallStudy().CreateUsual();
        using var served = new ServedStudy(small);

        var job = await served.Begin("ann");

        Assert.Equal(small.Load().Jobs[0].Select(pair => pair.Id), job.GetProperty("pairs").EnumerateArray().Select(pair => pair.GetProperty("id").GetInt32()));
        Assert.All(job.GetProperty("pairs").EnumerateArray(), pair => Assert.Equal(["id", "left", "right", "milliseconds"], pair.EnumerateObject().Select(property => property.Name)));
        Assert.Equal("Which image is more realistic?", job.GetProperty("question").GetString());
    }

    [Fact]
    public async Task Bad_requests_are_refused_and_change_nothing()
    {
        using var small = new SmallStudy().CreateUsual();
        using var served = new ServedStudy(small);
        await served.Begin("ann");
        string answer = """{"worker":"ann","pair":0,"choice":"left"}""";

        await Check(HttpStatusCode.BadRequest, "begin", "{}");
        await Check(HttpStatusCode.BadRequest, "begin", """{"worker":null}""");
        await Check(HttpStatusCode.BadRequest, "begin", """{"worker":""}""");
        await Check(HttpStatusCode.BadRequest, "begin", """{"worker":"ann bell"}""");
        await Check(HttpStatusCode.BadRequest, "begin", """{"worker":"ann\n"}""");
        await Check(HttpStatusCode.BadRequest, "begin", $$"""{"worker":"{{new string('a', 65)}}"}""");
        await Check(HttpStatusCode.BadRequest, "answers", "no JSON");
        await Check(HttpStatusCode.BadRequest, "answers", "");
        await Check(HttpStatusCode.BadRequest, "answers", "null");
        await Check(HttpStatusCode.BadRequest, "answers", "[]");
        await Check(HttpStatusCode.BadRequest, "answers", """{"worker":"ann","pair":0}""");
        await Check(HttpStatusCode.BadRequest, "answers", answer.Replace("left", "up"));
        await Check(HttpStatusCode.BadRequest, "answers", answer.Replace("\"left\"", "1"));
        await Check(HttpStatusCode.BadRequest, "answers", answer.Replace("0", "\"0\""));
        await Check(HttpStatusCode.BadRequest, "answers", answer.Replace("0", "99999999999"));
        await Check(HttpStatusCode.BadRequest, "answers", answer.Replace("}", ",\"shownMilliseconds\":-1}"));
        await Check(HttpStatusCode.BadRequest, "answers", answer.Replace("}", ",\"decidedMilliseconds\":1e300}"));
        await Check(HttpStatusCode.NotFound, "answers", answer.Replace("0", "4711"));
        await Check(HttpStatusCode.NotFound, "answers", answer.Replace("ann", "bob"));
        await Check(HttpStatusCode.RequestEntityTooLarge, "answers", answer.Replace("ann", new string('a', 100_000)));
        await Check(HttpStatusCode.UnsupportedMediaType, "answers", answer, "text/plain");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await served.Get("answers")).StatusCode);
        Assert.Empty(AnswerStore.ReadAll(small.Folder));
        Assert.Equal(HttpStatusCode.NoContent, (await served.Post("answers", answer)).StatusCode);

        async Task Check(HttpStatusCode expected, string path, string body, string type = "application/json")
        {
            using var reply = await served.Post(path, body, type);
            Assert.True(reply.StatusCode == expected, $"{body[..Math.Min(body.Length, 80)]}: {reply.StatusCode}");
        }
    }

    [Fact]
    public async Task A_second_answer_is_a_conflict_and_the_same_again_is_none()
    {
        using var small = new SmallStudy().CreateUsual();
        using var served = new ServedStudy(small);
        await served.Begin("ann");

        Assert.Equal(HttpStatusCode.NoContent, await served.Answer("ann", 2, "left"));
        Assert.Equal(HttpStatusCode.NoContent, await served.Answer("ann", 2, "left"));
        Assert.Equal(HttpStatusCode.Conflict, await served.Answer("ann", 2, "right"));

        Assert.Equal([new StudyAnswer("ann", 2, Side.Left)], AnswerStore.ReadAll(small.Folder));
    }

    [Fact]
    public async Task Only_this_machine_is_served_unless_told_otherwise()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere 127.0.0.2 is no address of this machine.");
        using var small = new SmallStudy().CreateUsual();
        using (var served = new ServedStudy(small))
        {
            Assert.Equal("127.0.0.1", served.Address.Host);
            Assert.False(await Listens("127.0.0.2", served.Address.Port));
        }
        using (var served = new ServedStudy(small, "--address", "0.0.0.0"))
            Assert.True(await Listens("127.0.0.2", served.Address.Port));

        static async Task<bool> Listens(string address, int port)
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(address, port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }
    }

    [Fact]
    public void What_cannot_be_served_is_said_in_one_line()
    {
        using var small = new SmallStudy().CreateUsual();
        using (var served = new ServedStudy(small))
            CrnProcess.Run("study", "serve", small.Folder, "--port", $"{served.Address.Port}").AssertFailed($":{served.Address.Port}", "in use");
        string image = small.Load().Images[0].File;
        File.Delete(Path.Combine(small.Folder, "images", image));

        CrnProcess.Run("study", "serve", small.Folder).AssertFailed(image);
        CrnProcess.Run("study", "serve", small["real-images"]).AssertFailed("is no study");
        Assert.Equal(2, CrnProcess.Run("study", "serve", small.Folder, "--address", "everywhere").ExitCode);
    }

    [Fact]
    public async Task Ctrl_C_ends_it_and_tells_what_there_is()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no kill -INT.");
        using var small = new SmallStudy().CreateUsual();
        using var served = new ServedStudy(small);
        await served.Begin("ann");
        await served.Answer("ann", 0, "right");

        served.Process.Signal("INT");
        var outcome = served.Process.WaitForEnd();

        Assert.Equal(130, outcome.ExitCode);
        Assert.Empty(outcome.Errors);
        Assert.StartsWith("1 answers of 1 workers", outcome.Output[^1]);
    }
}
