using CrnMlNet.Tests.Data;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Tests.Pipelines;

/// <summary>A row to learn from: small stripes of CamVid's classes, and the photo of them.</summary>
public sealed class Pair
{
    [ImageType(Samples.Height, Samples.Width)]
    public MLImage? Labels { get; set; }

    [ImageType(Samples.Height, Samples.Width)]
    public MLImage? Photo { get; set; }
}

/// <summary>A row to score, with something beside the labels.</summary>
public sealed class Scene
{
    public int Number { get; set; }

    [ImageType(Samples.Height, Samples.Width)]
    public MLImage? Labels { get; set; }
}

/// <summary>What a scored row has.</summary>
public sealed class Synthesis
{
    public int Number { get; set; }

    [ImageType(Samples.Height, Samples.Width)]
    public MLImage? Synthesized { get; set; }
}

/// <summary>A row whose images are files.</summary>
public sealed class Files
{
    public string LabelPath { get; set; } = "";

    public string PhotoPath { get; set; } = "";
}

/// <summary>Training and scoring data so small that a test trains in a second.</summary>
internal static class Samples
{
    public const int Height = 24;
    public const int Width = 32;

    /// <summary>The CamVid id of a pixel: eleven upright stripes that begin with another class in each image.</summary>
    public static byte Id(int number, int x, int width = Width) => (byte)((x * 11 / width + number) % 11);

    public static MLImage Labels(int number, int width = Width, int height = Height)
        => Images.Gray(width, height, [.. Enumerable.Range(0, width * height).Select(i => Id(number, i % width, width))]);

    public static MLImage Photo(int number, int width = Width, int height = Height)
        => Images.Colored(width, height, [.. Enumerable.Range(0, width * height).Select(i => PhotoColor(number, i % width, i / width, width))]);

    public static List<Pair> Pairs(int count = 4)
        => [.. Enumerable.Range(0, count).Select(i => new Pair { Labels = Labels(i), Photo = Photo(i) })];

    public static List<Scene> Scenes(int count = 4)
        => [.. Enumerable.Range(0, count).Select(i => new Scene { Number = 100 + i, Labels = Labels(i) })];

    /// <summary>Index PNGs and photos as files, and rows with their names.</summary>
    public static List<Files> WriteFiles(TemporaryFolder folder, int count = 4)
    {
        var rows = new List<Files>();
        for (var i = 0; i < count; i++)
        {
            var row = new Files { LabelPath = $"label{i}.png", PhotoPath = $"photo{i}.png" };
            PngWriter.Write(folder[row.LabelPath], Width, Height, PngWriter.Gray, [.. Enumerable.Range(0, Width * Height).Select(p => Id(i, p % Width))]);
            PngWriter.Write(folder[row.PhotoPath], Width, Height, PngWriter.Rgb, [.. Enumerable.Range(0, Width * Height)
                .Select(p => PhotoColor(i, p % Width, p / Width, Width)).SelectMany(c => new[] { c.R, c.G, c.B })]);
            rows.Add(row);
        }

        return rows;
    }

    public static SynthesizeFromLabelsEstimator.Options TinyOptions() => new() { Height = Height, Width = Width, WidthFactor = 1.0 / 64, Epochs = 1 };

    public static SynthesizeFromLabelsTransformer Train(SynthesizeFromLabelsEstimator.Options? options = null, int pairs = 4, int contextSeed = 1)
    {
        var mlContext = new MLContext(contextSeed);
        return mlContext.Transforms.SynthesizeFromLabels(options ?? TinyOptions()).Fit(mlContext.Data.LoadFromEnumerable(Pairs(pairs)));
    }

    public static byte[] Pixels(this MLImage image) => image.Pixels.ToArray();

    /// <summary>All photos of a column, each read out before the cursor goes on.</summary>
    public static List<byte[]> ReadPhotos(IDataView data, string column = "Synthesized")
    {
        var photos = new List<byte[]>();
        using var cursor = data.GetRowCursor([data.Schema[column]]);
        var getter = cursor.GetGetter<MLImage>(data.Schema[column]);
        MLImage photo = null!;
        while (cursor.MoveNext())
        {
            getter(ref photo);
            photos.Add(photo.Pixels());
            photo.Dispose();
        }

        return photos;
    }

    private static RgbColor PhotoColor(int number, int x, int y, int width)
    {
        var color = LabelPalette.CamVid.ColorOf(Id(number, x, width));
        return new((byte)(color.R / 2 + 3 * y), (byte)(color.G / 2 + 2 * y), (byte)(color.B / 2 + y));
    }
}
