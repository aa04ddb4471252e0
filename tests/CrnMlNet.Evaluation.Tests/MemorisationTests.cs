namespace CrnMlNet.Evaluation.Tests;

public sealed class MemorisationTests
{
    [Fact]
    public void FindsTheNearestTrainingPhotoAndItsDistance()
    {
        // 70 photos, more than are compared at once, of gray 0, 3, 6, ...
        var training = Enumerable.Range(0, 70).Select(i => Pictures.Constant(40, 48, (byte)(3 * i)));

        var memorisation = Memorisation.Of([Pictures.Constant(40, 48, 198), Pictures.Constant(40, 48, 1)], [Pictures.Constant(40, 48, 255), Pictures.Constant(40, 48, 47)], training);

        Assert.Equal([66, 0], memorisation.Synthesized.Select(image => image.Photo));
        Assert.Equal([69, 16], memorisation.Real.Select(image => image.Photo));
        Assert.Equal(0, memorisation.Synthesized[0].Distance, 1e-4);
        Assert.Equal(1, memorisation.Synthesized[1].Distance, 1e-4);
        Assert.Equal(255 - 207, memorisation.Real[0].Distance, 1e-4);
        Assert.Equal(1, memorisation.Real[1].Distance, 1e-4);
        Assert.Equal(70, memorisation.TrainingPhotos);
        // Only the copy is nearer than the nearest real photo, which is as near as the other.
        Assert.Equal(0.5, memorisation.ShareBelowReal);
    }

    [Fact]
    public void TheDistanceIsTheRootOfTheMeanSquareOverAllColours()
    {
        var gray = Pictures.Constant(16, 16, 100);
        var other = Pictures.Of(16, 16, (colour, y, _) => colour == 0 && y < 8 ? 106 : 100);

        var memorisation = Memorisation.Of([other], [gray], [gray]);

        // One in six values differs by 6.
        Assert.Equal(Math.Sqrt(36 / 6.0), memorisation.Synthesized[0].Distance, 1e-9);
    }

    [Fact]
    public void GrainIsNoDifferenceButShapesAre()
    {
        var gray = Pictures.Constant(256, 256, 100);
        var grain = Pictures.Of(256, 256, (_, y, x) => 100 + ((x + y) % 2 == 0 ? 40 : -40));
        var halves = Pictures.Of(256, 256, (_, _, x) => x < 128 ? 140 : 60);

        var memorisation = Memorisation.Of([grain], [halves], [gray]);

        Assert.True(memorisation.Synthesized[0].Distance < 1);
        Assert.Equal(40, memorisation.Real[0].Distance, 1.0);
    }

    [Fact]
    public void QuantilesLieBetweenTheNumbersAroundThem()
    {
        NearestPhoto[] nearest = [new(0, 8), new(0, 1), new(0, 2)];

        Assert.Equal([1, 1.5, 2, 5, 8], new[] { 0, 0.25, 0.5, 0.75, 1 }.Select(share => Memorisation.Quantile(nearest, share)));
    }

    [Fact]
    public void EmptySetsAreRefused()
    {
        RgbImage[] one = [Pictures.Waves(16, 16)];
        Assert.Throws<ArgumentException>(() => Memorisation.Of(one, [], one));
        Assert.Contains("no training photo", Assert.Throws<ArgumentException>(() => Memorisation.Of(one, one, [])).Message);
    }
}
