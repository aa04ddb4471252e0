using System.Text.Json;

namespace CrnMlNet.Cli.Tests;

public class BenchTests(TrainedModel model) : IClassFixture<TrainedModel>
{
    [Fact]
    public void Ends_with_one_line_of_JSON()
    {
        var outcome = CrnProcess.Run("bench", "--height", "32", "--width", "48", "--width-factor", "0.0625", "--rounds", "2", "--batch", "2", "--json");

        outcome.AssertSucceeded();
        var times = JsonDocument.Parse(Assert.Single(outcome.Output)).RootElement;
        Assert.Equal((32, 48, 2, 2), (times.GetProperty("height").GetInt32(), times.GetProperty("width").GetInt32(), times.GetProperty("batch").GetInt32(), times.GetProperty("rounds").GetInt32()));
        foreach (string name in new[] { "float32Seconds", "onnxRuntimeFloat32Seconds", "torchSharpFloat32Seconds", "firstPhotoSeconds", "float32Speedup", "peakBytes" })
            Assert.True(times.GetProperty(name).GetDouble() > 0, name);
        Assert.True(times.GetProperty("float32Psnr").GetDouble() > 80);
        // There, whether the processor has bfloat16 or not.
        Assert.Contains(times.GetProperty("bfloat16Seconds").ValueKind, new[] { JsonValueKind.Null, JsonValueKind.Number });
    }

    [Fact]
    public void Shows_a_table_for_a_model()
    {
        var outcome = CrnProcess.Run("bench", "--model", model.Path, "--rounds", "1");

        outcome.AssertSucceeded();
        Assert.Contains(outcome.Output, line => line.StartsWith("32x48, ", StringComparison.Ordinal) && line.EndsWith("1 thread, 1 at once, medians of 1:", StringComparison.Ordinal));
        Assert.Contains(outcome.Output, line => line.Contains("times as fast as ONNX Runtime", StringComparison.Ordinal));
    }

    [Fact]
    public void Measures_itself_alone_and_small_photos_often()
    {
        var outcome = CrnProcess.Run("bench", "--model", model.Path, "--alone", "--json");

        outcome.AssertSucceeded();
        var times = JsonDocument.Parse(Assert.Single(outcome.Output)).RootElement;
        Assert.True(times.GetProperty("float32Seconds").GetDouble() > 0);
        Assert.Equal(JsonValueKind.Null, times.GetProperty("onnxRuntimeFloat32Seconds").ValueKind);
        Assert.InRange(times.GetProperty("rounds").GetInt32(), 4, 30);
    }

    [Fact]
    public void Says_what_is_wrong_with_its_options()
    {
        CrnProcess.Run("bench", "--rounds", "0").AssertFailed("--rounds is 0");
        CrnProcess.Run("bench", "--batch", "16").AssertFailed("--batch is 16", "1 to 15");
        CrnProcess.Run("bench", "--threads", "0").AssertFailed("--threads is 0");
        CrnProcess.Run("bench", "--model", model.Path, "--height", "64").AssertFailed("a model (--model) has its own");
        CrnProcess.Run("bench", "--height", "1").AssertFailed("Height");
    }
}
