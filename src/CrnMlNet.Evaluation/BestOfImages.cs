namespace CrnMlNet.Evaluation;

/// <summary>
/// What several images for a layout are worth: how much nearer to the photo the best of them is than any of them, and how
/// different they are.
/// </summary>
/// <param name="Psnr">
/// The PSNR in dB of the best of 1, of 2, ... of all k images, expected when they are drawn from the k: the first is the mean over all
/// images, the last the greatest.
/// </param>
/// <param name="MultiScaleSsim">The same in MS-SSIM; here another image may be the best.</param>
/// <param name="AssembledPsnr">
/// The PSNR in dB of the virtual image that has for each class the image that is nearest there (the paper's reading of its Eq. 3).
/// </param>
/// <param name="PairwiseDifference">The mean absolute difference between two of the images, in gray levels.</param>
public sealed record BestOfImages(
    IReadOnlyList<double> Psnr, IReadOnlyList<double> MultiScaleSsim, double AssembledPsnr, double PairwiseDifference)
{
    /// <summary>Measures the images of one layout.</summary>
    /// <param name="images">The images, at least two, of the photo's size.</param>
    /// <param name="photo">The real photo.</param>
    /// <param name="layout">The class of every pixel, row by row.</param>
    /// <exception cref="ArgumentException">There are less than two images, or the sizes differ.</exception>
    public static BestOfImages Of(IReadOnlyList<RgbImage> images, RgbImage photo, IReadOnlyList<byte> layout)
    {
        if (images.Count < 2)
            throw new ArgumentException($"Two images or more can be compared with each other, got {images.Count}.", nameof(images));
        if (layout.Count != photo.Height * photo.Width)
            throw new ArgumentException($"A layout of {photo.Height}x{photo.Width} has that many classes, got {layout.Count}.", nameof(layout));
        return new BestOfImages(
            ExpectedBest([.. images.Select(image => Evaluation.Psnr.Between(image, photo))]),
            ExpectedBest([.. images.Select(image => Evaluation.MultiScaleSsim.Between(image, photo))]),
            Assemble(images, photo, layout),
            Pairs(images).Average(pair => Difference(pair.First, pair.Second)));
    }

    /// <summary>The mean over layouts.</summary>
    /// <param name="layouts">What was measured for each, of as many images; at least one.</param>
    public static BestOfImages Mean(IReadOnlyList<BestOfImages> layouts) => new(
        [.. layouts[0].Psnr.Select((_, i) => layouts.Average(layout => layout.Psnr[i]))],
        [.. layouts[0].MultiScaleSsim.Select((_, i) => layouts.Average(layout => layout.MultiScaleSsim[i]))],
        layouts.Average(layout => layout.AssembledPsnr),
        layouts.Average(layout => layout.PairwiseDifference));

    /// <summary>The expected greatest of 1, of 2, ... of all values, drawn without putting back.</summary>
    internal static double[] ExpectedBest(IReadOnlyList<double> values)
    {
        double[] descending = [.. values.OrderDescending()];
        var expected = new double[descending.Length];
        for (int drawn = 1; drawn <= descending.Length; drawn++)
        {
            // The i-th greatest is the greatest drawn when it is drawn and none of the i before it: next goes from the chance that
            // the greatest is drawn, drawn / k, to each following one's.
            double chance = (double)drawn / descending.Length, none = 1 - chance;
            for (int i = 0; i < descending.Length && chance > 0; i++)
            {
                expected[drawn - 1] += chance * descending[i];
                int left = descending.Length - i - 1;
                chance = left == 0 ? 0 : none * drawn / left;
                none -= chance;
            }
        }
        return expected;
    }

    private static double Assemble(IReadOnlyList<RgbImage> images, RgbImage photo, IReadOnlyList<byte> layout)
    {
        var least = new double[byte.MaxValue + 1];
        Array.Fill(least, double.PositiveInfinity);
        foreach (var image in images)
        {
            RgbImage.CheckSameSize(image, photo);
            var errors = new double[least.Length];
            for (int i = 0; i < photo.Planes.Length; i++)
            {
                double difference = image.Planes[i] - photo.Planes[i];
                errors[layout[i % layout.Count]] += difference * difference;
            }
            for (int label = 0; label < least.Length; label++)
                least[label] = Math.Min(least[label], errors[label]);
        }
        return Evaluation.Psnr.Of(least.Sum() / photo.Planes.Length);
    }

    private static double Difference(RgbImage first, RgbImage second)
    {
        double sum = 0;
        for (int i = 0; i < first.Planes.Length; i++)
            sum += Math.Abs(first.Planes[i] - second.Planes[i]);
        return sum / first.Planes.Length;
    }

    internal static IEnumerable<(RgbImage First, RgbImage Second)> Pairs(IReadOnlyList<RgbImage> images) =>
        images.SelectMany((first, i) => images.Skip(i + 1).Select(second => (first, second)));
}
