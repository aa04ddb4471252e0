using CrnMlNet.Torch.Layouts;
using TorchSharp;

namespace CrnMlNet.Torch.Tests.Layouts;

public sealed class SemanticLayoutTests
{
    [Fact]
    public void EveryPixelHasASingleOneInItsClass()
    {
        using var scope = torch.NewDisposeScope();
        var ids = torch.tensor(new byte[] { 0, 2, 1, 1, 2, 0 }, 1, 2, 3);

        var layout = SemanticLayout.OneHot(ids, 3);

        Assert.Equal([1, 3, 2, 3], layout.shape);
        Assert.Equal(torch.ScalarType.Float32, layout.dtype);
        Assert.Equal(
            [
                1, 0, 0, 0, 0, 1,
                0, 0, 1, 1, 0, 0,
                0, 1, 0, 0, 1, 0,
            ],
            layout.data<float>().ToArray());
    }

    [Fact]
    public void IdsMustHaveThreeDimensions()
    {
        using var ids = torch.zeros(2, 3, torch.ScalarType.Byte);

        var exception = Assert.Throws<ArgumentException>(() => SemanticLayout.OneHot(ids, 3));

        Assert.Contains("[N, H, W], got 2 dimensions", exception.Message);
    }

    [Fact]
    public void ACoarserCellHoldsTheProportionsOfThePixelsUnderIt()
    {
        using var scope = torch.NewDisposeScope();
        var ids = torch.tensor(
            new byte[]
            {
                0, 0, 1, 1,
                0, 1, 1, 1,
                2, 2, 0, 1,
                2, 2, 2, 0,
            }, 1, 4, 4);

        var pyramid = SemanticLayout.Pyramid(SemanticLayout.OneHot(ids, 3), 3);

        Assert.Equal(3, pyramid.Length);
        Assert.Equal([5f / 16, 6f / 16, 5f / 16], pyramid[0].data<float>().ToArray());
        Assert.Equal(
            [
                0.75f, 0, 0, 0.5f,
                0.25f, 1, 0, 0.25f,
                0, 0, 1, 0.25f,
            ],
            pyramid[1].data<float>().ToArray());
        Assert.Equal([1, 3, 4, 4], pyramid[2].shape);
    }

    [Fact]
    public void EveryCellOfThePyramidSumsToOne()
    {
        using var scope = torch.NewDisposeScope();
        var random = new Random(1);
        var ids = torch.tensor(Enumerable.Range(0, 2 * 24 * 40).Select(_ => (byte)random.Next(7)).ToArray(), 2, 24, 40);

        foreach (var layout in SemanticLayout.Pyramid(SemanticLayout.OneHot(ids, 7), 4))
            Assert.All(layout.sum(1).data<float>().ToArray(), sum => Assert.Equal(1, sum, 1e-6f));
    }

    [Fact]
    public void ALayoutThatCannotBeHalvedIsRefused()
    {
        using var layout = torch.zeros(1, 2, 8, 12);

        var exception = Assert.Throws<ArgumentException>(() => SemanticLayout.Pyramid(layout, 4));

        Assert.Contains("8x12 cannot be halved 3 times", exception.Message);
    }

    [Fact]
    public void ExtendingRepeatsTheBorderAroundTheMiddle()
    {
        using var scope = torch.NewDisposeScope();
        var layout = torch.tensor(new float[] { 1, 2, 3, 4 }, 1, 1, 2, 2);

        var extended = SemanticLayout.Extend(layout, 5, 4);

        Assert.Equal([1, 1, 5, 4], extended.shape);
        Assert.Equal(
            [
                1, 1, 2, 2,
                1, 1, 2, 2,
                3, 3, 4, 4,
                3, 3, 4, 4,
                3, 3, 4, 4,
            ],
            extended.data<float>().ToArray());
    }

    [Theory]
    [InlineData(7, 9)]
    [InlineData(5, 12)]
    [InlineData(5, 6)]
    public void CroppingUndoesExtending(int height, int width)
    {
        using var scope = torch.NewDisposeScope();
        var layout = torch.arange(2 * 3 * 5 * 6, torch.ScalarType.Float32).reshape(2, 3, 5, 6);

        var cropped = SemanticLayout.Crop(SemanticLayout.Extend(layout, height, width), 5, 6);

        Assert.Equal(layout.data<float>().ToArray(), cropped.contiguous().data<float>().ToArray());
    }

    [Fact]
    public void AnAreaAverageHoldsTheShareOfEachClass()
    {
        using var scope = torch.NewDisposeScope();
        var layout = SemanticLayout.OneHot(torch.tensor(new byte[] { 0, 0, 1, 1, 1, /**/ 0, 1, 1, 1, 0, /**/ 0, 0, 0, 0, 0 }, 1, 3, 5), 2);

        var half = SemanticLayout.AreaAverage(layout, 2, 2);

        // A cell has the rows 0 and 1 or 1 and 2, the middle one being in both; so it is with the middle column.
        Assert.Equal([3 / 6f, 1 / 6f, 4 / 6f, 4 / 6f], half[0, 0].data<float>().ToArray());
        Assert.Equal([3 / 6f, 5 / 6f, 2 / 6f, 2 / 6f], half[0, 1].data<float>().ToArray());
        Assert.Same(layout, SemanticLayout.AreaAverage(layout, 3, 5));
    }
}
