using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Tests.Rows;

/// <summary>What is wrong with a label image is told with its row and column, whoever asks for the photo.</summary>
public class BadLabelsTests(TrainedModel model)
{
    private const int Row = 2;

    [Theory]
    [MemberData(nameof(InFiles))]
    public void In_a_file(string fault, string[] parts)
    {
        using var folder = new TemporaryFolder();
        var files = Samples.WriteFiles(folder, 4);
        Spoil(folder[files[Row].LabelPath], fault);
        var rows = model.MLContext.Data.LoadFromEnumerable(files);
        using var chain = model.MLContext.Transforms.LoadImages("Labels", folder.Path, "LabelPath").Fit(rows).Append((SynthesizeFromLabelsTransformer)model.Load());
        using var engine = model.MLContext.Model.CreatePredictionEngine<Files, Painted>(chain, new PredictionEngineOptions { OwnsTransformer = false });

        AssertTold(chain.LastTransformer, () => Samples.ReadPhotos(chain.Transform(rows)), [$"row {Row}, column 'Labels'", .. parts]);
        for (var row = 0; row < Row; row++)
            engine.Predict(files[row]).Synthesized!.Dispose();
        // An engine's rows are counted from its first prediction.
        AssertTold(() => engine.Predict(files[Row]), [$"row {Row}, column 'Labels'", .. parts]);
        engine.Predict(files[Row + 1]).Synthesized!.Dispose();
    }

    [Theory]
    [MemberData(nameof(InImages))]
    public void In_memory(string fault, string[] parts)
    {
        var scenes = Samples.Scenes(4);
        scenes[Row].Labels = Spoiled(fault);
        using var transformer = (SynthesizeFromLabelsTransformer)model.Load();
        var rows = model.MLContext.Data.LoadFromEnumerable(scenes);
        using var engine = model.MLContext.Model.CreatePredictionEngine<Scene, Synthesis>(transformer, new PredictionEngineOptions { OwnsTransformer = false });

        AssertTold(transformer, () => Samples.ReadPhotos(transformer.Transform(rows)), [$"row {Row}, column 'Labels'", .. parts]);
        AssertTold(() => engine.Predict(scenes[Row]), ["row 0, column 'Labels'", .. parts]);
        engine.Predict(scenes[Row + 1]).Synthesized!.Dispose();
    }

    public static TheoryData<string, string[]> InFiles => new()
    {
        { "missing", ["label2.png"] },
        { "no image", [] },
        { "truncated", ["label2.png", "truncated"] },
        { "unknown id", ["label2.png", "pixel (0, 0)", "id 77", "palette 'camvid'"] },
    };

    public static TheoryData<string, string[]> InImages => new()
    {
        { "unknown id", ["pixel (0, 0)", "id 77", "palette 'camvid'"] },
        { "unknown colour", ["pixel (0, 0)", "#0102fa", "palette 'camvid'"] },
        { "transparent", ["pixel (0, 0)", "transparent"] },
        { "disposed", ["disposed"] },
    };

    private static void Spoil(string path, string fault)
    {
        switch (fault)
        {
            case "missing":
                File.Delete(path);
                break;
            case "no image":
                File.WriteAllText(path, "not an image");
                break;
            case "truncated":
                File.WriteAllBytes(path, File.ReadAllBytes(path)[..^20]);
                break;
            case "unknown id":
                PngWriter.Write(path, Samples.Width, Samples.Height, PngWriter.Gray, [.. Enumerable.Repeat((byte)77, Samples.Width * Samples.Height)]);
                break;
        }
    }

    private static MLImage Spoiled(string fault)
    {
        var size = Samples.Width * Samples.Height;
        switch (fault)
        {
            case "unknown id":
                return Images.Gray(Samples.Width, Samples.Height, [.. Enumerable.Repeat((byte)77, size)]);
            case "unknown colour":
                return Images.Colored(Samples.Width, Samples.Height, [.. Enumerable.Repeat(new RgbColor(1, 2, 250), size)]);
            case "transparent":
                return MLImage.CreateFromPixels(Samples.Width, Samples.Height, MLPixelFormat.Bgra32, new byte[4 * size]);
            default:
                var image = Samples.Labels(1);
                image.Dispose();
                return image;
        }
    }

    private static void AssertTold(SynthesizeFromLabelsTransformer transformer, Action paint, string[] parts)
    {
        foreach (var size in new[] { 1, 4 })
        {
            transformer.ScoringBatchSize = size;
            AssertTold(paint, parts);
        }
    }

    private static void AssertTold(Action paint, string[] parts)
    {
        var error = Assert.Throws<InvalidOperationException>(paint);
        Assert.All(parts, part => Assert.Contains(part, error.Message));
    }

    private sealed class Painted
    {
        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Synthesized { get; set; }
    }
}
