using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace CrnMlNet.Study.Tests;

/// <summary>A study that <c>crn study serve</c> serves, in a process of its own.</summary>
internal sealed class ServedStudy : IDisposable
{
    private readonly HttpClient _client;

    public ServedStudy(SmallStudy study, params string[] more)
    {
        Process = CrnProcess.Start(["study", "serve", study.Folder, .. more.Contains("--port") ? more : ["--port", "0", .. more]]);
        string line = Process.WaitForOutput("The study ");
        Address = new Uri(line.Split(" is at ")[1].Split(' ')[0]);
        _client = new HttpClient { BaseAddress = new UriBuilder(Address) { Host = "127.0.0.1" }.Uri };
    }

    public CrnProcess Process { get; }

    public Uri Address { get; }

    public Task<HttpResponseMessage> Get(string path) => _client.GetAsync(path);

    public Task<byte[]> GetBytes(string path) => _client.GetByteArrayAsync(path);

    public Task<HttpResponseMessage> Post(string path, string body, string type = "application/json") => _client.PostAsync(path, new StringContent(body, Encoding.UTF8, type));

    public async Task<JsonElement> Begin(string worker)
    {
        using var reply = await _client.PostAsJsonAsync("begin", new { worker });
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        return await reply.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>The pairs of a worker's job that are not answered yet.</summary>
    public async Task<int[]> BeginPairs(string worker)
    {
        var job = await Begin(worker);
        var answered = job.GetProperty("answered").EnumerateArray().Select(id => id.GetInt32()).ToHashSet();
        return [.. job.GetProperty("pairs").EnumerateArray().Select(pair => pair.GetProperty("id").GetInt32()).Where(id => !answered.Contains(id))];
    }

    public async Task<HttpStatusCode> Answer(string worker, int pair, string choice)
    {
        using var reply = await _client.PostAsJsonAsync("answers", new { worker, pair, choice, decidedMilliseconds = 700.5 });
        return reply.StatusCode;
    }

    public void Dispose()
    {
        _client.Dispose();
        Process.Dispose();
    }
}
