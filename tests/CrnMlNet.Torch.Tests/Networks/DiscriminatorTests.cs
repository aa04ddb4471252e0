using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

public sealed class DiscriminatorTests
{
    private const int Channels = 3;

    // Of patches: what Pix2pix' program prints for an image and an input of 3 channels each, "[Network D] Total number of parameters : 2.769 M".
    // By class: twice as many maps and a logit for each of three channels, (6 * 128 + 128 * 256 + 256 * 512 + 512 * 1024 + 1024 * 3) * 16 weights of filters, 128 + 3 biases, and two numbers for each
    // of 256 + 512 + 1024 maps that are normalised.
    // Of whole images: DCGAN's at 64x64 in PyTorch's examples has 2,765,568, and no biases in its first and last convolution.
    [Theory]
    [InlineData(DiscriminatorKind.Patches, 256, 2_768_705)]
    [InlineData(DiscriminatorKind.ClassPatches, 48, (6 * 128 + 128 * 256 + 256 * 512 + 512 * 1024 + 1024 * 3) * 16 + 128 + 3 + 2 * (256 + 512 + 1024))]
    [InlineData(DiscriminatorKind.WholeImage, 64, 2_765_568 + 64 + 1)]
    public void CountsTheParametersOfTheFullWidth(DiscriminatorKind kind, int size, long expected)
    {
        var architecture = Architecture(size, size) with { WidthFactor = 1 };
        using var discriminator = new Discriminator(kind, architecture, seed: 1);

        Assert.Equal(expected, discriminator.parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(expected, Discriminator.Convolutions(kind, architecture).Sum(convolution => convolution.Parameters));
    }

    [Fact]
    public void OfPatchesItDoesWhatPlainLoopsDo() => DoesWhatPlainLoopsDo(DiscriminatorKind.Patches, 24, 28, (layout, image, value) =>
    {
        var x = layout.Before(image);
        x = Convolve(x, 1, stride: 2, bias: value("conv1.bias")).LeakyRelu();
        for (int i = 2; i <= 4; i++)
            x = Convolve(x, i, stride: i == 4 ? 1 : 2, bias: null).InstanceNorm(value($"norm{i}.weight"), value($"norm{i}.bias"), 1e-5).LeakyRelu();
        return x.Convolve(value("conv5.weight"), value("conv5.bias"), 1, 4, 1, 1, 1);

        Maps Convolve(Maps maps, int layer, int stride, double[]? bias) => maps.Convolve(value($"conv{layer}.weight"), bias, 8, 4, stride, 1, 1);
    });

    [Fact]
    public void OfWholeImagesItDoesWhatPlainLoopsDo() => DoesWhatPlainLoopsDo(DiscriminatorKind.WholeImage, 16, 20, (_, image, value) =>
    {
        var x = image.Convolve(value("conv1.weight"), value("conv1.bias"), 8, 4, 2, 1, 1).LeakyRelu();
        x = x.Convolve(value("conv2.weight"), null, 8, 4, 2, 1, 1).InstanceNorm(value("norm2.weight"), value("norm2.bias"), 1e-5).LeakyRelu();
        double[] weights = value("conv3.weight");
        return Maps.Of(1, 1, 1, (_, _, _) => value("conv3.bias")[0] + x.Values.Zip(weights, (a, b) => a * b).Sum());
    });

    // At each place the mean of the classes' logits, weighted by how much of each class is in the part of the layout that the place is of.
    [Fact]
    public void OfPatchesByClassTheLayoutTakesTheLogit() => DoesWhatPlainLoopsDo(DiscriminatorKind.ClassPatches, 24, 28, (layout, image, value) =>
    {
        var x = layout.Before(image);
        x = x.Convolve(value("conv1.weight"), value("conv1.bias"), 8, 4, 2, 1, 1).LeakyRelu();
        for (int i = 2; i <= 4; i++)
            x = x.Convolve(value($"conv{i}.weight"), null, i == 4 ? 16 : 8, 4, i == 4 ? 1 : 2, 1, 1).InstanceNorm(value($"norm{i}.weight"), value($"norm{i}.bias"), 1e-5).LeakyRelu();
        var logits = x.Convolve(value("conv5.weight"), value("conv5.bias"), Channels, 4, 1, 1, 1);
        return Maps.Of(1, logits.Rows, logits.Columns, (_, row, column) => Enumerable.Range(0, Channels).Sum(channel => Share(channel, row, column) * logits[channel, row, column]));

        double Share(int channel, int row, int column)
        {
            var (rows, columns) = (Part(row, logits.Rows, layout.Rows), Part(column, logits.Columns, layout.Columns));
            return rows.Average(y => columns.Average(x => layout[channel, y, x]));
        }

        static int[] Part(int place, int places, int pixels)
        {
            int first = place * pixels / places, after = ((place + 1) * pixels + places - 1) / places;
            return [.. Enumerable.Range(first, after - first)];
        }
    });

    // What is learned of one class's patches says nothing of another's: its logit has weights of its own.
    [Fact]
    public void OfPatchesByClassAClassThatIsNotThereHasNoGradient()
    {
        using var scope = NewDisposeScope();
        using var discriminator = new Discriminator(DiscriminatorKind.ClassPatches, Architecture(24, 28), seed: 2);
        var layouts = zeros(1, Channels, 24, 28);
        layouts[TensorIndex.Colon, 1] = 1;

        discriminator.forward(layouts, full([1, 3, 24, 28], 100f))[^1].sum().backward();

        var gradient = discriminator.get_parameter("conv5.bias")!.grad!;
        Assert.Equal([0f, gradient[1].item<float>(), 0f], gradient.data<float>().ToArray());
        Assert.True(gradient[1].item<float>() > 0);
    }

    // At 96x128 of 96 and 48 rows, at 256x512 of 256, 128 and 64, and at 48x64 of 48 alone.
    [Theory]
    [InlineData(48, 64, 1)]
    [InlineData(96, 128, 2)]
    [InlineData(256, 512, 3)]
    public void OfPatchesByClassItIsOneForEachScale(int height, int width, int scales)
    {
        using var scope = NewDisposeScope();
        var architecture = Architecture(height, width);
        using var discriminator = new Discriminator(DiscriminatorKind.ClassPatches, architecture, seed: 4);

        var seen = discriminator.Look(rand(1, Channels, height, width), 255 * rand(1, 3, height, width));

        Assert.Equal(scales, seen.Count);
        Assert.All(seen, layers => Assert.Equal(1, layers[^1].shape[1]));
        Assert.Equal(
            Discriminator.Convolutions(DiscriminatorKind.ClassPatches, architecture).Sum(convolution => convolution.Parameters), discriminator.parameters().Sum(parameter => parameter.numel()));
    }

    [Theory]
    [InlineData(48, 64, 1)]
    [InlineData(96, 128, 2)]
    [InlineData(256, 512, 3)]
    public void OfPatchesAtSeveralScalesItIsOneForEach(int height, int width, int scales)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(8);
        var architecture = Architecture(height, width);
        using var discriminator = new Discriminator(DiscriminatorKind.MultiScalePatches, architecture, seed: 4);
        using var finest = new Discriminator(DiscriminatorKind.Patches, architecture, seed: 4);
        using var next = new Discriminator(DiscriminatorKind.Patches, Architecture(height / 2, width / 2), seed: 5);
        var (layouts, images) = (rand([1, Channels, height, width], generator: generator), 255 * rand([1, 3, height, width], generator: generator));

        var seen = discriminator.Look(layouts, images);

        Assert.Equal(scales, seen.Count);
        Assert.Equal(scales * finest.parameters().Sum(parameter => parameter.numel()), discriminator.parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(
            discriminator.parameters().Sum(parameter => parameter.numel()), Discriminator.Convolutions(DiscriminatorKind.MultiScalePatches, architecture).Sum(convolution => convolution.Parameters));
        Same(finest.forward(layouts, images), seen[0]);
        if (scales > 1)
            Same(next.forward(nn.functional.avg_pool2d(layouts, 2), nn.functional.avg_pool2d(images, 2)), seen[1]);

        static void Same(Tensor[] expected, Tensor[] actual) => Assert.All(expected.Zip(actual), layer => Assert.True(layer.First.equal(layer.Second).all().item<bool>()));
    }

    private static void DoesWhatPlainLoopsDo(DiscriminatorKind kind, int height, int width, Func<Maps, Maps, Func<string, double[]>, Maps> reference)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        using var discriminator = new Discriminator(kind, Architecture(height, width), seed: 1);
        Parameters.Randomise(discriminator, generator);
        discriminator.to(ScalarType.Float64);
        var layouts = nn.functional.softmax(randn(2, Channels, height, width, ScalarType.Float64, generator: generator), 1);
        var images = 255 * rand([2, 3, height, width], ScalarType.Float64, generator: generator);

        var logits = discriminator.forward(layouts, images)[^1];

        for (int n = 0; n < 2; n++)
        {
            // Colours are seen from -1 to 1.
            var expected = reference(Parameters.Maps(layouts, n), Parameters.Maps(images, n).Each(value => value / 127.5 - 1), name => Parameters.Values(discriminator, name));
            var actual = Parameters.Maps(logits, n);
            Assert.Equal((expected.Rows, expected.Columns), (actual.Rows, actual.Columns));
            for (int i = 0; i < expected.Values.Length; i++)
                Assert.Equal(expected.Values[i], actual.Values[i], 1e-9);
        }
    }

    private static CrnArchitecture Architecture(int height, int width) => new() { Channels = Channels, Height = height, Width = width, WidthFactor = 1.0 / 64 };
}
