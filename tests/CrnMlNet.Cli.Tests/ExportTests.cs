using Microsoft.ML.OnnxRuntime;

namespace CrnMlNet.Cli.Tests;

public class ExportTests(TrainedModel model) : IClassFixture<TrainedModel>
{
    [Theory]
    [InlineData("ids", new[] { -1, 32, 48 })]
    [InlineData("one-hot", new[] { -1, 12, 32, 48 })]
    public void Writes_a_graph_that_ONNX_Runtime_takes(string input, int[] shape)
    {
        using var scenes = new Scenes(count: 1);
        string onnx = Path.Combine(Directory.CreateDirectory(scenes.Output).FullName, "model.onnx");
        var outcome = CrnProcess.Run("export", model.Path, onnx, "--input", input);
        outcome.AssertSucceeded();
        Assert.EndsWith("'photo' of 32x48 out.", outcome.Output[^1]);
        using var session = new InferenceSession(onnx);
        Assert.Equal(shape, Assert.Single(session.InputMetadata).Value.Dimensions);
        Assert.Equal(["model.onnx"], Directory.GetFileSystemEntries(scenes.Output).Select(Path.GetFileName));
    }

    [Fact]
    public void Says_what_is_wrong_with_its_files()
    {
        using var scenes = new Scenes(count: 1);
        string nowhere = Path.Combine(scenes.Output, "nowhere", "model.onnx");
        CrnProcess.Run("export", model.Path, nowhere).AssertFailed(nowhere, "does not exist");
        CrnProcess.Run("export", scenes.Label(0), Path.Combine(scenes.Labels, "model.onnx")).AssertFailed(scenes.Label(0), "cannot be loaded");
    }
}
