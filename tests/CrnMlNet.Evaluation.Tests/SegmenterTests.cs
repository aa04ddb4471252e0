using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Evaluation.Tests;

public sealed class SegmenterTests : IClassFixture<SegmenterTests.Trained>, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Trained _trained;

    public SegmenterTests(Trained trained) => _trained = trained;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ItFindsWhatItHasLearnedInPhotosThatItHasNotSeen()
    {
        var real = RealPairs.Read(_trained.Context, Shapes.View(_trained.Context, 4, seed: 9), Shapes.Columns, TestContext.Current.CancellationToken);

        var scores = _trained.Segmenter.Measure(real).Scores(VoidPolicy.Ignored);

        Assert.True(scores.PixelAccuracy > 0.95, $"{scores}");
        Assert.True(scores.MeanIoU > 0.85, $"{scores}");
        // It tells a class where void is labelled, too: 1 in 16 pixels.
        Assert.Equal(15 / 16.0 * scores.PixelAccuracy, _trained.Segmenter.Measure(real).Scores(VoidPolicy.Error).PixelAccuracy, 1e-9);
        Assert.True(_trained.Progress[^1].Loss < 0.3 * _trained.Progress[0].Loss);
    }

    [Fact]
    public void ItIsTheSameBehindAFile()
    {
        string path = _folder["segmenter.safetensors"];
        using (var stream = File.Create(path))
            _trained.Segmenter.Save(stream);
        using var loaded = Segmenter.Load(path);
        var photo = Shapes.Draw(3, seed: 7)[2].Photo;

        Assert.Equal(_trained.Segmenter.Segment(photo), loaded.Segment(photo));
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path))), loaded.Hash);
        Assert.Equal((_trained.Segmenter.Hash, _trained.Segmenter.Name), (loaded.Hash, loaded.Name));
        Assert.Equal(["left", "right", "square"], loaded.Description.Classes);
        Assert.Equal((32, 32, 12, 12), (loaded.Description.Height, loaded.Description.Width, loaded.Description.Pairs, loaded.Description.Epochs));
    }

    [Fact]
    public void OtherClassesAndMissingColumnsAreRefused()
    {
        var real = new RealPairs([Pictures.Constant(16, 16, 1)], [new byte[256]], ["left", "right"]);
        Assert.Contains("left, right, square", Assert.Throws<ArgumentException>(() => _trained.Segmenter.Measure(real)).Message);
        Assert.Contains("no column 'Picture'; it has 'Labels', 'Photo'", Assert.Throws<ArgumentOutOfRangeException>(
            () => RealPairs.Read(_trained.Context, Shapes.View(_trained.Context, 1, 0), Shapes.Columns with { PhotoColumnName = "Picture" }, TestContext.Current.CancellationToken)).Message);
    }

    [Fact]
    public void RealPairsAreTheViewsRowsAtTheWorkingSize()
    {
        var drawn = Shapes.Draw(2, seed: 5);

        var real = RealPairs.Read(_trained.Context, Shapes.View(_trained.Context, 2, seed: 5), Shapes.Columns, TestContext.Current.CancellationToken);

        Assert.Equal((2, 32, 32), (real.Count, real.Height, real.Width));
        Assert.Equal(["left", "right", "square"], real.Classes);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(drawn[i].Layout, real.Layouts![i]);
            Assert.Equal(drawn[i].Photo.Planes, real.Photos[i].Planes);
        }
    }

    /// <summary>A segmenter that has learned the shapes.</summary>
    public sealed class Trained : IDisposable
    {
        public Trained() => Segmenter = Segmenter.Train(
            Context, Shapes.View(Context, 12, seed: 1),
            new SegmenterOptions { Pairs = Shapes.Columns, Training = new SegmentationTrainingOptions { Epochs = 12, BatchSize = 4, LearningRate = 4e-3 } }, Progress.Add);

        public MLContext Context { get; } = new(seed: 1);

        public Segmenter Segmenter { get; }

        public List<TrainingProgress> Progress { get; } = [];

        public void Dispose() => Segmenter.Dispose();
    }
}

/// <summary>Pairs of 32x32: the left half dark stripes, the right half light, a green square somewhere, and the first two rows void.</summary>
internal static class Shapes
{
    public const int Side = 32;

    public static LabelPalette Palette { get; } = LabelPalette.FromJson(
        """
        { "name": "shapes", "classes": [ { "id": 0, "name": "left", "color": "#000080" }, { "id": 1, "name": "right", "color": "#800000" }, { "id": 2, "name": "square", "color": "#008000" } ], "voidIds": [3] }
        """);

    public static PairColumns Columns { get; } = new() { Palette = Palette, Height = Side, Width = Side };

    public static IReadOnlyList<(byte[] Layout, RgbImage Photo)> Draw(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            int left = random.Next(Side - 12), top = 2 + random.Next(Side - 14);
            byte Class(int y, int x) => (byte)(y < 2 ? 3 : x >= left && x < left + 12 && y >= top && y < top + 12 ? 2 : x < Side / 2 ? 0 : 1);
            byte[] layout = [.. Enumerable.Range(0, Side * Side).Select(i => Class(i / Side, i % Side))];
            var photo = Pictures.Of(Side, Side, (colour, y, x) => random.Next(20) + (layout[y * Side + x] switch
            {
                0 => x % 4 < 2 ? 30 : 80,
                1 => 200,
                2 => colour == 1 ? 180 : 40,
                _ => 120,
            }));
            return (layout, photo);
        })];
    }

    public static IDataView View(MLContext context, int count, int seed)
    {
        DataViewTypeManager.Register(new ImageDataViewType(), typeof(MLImage));
        return context.Data.LoadFromEnumerable(Draw(count, seed).Select(pair => new Row { Labels = LabelImage(pair.Layout), Photo = ToImage(pair.Photo) }).ToArray());
    }

    public static MLImage LabelImage(byte[] layout) => Image((_, i) => layout[i]);

    public static MLImage ToImage(RgbImage photo)
    {
        byte[] planes = photo.Planes.ToArray();
        return Image((colour, i) => planes[colour * Side * Side + i]);
    }

    private static MLImage Image(Func<int, int, byte> value) => MLImage.CreateFromPixels(
        Side, Side, MLPixelFormat.Bgra32, [.. Enumerable.Range(0, Side * Side).SelectMany(i => new[] { value(2, i), value(1, i), value(0, i), (byte)255 })]);

    private sealed class Row
    {
        public required MLImage Labels { get; init; }

        public required MLImage Photo { get; init; }
    }
}
