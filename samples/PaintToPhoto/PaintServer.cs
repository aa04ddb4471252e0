using System.Net;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace PaintToPhoto;

/// <summary>The web server.</summary>
internal static class PaintServer
{
    public const string DefaultUrl = "http://127.0.0.1:5080";

    private const int MostConnections = 4096;

    /// <summary>Serves until the program is stopped.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="FormatException">A model is damaged.</exception>
    /// <exception cref="IOException">A file cannot be read, or the address is in use.</exception>
    public static async Task<int> RunAsync(PaintSettings settings, CancellationToken stop)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseUrls(settings.Url);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            // Far above what is read of any request: who sends somewhat too much gets an answer, not a closed connection.
            kestrel.Limits.MaxRequestBodySize = 8 * LabelUpload.LargestFile;
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 1000, gracePeriod: TimeSpan.FromSeconds(5));
        });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddProblemDetails();
        builder.Services.AddRateLimiter(PhotoEndpoints.Limit);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton<PaintQueue>();
        builder.Services.AddSingleton<StudioOpening>();
        builder.Services.AddHostedService(services => services.GetRequiredService<StudioOpening>());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(20));
        // A page of elsewhere whose name is made to point here must not reach what only this machine is meant to.
        if (IsLoopback(settings.Url))
            builder.Services.Configure<HostFilteringOptions>(filter => filter.AllowedHosts = ["localhost", "127.0.0.1", "[::1]"]);
        builder.Services.AddHostFiltering(_ => { });

        await using var app = builder.Build();
        var opening = app.Services.GetRequiredService<StudioOpening>();
        opening.OpenIfTrained();

        app.UseHostFiltering();
        app.Use(AddHeaders);
        app.UseExceptionHandler(new ExceptionHandlerOptions { StatusCodeSelector = StatusOf });
        app.UseStatusCodePages();
        app.UseDefaultFiles();
        app.UseStaticFiles();
        app.UseRateLimiter();
        app.MapPhotos();

        await app.StartAsync(stop);
        Console.WriteLine($"Open {app.Urls.First()} in a browser. Ctrl-C ends it.");
        await app.WaitForShutdownAsync(stop);
        if (opening.Failure is not { } failure)
            return 0;
        await Console.Error.WriteLineAsync($"PaintToPhoto: {failure.Message}");
        return 1;
    }

    private static bool IsLoopback(string url)
        => Uri.TryCreate(url, UriKind.Absolute, out var uri) && (uri.IsLoopback || (IPAddress.TryParse(uri.Host, out var address) && IPAddress.IsLoopback(address)));

    private static Task AddHeaders(HttpContext context, RequestDelegate next)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-cache";
        return next(context);
    }

    private static int StatusOf(Exception exception) => exception switch
    {
        Microsoft.AspNetCore.Http.BadHttpRequestException bad => bad.StatusCode,
        _ => StatusCodes.Status500InternalServerError,
    };
}
