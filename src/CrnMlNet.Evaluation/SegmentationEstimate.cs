namespace CrnMlNet.Evaluation;

/// <summary>How well a segmenter finds the layouts in images, with what other pairs would give.</summary>
/// <param name="Scores">The scores over all images.</param>
/// <param name="MeanIoU">The interval of <see cref="SegmentationScores.MeanIoU"/>; null: not known.</param>
/// <param name="PixelAccuracy">The interval of <see cref="SegmentationScores.PixelAccuracy"/>.</param>
/// <param name="MeanClassAccuracy">The interval of <see cref="SegmentationScores.MeanClassAccuracy"/>.</param>
public sealed record SegmentationEstimate(SegmentationScores Scores, Interval? MeanIoU, Interval? PixelAccuracy, Interval? MeanClassAccuracy)
{
    /// <summary>Scores images under a policy.</summary>
    /// <param name="images">Each image's matrix.</param>
    /// <param name="policy">Whether pixels that are labelled void count.</param>
    /// <param name="resamples">How often images are drawn anew.</param>
    /// <param name="seed">Seeds the drawing.</param>
    internal static SegmentationEstimate Of(IReadOnlyList<ConfusionMatrix> images, VoidPolicy policy, int resamples, int seed)
    {
        SegmentationScores[] others = [.. Bootstrap.Draws(images.Count, resamples, seed).Select(Score)];
        return new SegmentationEstimate(
            Score([.. Enumerable.Range(0, images.Count)]),
            Bootstrap.IntervalOf(others.Select(scores => scores.MeanIoU)),
            Bootstrap.IntervalOf(others.Select(scores => scores.PixelAccuracy)),
            Bootstrap.IntervalOf(others.Select(scores => scores.MeanClassAccuracy)));

        SegmentationScores Score(int[] drawn)
        {
            var sum = new ConfusionMatrix(images[0].Classes);
            foreach (int i in drawn)
                sum.Add(images[i]);
            return sum.Scores(policy);
        }
    }
}
