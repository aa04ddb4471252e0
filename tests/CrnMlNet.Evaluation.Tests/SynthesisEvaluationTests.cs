namespace CrnMlNet.Evaluation.Tests;

public class SynthesisEvaluationTests
{
    [Fact]
    public void AFlatPaintingHasEachClassInItsMeanColourOverAllPhotos()
    {
        // Class 0 has red 10 and 30 in the first photo and 50 in the second: mean 30. Class 1 has red 100 and 101: 100.5, to even.
        byte[][] layouts = [[0, 0, 1], [0, 1, 2]];
        RgbImage[] photos =
        [
            new(1, 3, [10, 30, 100, 0, 0, 0, 1, 2, 3]),
            new(1, 3, [50, 101, 7, 0, 0, 9, 3, 6, 255]),
        ];

        var flat = SynthesisEvaluation.FlatPaintings(layouts, photos, channels: 4);

        // Blue of class 0: 1, 2, 3; of class 1: 3 and 6, 4.5 to even; class 2 once; class 3 nowhere.
        Assert.Equal([30, 30, 100, 0, 0, 0, 2, 2, 4], flat[0].Planes.ToArray());
        Assert.Equal([30, 100, 7, 0, 0, 9, 2, 4, 255], flat[1].Planes.ToArray());
    }
}
