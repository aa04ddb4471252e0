namespace CrnMlNet.Evaluation.Tests;

public sealed class ConfusionMatrixTests
{
    // Two classes, and 2 is void.
    private static readonly byte[] Labelled = [0, 0, 0, 0, 1, 1, 2, 2, 2, 2];
    private static readonly byte[] Told = [0, 0, 0, 1, 1, 2, 0, 0, 1, 2];

    [Fact]
    public void VoidIgnoredCountsTheLabelledPixelsAlone()
    {
        var scores = Matrix().Scores(VoidPolicy.Ignored);

        // Class 0: 3 hits, labelled 4, told 3: 3 / 4. Class 1: 1 hit, labelled 2, told 2: 1 / 3.
        Assert.Equal([3 / 4.0, 1 / 3.0], scores.IoU);
        Assert.Equal((3 / 4.0 + 1 / 3.0) / 2, scores.MeanIoU, 1e-12);
        Assert.Equal(4 / 6.0, scores.PixelAccuracy, 1e-12);
        Assert.Equal((3 / 4.0 + 1 / 2.0) / 2, scores.MeanClassAccuracy, 1e-12);
    }

    [Fact]
    public void VoidAsAnErrorCountsWhatIsToldOfItAgainstTheClassTold()
    {
        var scores = Matrix().Scores(VoidPolicy.Error);

        // Class 0 is told 2 times more: 3 / (4 + 5 - 3); class 1 once more: 1 / (2 + 3 - 1). Of all 10 pixels 4 are right.
        Assert.Equal([3 / 6.0, 1 / 4.0], scores.IoU);
        Assert.Equal(0.375, scores.MeanIoU, 1e-12);
        Assert.Equal(0.4, scores.PixelAccuracy, 1e-12);
        Assert.Equal((3 / 4.0 + 1 / 2.0) / 2, scores.MeanClassAccuracy, 1e-12);
    }

    [Fact]
    public void AClassThatIsNowhereIsLeftOutAndOneThatIsOnlyToldIsNot()
    {
        var matrix = new ConfusionMatrix(4);
        matrix.Add([0, 0, 1, 1], [0, 0, 1, 2]);

        var scores = matrix.Scores(VoidPolicy.Ignored);

        Assert.Equal([1, 0.5, 0, double.NaN], scores.IoU);
        Assert.Equal(0.5, scores.MeanIoU, 1e-12);
        Assert.Equal(0.75, scores.MeanClassAccuracy, 1e-12);
    }

    [Fact]
    public void MatricesOfImagesAddUp()
    {
        var whole = Matrix();
        var parts = new ConfusionMatrix(2);
        parts.Add(Labelled.AsSpan(0, 3), Told.AsSpan(0, 3));
        var rest = new ConfusionMatrix(2);
        rest.Add(Labelled.AsSpan(3), Told.AsSpan(3));
        parts.Add(rest);

        Assert.Equal(whole.Scores(VoidPolicy.Error).IoU, parts.Scores(VoidPolicy.Error).IoU);
        Assert.Equal((3, 2, 1), (parts[0, 0], parts[2, 0], parts[1, 2]));
    }

    [Fact]
    public void WhatCannotBeCountedIsRefused()
    {
        var matrix = new ConfusionMatrix(2);

        Assert.Contains("got 2 and 1", Assert.Throws<ArgumentException>(() => matrix.Add([0], [0, 1])).Message);
        Assert.Contains("Pixel 1 is labelled 3", Assert.Throws<ArgumentException>(() => matrix.Add([0, 3], [0, 0])).Message);
        Assert.Contains("2 and of 3 classes", Assert.Throws<ArgumentException>(() => matrix.Add(new ConfusionMatrix(3))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConfusionMatrix(0));
    }

    [Fact]
    public void WithoutALabelledPixelThereIsNoScore()
    {
        var matrix = new ConfusionMatrix(2);
        matrix.Add([2, 2], [0, 1]);

        Assert.Equal((double.NaN, double.NaN, double.NaN), Of(VoidPolicy.Ignored));
        Assert.Equal((double.NaN, double.NaN, double.NaN), Of(VoidPolicy.Error));

        (double, double, double) Of(VoidPolicy policy) =>
            matrix.Scores(policy) is var scores ? (scores.MeanIoU, scores.PixelAccuracy, scores.MeanClassAccuracy) : default;
    }

    private static ConfusionMatrix Matrix()
    {
        var matrix = new ConfusionMatrix(2);
        matrix.Add(Labelled, Told);
        return matrix;
    }
}
