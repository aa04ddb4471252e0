using CrnMlNet.Torch.Networks;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace CrnMlNet.Onnx.Tests;

public sealed class OnnxExporterTests
{
    // 8-bit photos are the same but where a value lies within this of a half.
    private const float Tolerance = 0.01f;

    [Theory]
    [InlineData(24, 32, 0, 1, OnnxInput.ClassIds, 1)]
    [InlineData(31, 45, 2, 1, OnnxInput.ClassIds, 2, Modulation.Clade)]
    [InlineData(31, 45, 2, 1, OnnxInput.ClassIds, 2, Modulation.Spade)]
    [InlineData(24, 32, 2, 1, OnnxInput.ClassIds, 3)] // noise is repeated for each image of the batch
    [InlineData(24, 32, 0, 1, OnnxInput.OneHot, 2)]
    [InlineData(20, 64, 1, 1, OnnxInput.ClassIds, 1)] // extended above and below
    [InlineData(31, 45, 0, 1, OnnxInput.ClassIds, 2)] // extended on all sides, by different widths
    [InlineData(24, 32, 2, 3, OnnxInput.ClassIds, 2)] // three images for each layout
    public void ONNX_Runtime_paints_what_the_network_does(int height, int width, int noise, int images, OnnxInput input, int count, Modulation modulation = Modulation.None)
    {
        var palette = LabelPalette.CamVid;
        using var exported = new ExportedModel(Architecture(palette, height, width) with { NoiseChannels = noise, ImagesPerLayout = images, Modulation = modulation }, palette, input);
        var channels = Stripes(palette, count * height, width);

        var expected = exported.RunNetwork(channels, count);
        var (photos, shape) = exported.Run(channels, count);

        Assert.Equal(images == 1 ? [count, 3, height, width] : [count, images, 3, height, width], shape);
        Assert.Equal(expected.Length, photos.Length);
        Assert.True(expected.Max() - expected.Min() > 100, "The photos are too flat to tell anything.");
        for (int i = 0; i < photos.Length; i++)
            Assert.True(MathF.Abs(expected[i] - photos[i]) < Tolerance, $"Value {i}: the network gives {expected[i]}, ONNX Runtime {photos[i]}.");
    }

    [Fact]
    public void Ids_are_those_of_the_palette_and_what_it_lacks_is_void()
    {
        // labelIds: road is 7 and the channel 0; 0 to 6 are void, and 200 is nothing.
        var palette = LabelPalette.CityscapesLabelIds;
        using var exported = new ExportedModel(Architecture(palette, 24, 32), palette);
        using var session = exported.Open();
        float[] Paint(byte id) => session.Run([NamedOnnxValue.CreateFromTensor(
            OnnxExporter.IdsName, new DenseTensor<byte>(Enumerable.Repeat(id, 24 * 32).ToArray(), [1, 24, 32]))])[0].AsTensor<float>().ToArray();

        float[] road = exported.RunNetwork(new byte[24 * 32], 1), nothing = exported.RunNetwork([.. Enumerable.Repeat((byte)palette.VoidChannel, 24 * 32)], 1);

        Assert.All(road.Zip(Paint(7)), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
        Assert.All(nothing.Zip(Paint(3)), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
        Assert.All(nothing.Zip(Paint(200)), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
    }

    [Fact]
    public void Weights_can_lie_in_a_file_of_their_own()
    {
        var palette = LabelPalette.CamVid;
        using var exported = new ExportedModel(Architecture(palette, 24, 32), palette, largestFile: 1000);
        var channels = Stripes(palette, 24, 32);

        Assert.Equal(["model.onnx", "model.onnx.data"], exported.Files);
        Assert.Equal(4 * exported.Model.Architecture.ParameterCount(), new FileInfo(exported.Path + ".data").Length);
        Assert.All(exported.RunNetwork(channels, 1).Zip(exported.Run(channels, 1).Photos), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
    }

    [Fact]
    public void The_model_tells_its_classes_palette_and_size()
    {
        var palette = LabelPalette.CamVid;
        using var exported = new ExportedModel(Architecture(palette, 24, 40), palette);
        using var session = exported.Open();

        var metadata = session.ModelMetadata.CustomMetadataMap;
        Assert.Equal("sky,building,pole,road,pavement,tree,sign,fence,car,pedestrian,bicyclist,void", metadata["classes"]);
        Assert.Equal(palette.ToJson(), LabelPalette.FromJson(metadata["palette"]).ToJson());
        Assert.Equal("24", metadata["height"]);
        Assert.Equal("40", metadata["width"]);
        Assert.Equal("CrnMlNet", session.ModelMetadata.ProducerName);
        Assert.Equal([-1, 24, 40], session.InputMetadata[OnnxExporter.IdsName].Dimensions);
        Assert.Equal([-1, 3, 24, 40], session.OutputMetadata[OnnxExporter.PhotoName].Dimensions);
    }

    [Fact]
    public void Nothing_is_left_where_the_file_cannot_be_written()
    {
        var palette = LabelPalette.CamVid;
        using var exported = new ExportedModel(Architecture(palette, 24, 32), palette);
        string folder = Path.GetDirectoryName(exported.Path)!, taken = Path.Combine(folder, "taken.onnx");
        Directory.CreateDirectory(taken);

        Assert.ThrowsAny<Exception>(() => OnnxExporter.Export(exported.Model, taken));

        Assert.Equal(["model.onnx"], exported.Files);
    }

    private static CrnArchitecture Architecture(LabelPalette palette, int height, int width)
        => new() { Channels = palette.ChannelCount, Height = height, Width = width, WidthFactor = 1.0 / 64 };

    /// <summary>Upright stripes of every channel, shifted a little from row to row.</summary>
    private static byte[] Stripes(LabelPalette palette, int rows, int width)
        => [.. Enumerable.Range(0, rows * width).Select(i => (byte)((i % width / 3 + i / width / 5) % palette.ChannelCount))];
}
