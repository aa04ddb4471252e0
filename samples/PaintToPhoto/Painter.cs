using System.Diagnostics;
using CrnMlNet;
using Microsoft.ML;
using Microsoft.ML.Data;
using SkiaSharp;

namespace PaintToPhoto;

/// <summary>One model, shared by everyone who paints.</summary>
internal sealed class Painter : IDisposable
{
    private readonly SynthesizeFromLabelsTransformer _model;

    private Painter(SynthesizeFromLabelsTransformer model)
    {
        _model = model;
        // The first photo takes longer than all others: memory is taken and code is compiled.
        var blank = new byte[Pixels];
        Time = Enumerable.Range(0, 4).Min(_ =>
        {
            var clock = Stopwatch.StartNew();
            Paint(blank);
            return clock.Elapsed;
        });
    }

    public LabelPalette Palette => _model.Palette;

    public int Height => _model.Architecture.Height;

    public int Width => _model.Architecture.Width;

    public int Pixels => Height * Width;

    /// <summary>How many photos it paints of a layout.</summary>
    public int Images => _model.OutputColumnNames.Count;

    /// <summary>How long that takes with nothing else to do.</summary>
    public TimeSpan Time { get; }

    /// <summary>Loads a model that <c>crn train</c> or a pipeline saved.</summary>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="FormatException">It is damaged, or not a model that paints photos from labels.</exception>
    public static Painter Load(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"Model '{path}' does not exist.", path);
        ITransformer loaded;
        try
        {
            loaded = new MLContext().Model.Load(path, out _);
        }
        catch (Exception e) when (e is not (IOException or UnauthorizedAccessException or OutOfMemoryException))
        {
            throw new FormatException($"Model '{path}' is damaged, or not an ML.NET model: {(e.InnerException ?? e).Message}", e);
        }
        return new Painter(Synthesizers(loaded).FirstOrDefault()
            ?? throw new FormatException($"Model '{path}' is an ML.NET model that does not synthesize from labels."));
    }

    /// <summary>Paints.</summary>
    /// <param name="channels">The palette's channel of every pixel, row by row.</param>
    /// <returns>A PNG with all photos of the layout, one below the other.</returns>
    public byte[] Paint(byte[] channels)
    {
        var photos = _model.SynthesizeAll(channels);
        try
        {
            return Png(photos);
        }
        finally
        {
            foreach (var photo in photos)
                photo.Dispose();
        }
    }

    /// <summary>A label image as the model sees it: the palette's channel of every pixel.</summary>
    /// <exception cref="InvalidOperationException">It has ids or colours that the palette lacks.</exception>
    public byte[] Read(LabelMap labels) => _model.ReadLabels(labels);

    public void Dispose() => _model.Dispose();

    /// <summary>The images as one PNG, one below the other.</summary>
    public static byte[] Png(IReadOnlyList<MLImage> images)
    {
        var pixels = new byte[images.Sum(image => image.Pixels.Length)];
        for (int i = 0, at = 0; i < images.Count; at += images[i++].Pixels.Length)
            images[i].Pixels.CopyTo(pixels.AsSpan(at));
        var order = images[0].PixelFormat == MLPixelFormat.Rgba32 ? SKColorType.Rgba8888 : SKColorType.Bgra8888;
        using var image = SKImage.FromPixelCopy(new SKImageInfo(images[0].Width, images.Sum(image => image.Height), order, SKAlphaType.Opaque), pixels);
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static IEnumerable<SynthesizeFromLabelsTransformer> Synthesizers(ITransformer model) => model switch
    {
        SynthesizeFromLabelsTransformer synthesizer => [synthesizer],
        IEnumerable<ITransformer> chain => chain.SelectMany(Synthesizers),
        _ => [],
    };
}
