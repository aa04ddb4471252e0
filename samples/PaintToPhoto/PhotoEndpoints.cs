using System.Net.Mime;
using System.Threading.RateLimiting;
using CrnMlNet;
using Microsoft.AspNetCore.RateLimiting;

namespace PaintToPhoto;

/// <summary>What the page asks for. Whatever is wrong with a request is told in problem+json.</summary>
internal static class PhotoEndpoints
{
    private const string Painter = "X-Painter";
    private const int LongestPainter = 64;
    private const string Uploads = "uploads";
    private const int MostUploads = 4;
    private static readonly TimeSpan PhotoPatience = TimeSpan.FromSeconds(2);

    /// <summary>Files that are being read take memory: few at a time.</summary>
    public static void Limit(RateLimiterOptions limits)
    {
        limits.AddConcurrencyLimiter(Uploads, uploads => (uploads.PermitLimit, uploads.QueueLimit) = (MostUploads, 0));
        limits.OnRejected = async (rejection, _) => await Refuse(rejection.HttpContext, $"{MostUploads} label maps are being read. Try again in a moment.").ExecuteAsync(rejection.HttpContext);
    }

    public static void MapPhotos(this WebApplication app)
    {
        var api = app.MapGroup("/api");
        api.MapGet("/status", Status);
        api.MapGet("/status/picture", (StudioOpening opening) => opening.News.Picture is { } png ? Results.Bytes(png, MediaTypeNames.Image.Png) : Results.NotFound());
        api.MapGet("/model", (StudioOpening opening) => opening.Studio is { } studio ? Results.Ok(Describe(studio)) : NotYet());
        api.MapGet("/examples/{name}", (string name, StudioOpening opening) => opening.Studio is not { } studio ? NotYet()
            : studio.Examples.Find(name) is { } channels ? Results.Bytes(channels)
            : Problem(StatusCodes.Status404NotFound, "There is no such example."));
        api.MapPost("/photo", (HttpContext context, StudioOpening opening, PaintQueue queue) => Paint(context, opening, queue, studio => studio.Photo, PhotoPatience));
        api.MapPost("/preview", (HttpContext context, StudioOpening opening, PaintQueue queue) => Paint(context, opening, queue, studio => studio.Preview ?? studio.Photo, TimeSpan.Zero));
        api.MapPost("/labels", Upload).RequireRateLimiting(Uploads);
        api.MapFallback(() => Problem(StatusCodes.Status404NotFound, "There is no such address."));
    }

    private static object Status(StudioOpening opening) => new
    {
        ready = opening.Studio is not null,
        what = opening.News.What,
        done = opening.News.Done,
        secondsLeft = Math.Round(opening.News.Remaining.TotalSeconds),
        hasPicture = opening.News.Picture is not null,
    };

    private static object Describe(Studio studio)
    {
        var palette = studio.Photo.Palette;
        return new
        {
            name = palette.Name,
            images = studio.Photo.Images,
            photo = Size(studio.Photo),
            preview = studio.Preview is { } preview ? Size(preview) : null,
            classes = palette.Classes.Select(label => new { name = label.Name, color = label.Color.ToString(), id = label.Id }),
            // Void can be painted where a label file can say it.
            @void = palette.VoidIds.Count == 0 ? null : new { name = "void", color = palette.ColorOf(palette.VoidChannel).ToString(), id = palette.VoidIds[0] },
            examples = studio.Examples.Names,
        };

        static object Size(Painter painter) => new { width = painter.Width, height = painter.Height, milliseconds = Math.Round(painter.Time.TotalMilliseconds) };
    }

    private static async Task<IResult> Paint(HttpContext context, StudioOpening opening, PaintQueue queue, Func<Studio, Painter> choose, TimeSpan patience)
    {
        if (opening.Studio is not { } studio)
            return NotYet();
        var painter = choose(studio);
        if (context.Request.ContentType != MediaTypeNames.Application.Octet)
            return Problem(StatusCodes.Status415UnsupportedMediaType, $"Send the channels as {MediaTypeNames.Application.Octet}, one byte a pixel.");
        if (context.Request.ContentLength is not { } length)
            return Problem(StatusCodes.Status411LengthRequired, $"Say the length: {painter.Width} x {painter.Height} bytes.");
        if (length != painter.Pixels)
            return Problem(
                length > painter.Pixels ? StatusCodes.Status413PayloadTooLarge : StatusCodes.Status400BadRequest,
                $"The model paints {painter.Width} x {painter.Height} pixels and takes one byte for each, {painter.Pixels:N0}; {length:N0} came.");
        var channels = new byte[length];
        await context.Request.Body.ReadExactlyAsync(channels, context.RequestAborted);
        int foreign = channels.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)painter.Palette.VoidChannel);
        if (foreign >= 0)
            return Problem(
                StatusCodes.Status400BadRequest,
                $"Row {foreign / painter.Width}, column {foreign % painter.Width} has channel {channels[foreign]}; the palette has 0 to {painter.Palette.VoidChannel}.");
        return await InTurn(context, queue, patience, () => painter.Paint(channels), MediaTypeNames.Image.Png);
    }

    private static async Task<IResult> Upload(HttpContext context, StudioOpening opening, PaintQueue queue)
    {
        if (opening.Studio is not { } studio)
            return NotYet();
        if (context.Request.ContentType != MediaTypeNames.Image.Png)
            return Problem(StatusCodes.Status415UnsupportedMediaType, "This is not a PNG file. Choose a label map that is one.");
        if (await LabelUpload.Receive(context.Request.Body, context.Request.ContentLength, context.RequestAborted) is not { } file)
            return Problem(StatusCodes.Status413PayloadTooLarge, $"The file is larger than {LabelUpload.LargestFile:N0} bytes, the most that is read of a label map.");
        return await InTurn(context, queue, TimeSpan.Zero, () => LabelUpload.Read(file, studio.Photo), MediaTypeNames.Application.Octet);
    }

    private static async Task<IResult> InTurn(HttpContext context, PaintQueue queue, TimeSpan patience, Func<byte[]> work, string type)
    {
        string painter = context.Request.Headers[Painter].ToString() is { Length: > 0 and <= LongestPainter } named ? named : $"{context.Connection.RemoteIpAddress}";
        try
        {
            return Results.Bytes(await queue.Run(painter, patience, work, context.RequestAborted), type);
        }
        catch (QueueFullException e)
        {
            return Refuse(context, e.Message);
        }
        catch (OperationCanceledException)
        {
            // The page has thought better of it, and nobody reads this; or the program ends.
            return Problem(StatusCodes.Status503ServiceUnavailable, "The photo was not painted.");
        }
        catch (InvalidDataException e)
        {
            return Problem(StatusCodes.Status400BadRequest, e.Message);
        }
    }

    private static IResult Refuse(HttpContext context, string detail)
    {
        context.Response.Headers.RetryAfter = "1";
        return Problem(StatusCodes.Status429TooManyRequests, detail);
    }

    private static IResult NotYet() => new RetryLater();

    private static IResult Problem(int status, string detail) => Results.Problem(detail, statusCode: status);

    private sealed class RetryLater : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers.RetryAfter = "2";
            return Problem(StatusCodes.Status503ServiceUnavailable, "The model is still being trained; /api/status tells how far it is.").ExecuteAsync(httpContext);
        }
    }
}
