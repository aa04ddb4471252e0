using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

public sealed class SegmentationLossTests
{
    private const int Classes = 3;
    private const int Height = 10;
    private const int Width = 12;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void TheLossIsTheMeanCrossEntropyOfThePixelsThatAreNotVoid(int k)
    {
        using var scope = NewDisposeScope();
        using var segmenter = Segmenter();
        var (images, layouts) = Draw(k);
        double sum = 0, count = 0;
        for (int n = 0; n < 2; n++)
            for (int u = 0; u < k; u++)
            {
                var logits = Networks.Parameters.Maps(segmenter.forward(images[n, u].unsqueeze(0)), 0);
                var layout = Networks.Parameters.Maps(layouts, n);
                for (int y = 0; y < Height; y++)
                    for (int x = 0; x < Width; x++)
                    {
                        double all = Enumerable.Range(0, Classes).Sum(c => Math.Exp(logits[c, y, x]));
                        for (int c = 0; c < Classes; c++)
                            (sum, count) = (sum - layout[c, y, x] * Math.Log(Math.Exp(logits[c, y, x]) / all), count + layout[c, y, x]);
                    }
            }

        Assert.Equal(sum / count, SegmentationLoss.Of(segmenter, images, layouts).item<double>(), 1e-9);
    }

    [Fact]
    public void TheGradientIsThatOfFiniteDifferences()
    {
        using var scope = NewDisposeScope();
        using var segmenter = Segmenter();
        var (images, layouts) = Draw(k: 2);
        images.requires_grad_();

        SegmentationLoss.Of(segmenter, images, layouts).backward();

        Gradients.Compare(images, moved => SegmentationLoss.Of(segmenter, moved, layouts).item<double>(), step: 1e-4);
        Assert.All(segmenter.parameters(), parameter => Assert.False(parameter.requires_grad));
    }

    [Fact]
    public void WhereAllIsVoidNothingIsLost()
    {
        using var scope = NewDisposeScope();
        using var segmenter = Segmenter();
        var (images, layouts) = Draw(k: 1);
        var empty = zeros_like(layouts);
        empty.narrow(1, Classes, 1).fill_(1);

        Assert.Equal(0, SegmentationLoss.Of(segmenter, images, empty).item<double>());
    }

    private static SegmentationNetwork Segmenter()
    {
        var segmenter = new SegmentationNetwork(Classes, seed: 4);
        segmenter.to(ScalarType.Float64);
        return segmenter;
    }

    /// <summary>Two layouts, soft ones, a fourth of which is void, and k images for each.</summary>
    private static (Tensor Images, Tensor Layouts) Draw(int k)
    {
        using var generator = new Generator(6);
        return (255 * rand([2, k, 3, Height, Width], ScalarType.Float64, generator: generator),
            nn.functional.softmax(2 * randn(2, Classes + 1, Height, Width, ScalarType.Float64, generator: generator), 1));
    }
}
