using CrnMlNet.Data;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;

namespace CrnMlNet.Tests.Persistence;

/// <summary>
/// Models that earlier versions saved still load, and paint what they painted then. Each is kept in Assets beside its picture of
/// <see cref="Samples.Labels"/>(3); a version that changes the format adds one.
/// </summary>
public class GoldenModelTests
{
    [Theory]
    [InlineData("model-0.1.zip", "model-0.1.png")]
    public void A_model_that_was_saved_before(string file, string picture)
    {
        using var loaded = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(Asset(file), out _);
        using var labels = Samples.Labels(3);
        using var photo = loaded.Synthesize(labels);

        using var expected = ImageFile.Load(Asset(picture));
        Assert.Equal((24, 32), (photo.Height, photo.Width));
        // Other processors' kernels may round a value to its neighbour.
        Assert.All(expected.Pixels().Zip(photo.Pixels()), pixel => Assert.InRange(Math.Abs(pixel.First - pixel.Second), 0, 1));
        Assert.Equal(("Labels", "Synthesized", "camvid"), (loaded.InputColumnName, loaded.OutputColumnName, loaded.Palette.Name));
        Assert.Equal((4, 480, false), (loaded.Training.Pairs, loaded.Training.Steps, loaded.Training.Stopped));
    }

    private static string Asset(string name) => Path.Combine(AppContext.BaseDirectory, "Assets", name);
}
