using CrnMlNet.Torch.Training;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

public sealed class TrainingPairsTests
{
    [Fact]
    public void AMirroredPairMirrorsLabelAndPhotoAlike()
    {
        using var scope = NewDisposeScope();
        var pairs = Pairs();

        var (layouts, photos) = pairs.Batch([1, 0, 1], [false, true, true], CPU);

        Assert.Equal([3, 2, 2, 3], layouts.shape);
        Assert.Equal([3, 3, 2, 3], photos.shape);
        Assert.Equal((ScalarType.Float32, ScalarType.Float32), (layouts.dtype, photos.dtype));
        Assert.Equal(
            [
                1, 1, 0, 0, 0, 0, /**/ 0, 0, 1, 1, 1, 1,
                0, 1, 1, 1, 0, 1, /**/ 1, 0, 0, 0, 1, 0,
                0, 1, 1, 0, 0, 0, /**/ 1, 0, 0, 1, 1, 1,
            ],
            layouts.data<float>().ToArray());
        Assert.Equal(
            [
                255, 254, 253, 252, 251, 250, /**/ 0, 0, 1, 0, 0, 2, /**/ 9, 9, 9, 8, 8, 7,
                2, 1, 0, 5, 4, 3, /**/ 12, 11, 10, 15, 14, 13, /**/ 22, 21, 20, 25, 24, 23,
                253, 254, 255, 250, 251, 252, /**/ 1, 0, 0, 2, 0, 0, /**/ 9, 9, 9, 7, 8, 8,
            ],
            photos.data<float>().ToArray());
    }

    [Fact]
    public void MirroringLeavesThePairAsItIs()
    {
        using var scope = NewDisposeScope();
        var pairs = Pairs();
        var (before, _) = pairs.Batch([0], [false], CPU);

        pairs.Batch([0], [true], CPU);

        Assert.Equal(before.data<float>().ToArray(), pairs.Batch([0], [false], CPU).Layouts.data<float>().ToArray());
    }

    [Fact]
    public void SoftLayoutsAreMirroredTogetherWithTheirPhotos()
    {
        using var scope = NewDisposeScope();
        var pairs = new TrainingPairs(channels: 2, height: 1, width: 3);
        pairs.Add([0.25f, 1, 0, 0.75f, 0, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]);

        var (layouts, photos) = pairs.Batch([0, 0], [false, true], CPU);

        Assert.Equal([2, 2, 1, 3], layouts.shape);
        Assert.Equal([0.25f, 1, 0, 0.75f, 0, 1, /**/ 0, 1, 0.25f, 1, 0, 0.75f], layouts.data<float>().ToArray());
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, /**/ 3, 2, 1, 6, 5, 4, 9, 8, 7], photos.data<float>().ToArray());
        // 2 floats and 3 colours are 11 bytes a pixel, where ids and colours are 4.
        Assert.Equal((true, 1, 3), (pairs.IsSoft, pairs.Count, pairs.CountByMemory));
    }

    [Fact]
    public void SoftLayoutsAndIdsAreNotMixed()
    {
        var pairs = Pairs();

        Assert.Throws<InvalidOperationException>(() => pairs.Add(new float[12], new byte[18]));
        Assert.Contains("2 x 2 x 3 shares, got 11", Assert.Throws<ArgumentException>(() => pairs.Add(new float[11], new byte[18])).Message);
        Assert.Equal((false, 2, 2), (pairs.IsSoft, pairs.Count, pairs.CountByMemory));
    }

    [Fact]
    public void SoftLayoutsHaveAFingerprintOfTheirOwn()
    {
        var (one, same, other) = (new TrainingPairs(2, 1, 1), new TrainingPairs(2, 1, 1), new TrainingPairs(2, 1, 1));
        one.Add([0.25f, 0.75f], [1, 2, 3]);
        same.Add([0.25f, 0.75f], [1, 2, 3]);
        other.Add([0.5f, 0.5f], [1, 2, 3]);

        Assert.Equal(one.Fingerprint(), same.Fingerprint());
        Assert.NotEqual(one.Fingerprint(), other.Fingerprint());
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedWithItsPlace()
    {
        var pairs = new TrainingPairs(channels: 2, height: 2, width: 3);

        var label = Assert.Throws<ArgumentException>(() => pairs.Add(new byte[5], new byte[18]));
        var photo = Assert.Throws<ArgumentException>(() => pairs.Add(new byte[6], new byte[6]));
        var id = Assert.Throws<ArgumentException>(() => pairs.Add([0, 1, 1, 0, 2, 9], new byte[18]));

        Assert.Contains("2 x 3 ids, got 5", label.Message);
        Assert.Contains("3 x 2 x 3 bytes, got 6", photo.Message);
        Assert.Contains("Id 2 at pixel (1, 1) is not below 2", id.Message);
        Assert.Equal(0, pairs.Count);
    }

    [Theory]
    [InlineData(255, 254, true)]
    [InlineData(255, 255, false)]
    [InlineData(256, 255, true)]
    [InlineData(300, 255, true)]
    public void TheLargestIdsAreCheckedToo(int channels, byte id, bool valid)
    {
        var pairs = new TrainingPairs(channels, 1, 1);

        if (valid)
            pairs.Add([id], new byte[3]);
        else
            Assert.Throws<ArgumentException>(() => pairs.Add([id], new byte[3]));
    }

    private static TrainingPairs Pairs()
    {
        var pairs = new TrainingPairs(channels: 2, height: 2, width: 3);
        pairs.Add([0, 0, 1, 0, 1, 0], [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 24, 25]);
        pairs.Add([0, 0, 1, 1, 1, 1], [255, 254, 253, 252, 251, 250, 0, 0, 1, 0, 0, 2, 9, 9, 9, 8, 8, 7]);
        return pairs;
    }
}
