using Microsoft.ML.Data;

namespace CrnMlNet.Cli.Tests;

/// <summary>
/// A folder for one test with a few small pairs in it: sky above road, and a car that moves from scene to scene; ids and
/// colours are CamVid's.
/// </summary>
internal sealed class Scenes : IDisposable
{
    public const int Height = 40;
    public const int Width = 60;

    private const byte Sky = 0, Road = 3, Car = 8;

    public Scenes(int count = 6)
    {
        Root = Directory.CreateTempSubdirectory("crn-tests-").FullName;
        foreach (var folder in new[] { Labels, Photos, Output })
            Directory.CreateDirectory(folder);
        for (int i = 0; i < count; i++)
        {
            Save(Label(i), Draw((x, y) => Gray(IdAt(x, y, i))));
            Save(Photo(i), Draw((x, y) => PhotoAt(x, y, i)));
        }
    }

    public string Root { get; }

    public string Labels => In("labels");

    public string Photos => In("photos");

    /// <summary>Where models and photos go; empty at first.</summary>
    public string Output => In("output");

    public string Model => Path.Combine(Output, "model.zip");

    public string In(string name) => Path.Combine(Root, name);

    public string Label(int scene) => Path.Combine(Labels, $"scene{scene}.png");

    /// <summary>Photos are PNG and JPEG by turns.</summary>
    public string Photo(int scene) => Path.Combine(Photos, $"scene{scene}.{(scene % 2 == 0 ? "png" : "jpg")}");

    /// <summary>The arguments of a training of a second or two; <paramref name="more"/> outranks them.</summary>
    public string[] TrainArguments(params string[] more) =>
    [
        "train", "--labels", Labels, "--photos", Photos, "--output", Model,
        .. new[] { ("--height", "32"), ("--width", "48"), ("--width-factor", "0.015625"), ("--epochs", "1") }
            .Where(option => !more.Contains(option.Item1) && !(more.Contains("--stages") && option.Item1 != "--width-factor")).SelectMany(option => new[] { option.Item1, option.Item2 }),
        .. more,
    ];

    public Outcome Train(params string[] more) => CrnProcess.Run(TrainArguments(more));

    public Outcome Synthesize(string model, string labels, params string[] more)
        => CrnProcess.Run(["synthesize", "--model", model, "--labels", labels, "--output", Output, .. more]);

    public void AssertNothingWritten() => Assert.Empty(Directory.EnumerateFileSystemEntries(Output));

    public static (byte R, byte G, byte B) Gray(byte value) => (value, value, value);

    public static MLImage Draw(Func<int, int, (byte R, byte G, byte B)> colour, int width = Width, int height = Height)
    {
        var pixels = new byte[4 * width * height];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                var (r, g, b) = colour(x, y);
                new[] { b, g, r, (byte)255 }.CopyTo(pixels, 4 * (y * width + x));
            }
        }

        return MLImage.CreateFromPixels(width, height, MLPixelFormat.Bgra32, pixels);
    }

    public static void Save(string path, MLImage image)
    {
        using (image)
            ImageFile.Save(image, path);
    }

    public static byte IdAt(int x, int y, int scene)
    {
        if (y is > 18 and < 30 && x > 5 * scene && x < 5 * scene + 20)
            return Car;
        return y < Height / 2 ? Sky : Road;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private static (byte R, byte G, byte B) PhotoAt(int x, int y, int scene) => IdAt(x, y, scene) switch
    {
        Sky => (120, 160, (byte)(200 + y)),
        Road => ((byte)(80 + (x * 7 + y * 13) % 20), 85, 90),
        _ => (180, 30, 30),
    };
}
