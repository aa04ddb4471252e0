using CrnMlNet;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

[assembly: AssemblyFixture(typeof(PaintToPhoto.Tests.PaintedModels))]

namespace PaintToPhoto.Tests;

/// <summary>Models that are trained in seconds on scenes of one colour for each class, so that it can be told from a photo what was painted.</summary>
public sealed class PaintedModels : IDisposable
{
    public const int Height = 32, Width = 64, PreviewHeight = 16, PreviewWidth = 32;
    public const byte Sky = 0, Road = 1, Car = 2, Unlabelled = 3;

    private static readonly LabelPalette Palette = new(
        "three classes", [new("sky", new(70, 130, 180), 10), new("road", new(128, 64, 128), 20), new("car", new(0, 0, 142), 30)], voidIds: [255], voidColors: [new(0, 0, 0)]);

    /// <summary>The palette's colours, void's last.</summary>
    internal static readonly List<(byte R, byte G, byte B)> Colours = [(70, 130, 180), (128, 64, 128), (0, 0, 142), (0, 0, 0)];

    /// <summary>What the photos show of each class.</summary>
    public static readonly RgbColor[] Paint = [new(120, 190, 250), new(90, 90, 90), new(220, 30, 30), new(0, 0, 0)];

    private readonly TemporaryFolder _folder = new();
    private readonly Lazy<PaintProcess> _server;

    public PaintedModels()
    {
        _server = new(() => Serve());
        Train(ModelPath, Palette, Height, Width, epochs: 12, images: 1, learningRate: 1e-2);
        Train(PreviewModelPath, Palette, PreviewHeight, PreviewWidth, epochs: 12, images: 1, learningRate: 1e-2);
        Train(DiverseModelPath, LabelPalette.CamVid, 24, 32, epochs: 1, images: 3, learningRate: 1e-3);
        Directory.CreateDirectory(ExamplesFolder);
        PngWriter.Write(System.IO.Path.Combine(ExamplesFolder, "first scene.png"), Width, Height, PngWriter.Gray, [.. Scene(1).Select(channel => (byte)Palette.Classes[channel].Id)]);
        PngWriter.Write(System.IO.Path.Combine(ExamplesFolder, "second.png"), 2 * Width, 2 * Height, PngWriter.Gray, [.. Enumerable.Repeat((byte)20, 4 * Width * Height)]);
    }

    public string ModelPath => _folder["model.zip"];

    public string PreviewModelPath => _folder["preview.zip"];

    /// <summary>CamVid's eleven classes, three photos of a layout.</summary>
    public string DiverseModelPath => _folder["diverse.zip"];

    public string ExamplesFolder => _folder["examples"];

    /// <summary>A server that all tests may paint at.</summary>
    internal PaintProcess Server => _server.Value;

    /// <summary>Another one, for a test that ends it or wears it out.</summary>
    internal PaintProcess Serve() => PaintProcess.Serve("--model", ModelPath, "--preview-model", PreviewModelPath, "--examples", ExamplesFolder);

    /// <summary>The photos that a model paints, in this process.</summary>
    internal static PagePhoto[] Photos(string path, byte[] channels)
    {
        using var model = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(path, out _);
        var images = model.SynthesizeAll(channels);
        var photos = images.Select(PagePhoto.FromImage).ToArray();
        foreach (var image in images)
            image.Dispose();
        return photos;
    }

    /// <summary>Sky above road, and a car whose place depends on the number.</summary>
    public static byte[] Scene(int number, int height = Height, int width = Width)
        => [.. Enumerable.Range(0, height * width).Select(i => ChannelAt(i / width * Height / height, i % width * Width / width, number))];

    private static byte ChannelAt(int y, int x, int number)
    {
        int left = number * 13 % 44, top = number * 7 % 20;
        if (x >= left && x < left + 20 && y >= top && y < top + 12)
            return Car;
        return y < Height / 2 + number % 5 ? Sky : Road;
    }

    public void Dispose()
    {
        if (_server.IsValueCreated)
            _server.Value.Dispose();
        _folder.Dispose();
    }

    private static void Train(string path, LabelPalette palette, int height, int width, int epochs, int images, double learningRate)
    {
        var mlContext = new MLContext(seed: 1);
        var pairs = Enumerable.Range(0, 12).Select(number => new Pair
        {
            Labels = Draw(height, width, number, channel => Gray(palette.Classes[channel].Id)),
            Photo = Draw(height, width, number, channel => Paint[channel]),
        }).ToList();
        using var model = mlContext.Transforms.SynthesizeFromLabels(new SynthesizeFromLabelsEstimator.Options
        {
            Palette = palette,
            Height = height,
            Width = width,
            WidthFactor = 1.0 / 64,
            NoiseChannels = 0,
            Epochs = epochs,
            ImagesPerLayout = images,
            LearningRate = learningRate,
        }).Fit(mlContext.Data.LoadFromEnumerable(pairs));
        mlContext.Model.Save(model, null, path);
        foreach (var pair in pairs)
        {
            pair.Labels!.Dispose();
            pair.Photo!.Dispose();
        }
    }

    private static RgbColor Gray(int id) => new((byte)id, (byte)id, (byte)id);

    private static MLImage Draw(int height, int width, int number, Func<byte, RgbColor> colour)
        => MLImage.CreateFromPixels(width, height, MLPixelFormat.Bgra32, [.. Scene(number, height, width).Select(colour).SelectMany(c => new[] { c.B, c.G, c.R, (byte)255 })]);

    private sealed class Pair
    {
        [ImageType(Height, Width)]
        public MLImage? Labels { get; set; }

        [ImageType(Height, Width)]
        public MLImage? Photo { get; set; }
    }
}
