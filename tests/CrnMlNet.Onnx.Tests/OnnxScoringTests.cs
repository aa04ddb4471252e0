using System.Diagnostics;
using CrnMlNet.Torch.Networks;
using Microsoft.ML.Data;

namespace CrnMlNet.Onnx.Tests;

/// <summary>The sample, a process that has ML.NET and no CrnMlNet.</summary>
public sealed class OnnxScoringTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)] // label images three times as large as the model's
    public void A_stock_ML_NET_pipeline_paints_what_the_model_does(int scale)
    {
        var palette = LabelPalette.CamVid;
        using var exported = new ExportedModel(new CrnArchitecture { Channels = palette.ChannelCount, Height = 24, Width = 32, WidthFactor = 1.0 / 64 }, palette);
        string labels = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(exported.Path)!, "labels")).FullName, photos = Path.Combine(labels, "photos");
        for (int i = 0; i < 2; i++)
        {
            using var image = Stripes(i, 24 * scale, 32 * scale);
            ImageFile.Save(image, Path.Combine(labels, $"{i}.png"));
        }

        Run(exported.Path, labels, photos);

        for (int i = 0; i < 2; i++)
        {
            using var label = ImageFile.Load(Path.Combine(labels, $"{i}.png"));
            using var expected = exported.Model.Synthesize(label);
            using var actual = ImageFile.Load(Path.Combine(photos, $"{i}.png"));
            Assert.Equal((32, 24), (actual.Width, actual.Height));
            // A value near a half may be rounded the other way.
            Assert.All(ColorsOf(expected).Zip(ColorsOf(actual)), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 1));
            Assert.True(ColorsOf(expected).Distinct().Count() > 50, "The photo is too flat to tell anything.");
        }
    }

    private static void Run(params string[] arguments)
    {
        // tests/CrnMlNet.Onnx.Tests/bin/CONFIGURATION/FRAMEWORK/
        var output = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        string repository = output.Parent!.Parent!.Parent!.Parent!.Parent!.FullName;
        string sample = Path.Combine(repository, "samples", "OnnxScoring", "bin", output.Parent.Name, output.Name, "OnnxScoring.dll");
        Assert.False(File.Exists(Path.Combine(Path.GetDirectoryName(sample)!, "CrnMlNet.dll")), "CrnMlNet lies beside the sample.");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [sample, .. arguments]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
    }

    private static MLImage Stripes(int shift, int height, int width)
        => MLImage.CreateFromPixels(width, height, MLPixelFormat.Bgra32, [.. Enumerable.Range(0, height * width)
            .SelectMany(i => { byte id = (byte)((i % width * 8 / width + i / width * 5 / height + shift) % 11); return new byte[] { id, id, id, 255 }; })]);

    private static IEnumerable<byte> ColorsOf(MLImage image)
    {
        var pixels = image.Pixels.ToArray();
        return Enumerable.Range(0, pixels.Length).Where(i => i % 4 < 3).Select(i => pixels[image.PixelFormat == MLPixelFormat.Bgra32 ? i : i - i % 4 + 2 - i % 4]);
    }
}
