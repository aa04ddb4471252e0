using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using CrnMlNet.Evaluation.Studies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace CrnMlNet.Study;

/// <summary>
/// The study as a small web app: one page that shows a worker the pairs of a job, and sends back each answer. It tells nothing of the
/// systems, and needs no other server.
/// </summary>
public sealed partial class StudyServer : IAsyncDisposable
{
    private const int LargestBody = 4096;
    private const double LongestMilliseconds = 1e9;
    private const string ContentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'";

    private readonly PairwiseStudy _study;
    private readonly string _images;
    private readonly AnswerStore _answers;
    private readonly WebApplication _app;

    private StudyServer(string folder, PairwiseStudy study, AnswerStore answers, IPEndPoint endpoint, Action<string> fault)
    {
        (_study, _answers) = (study, answers);
        _images = Path.GetFullPath(Path.Combine(folder, PairwiseStudy.ImagesFolder));

        // An empty builder: neither files nor variables around the study change what is served.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestBody;
            kestrel.Listen(endpoint);
        });
        builder.Services.AddRoutingCore();
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.RespectNullableAnnotations = true;
            json.SerializerOptions.RespectRequiredConstructorParameters = true;
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            json.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
        });
        _app = builder.Build();
        _app.Use(async (context, next) =>
        {
            context.Response.Headers.ContentSecurityPolicy = ContentPolicy;
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers["Referrer-Policy"] = "no-referrer";
            try
            {
                await next(context);
            }
            catch (Exception e) when (e is IOException and not BadHttpRequestException or SqliteException or UnauthorizedAccessException)
            {
                fault($"{context.Request.Method} {context.Request.Path}: {e.Message}");
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            }
        });
        _app.UseRouting();
        MapPage("/", "index.html", "text/html; charset=utf-8");
        MapPage("/study.js", "study.js", "text/javascript; charset=utf-8");
        MapPage("/study.css", "study.css", "text/css; charset=utf-8");
        _app.MapGet("/images/{file}", Image);
        _app.MapPost("/begin", BeginAsync);
        _app.MapPost("/answers", AnswerAsync);
        _app.UseEndpoints(_ => { });
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app.Urls.First());

    /// <summary>Starts to serve a study.</summary>
    /// <param name="folder">The folder that 'crn study create' made; the answers go into it.</param>
    /// <param name="endpoint">Where to listen; port 0 is any free one.</param>
    /// <param name="fault">Is told in a line of a request that failed through no fault of the worker's, as on a full disk.</param>
    /// <exception cref="IOException">The folder is no study or cannot be written to, or the port is taken.</exception>
    /// <exception cref="InvalidDataException">The study or its answers are damaged, or do not belong together.</exception>
    public static async Task<StudyServer> StartAsync(string folder, IPEndPoint endpoint, Action<string> fault)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(fault);
        var study = PairwiseStudy.Load(folder);
        foreach (var image in study.Images)
        {
            if (!File.Exists(Path.Combine(folder, PairwiseStudy.ImagesFolder, image.File)))
                throw new FileNotFoundException($"Study '{folder}' lacks the image '{PairwiseStudy.ImagesFolder}/{image.File}'. Copy the whole folder.");
        }

        var server = new StudyServer(folder, study, AnswerStore.Open(folder, study), endpoint, fault);
        try
        {
            await server._app.StartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>How many workers there are, and how many answers.</summary>
    public Task<(int Workers, int Answers)> CountAsync() => _answers.CountAsync();

    /// <summary>Finishes the requests that have begun, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _answers.Dispose();
    }

    private void MapPage(string path, string resource, string type)
    {
        using var stream = typeof(StudyServer).Assembly.GetManifestResourceStream(resource)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        _app.MapGet(path, () => Results.Bytes(bytes, type));
    }

    private IResult Image(string file, HttpResponse response)
    {
        // Only what the study names, so that no path leads elsewhere.
        if (_study.FindImage(file) is null)
            return Results.NotFound();
        response.Headers.CacheControl = "private, max-age=604800, immutable";
        return Results.File(Path.Combine(_images, file), Path.GetExtension(file) switch { ".png" => "image/png", ".webp" => "image/webp", _ => "image/jpeg" });
    }

    private async Task<IResult> BeginAsync(BeginRequest request)
    {
        if (!WorkerForm().IsMatch(request.Worker))
            return BadWorker();
        var job = await _answers.BeginAsync(request.Worker);
        return Results.Ok(new
        {
            _study.Question,
            Pairs = _study.Jobs[job.Number].Select(pair => new { pair.Id, pair.Left, pair.Right, pair.Milliseconds }),
            job.Answered,
        });
    }

    private async Task<IResult> AnswerAsync(AnswerRequest request)
    {
        if (!WorkerForm().IsMatch(request.Worker))
            return BadWorker();
        foreach (double? milliseconds in (double?[])[request.ShownMilliseconds, request.DecidedMilliseconds])
        {
            if (milliseconds is < 0 or > LongestMilliseconds)
                return Results.Text("A time is out of its range.", statusCode: StatusCodes.Status400BadRequest);
        }
        var outcome = await _answers.AnswerAsync(new StudyAnswer(request.Worker, request.Pair, request.Choice, request.ShownMilliseconds), request.DecidedMilliseconds);
        return outcome switch
        {
            AnswerOutcome.Saved => Results.NoContent(),
            AnswerOutcome.AnsweredOtherwise => Results.Text("This pair has been answered otherwise before; that answer stays.", statusCode: StatusCodes.Status409Conflict),
            _ => Results.Text("This pair is not of your job. Load the page again.", statusCode: StatusCodes.Status404NotFound),
        };
    }

    private static IResult BadWorker() => Results.Text("A worker is named by 1 to 64 letters, digits, dots, dashes and underscores.", statusCode: StatusCodes.Status400BadRequest);

    [GeneratedRegex("^[A-Za-z0-9._-]{1,64}\\z")]
    private static partial Regex WorkerForm();

    private sealed record BeginRequest(string Worker);

    private sealed record AnswerRequest(string Worker, int Pair, Side Choice, double? ShownMilliseconds = null, double? DecidedMilliseconds = null);
}
