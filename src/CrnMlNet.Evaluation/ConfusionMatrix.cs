namespace CrnMlNet.Evaluation;

/// <summary>What becomes of the pixels that are labelled void.</summary>
public enum VoidPolicy
{
    /// <summary>They do not count, as in Cityscapes' and CamVid's own evaluations.</summary>
    Ignored,

    /// <summary>
    /// They count, and whichever class is told there is wrong: accuracy is of all pixels, and a class that is told there loses in IoU. Some published
    /// numbers are of this kind, which explains accuracies of 81.9 and 93.5 for one system (SPADE on Cityscapes).
    /// </summary>
    Error,
}

/// <summary>How well layouts are found again.</summary>
/// <param name="MeanIoU">
/// The mean over classes of intersection over union: TP / (TP + FP + FN), 0 to 1. Classes that are neither labelled nor told anywhere are left out.
/// </param>
/// <param name="PixelAccuracy">The share of the counted pixels that are told right, 0 to 1.</param>
/// <param name="MeanClassAccuracy">The mean over the labelled classes of the share of their pixels that are told right, 0 to 1.</param>
/// <param name="IoU">The intersection over union of each class; NaN for one that is neither labelled nor told.</param>
public sealed record SegmentationScores(double MeanIoU, double PixelAccuracy, double MeanClassAccuracy, IReadOnlyList<double> IoU);

/// <summary>Counts pixels by what they are labelled and what they are told to be.</summary>
public sealed class ConfusionMatrix
{
    private readonly long[,] _counts;

    /// <summary>Makes an empty matrix.</summary>
    /// <param name="classes">The classes, at least 1; id <paramref name="classes"/> is void.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no class.</exception>
    public ConfusionMatrix(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        Classes = classes;
        _counts = new long[classes + 1, classes + 1];
    }

    /// <summary>The classes; void is none of them.</summary>
    public int Classes { get; }

    /// <summary>How many pixels are labelled so and told to be so; <see cref="Classes"/> is void.</summary>
    /// <param name="labelled">What they are labelled.</param>
    /// <param name="told">What they are told to be.</param>
    public long this[int labelled, int told] => _counts[labelled, told];

    /// <summary>Counts an image.</summary>
    /// <param name="labelled">What each pixel is labelled, 0 to <see cref="Classes"/>, which is void.</param>
    /// <param name="told">What each is told to be, in the same order; void where nothing is told.</param>
    /// <exception cref="ArgumentException">The lengths differ, or an id is out of range.</exception>
    public void Add(ReadOnlySpan<byte> labelled, ReadOnlySpan<byte> told)
    {
        if (labelled.Length != told.Length)
            throw new ArgumentException($"As many pixels must be told as are labelled, got {told.Length} and {labelled.Length}.", nameof(told));
        // Before anything is counted.
        for (int i = 0; i < labelled.Length; i++)
        {
            if (Math.Max(labelled[i], told[i]) > Classes)
                throw new ArgumentException($"Pixel {i} is labelled {labelled[i]} and told to be {told[i]}; ids are at most {Classes}, void's.", nameof(labelled));
        }
        for (int i = 0; i < labelled.Length; i++)
            _counts[labelled[i], told[i]]++;
    }

    /// <summary>Adds another matrix's counts.</summary>
    /// <param name="other">A matrix of as many classes.</param>
    /// <exception cref="ArgumentException">It has other classes.</exception>
    public void Add(ConfusionMatrix other)
    {
        if (other.Classes != Classes)
            throw new ArgumentException($"Matrices of {Classes} and of {other.Classes} classes cannot be added.", nameof(other));
        for (int labelled = 0; labelled <= Classes; labelled++)
            for (int told = 0; told <= Classes; told++)
                _counts[labelled, told] += other._counts[labelled, told];
    }

    /// <summary>The scores; not numbers where there is nothing to score, as no pixel is labelled as a class.</summary>
    /// <param name="policy">Whether pixels that are labelled void count.</param>
    public SegmentationScores Scores(VoidPolicy policy)
    {
        int rows = policy == VoidPolicy.Ignored ? Classes : Classes + 1;
        long all = 0, right = 0;
        List<double> accuracies = [];
        var overlaps = new double[Classes];
        for (int label = 0; label < Classes; label++)
        {
            long labelled = 0, told = 0;
            for (int other = 0; other <= Classes; other++)
                labelled += _counts[label, other];
            for (int other = 0; other < rows; other++)
                told += _counts[other, label];
            long hit = _counts[label, label];
            right += hit;
            all += labelled;
            // 0 / 0 is NaN.
            overlaps[label] = (double)hit / (labelled + told - hit);
            if (labelled > 0)
                accuracies.Add((double)hit / labelled);
        }
        for (int told = 0; told <= Classes && rows > Classes; told++)
            all += _counts[Classes, told];
        if (accuracies.Count == 0)
            return new SegmentationScores(double.NaN, double.NaN, double.NaN, overlaps);
        return new SegmentationScores(overlaps.Where(overlap => !double.IsNaN(overlap)).Average(), (double)right / all, accuracies.Average(), overlaps);
    }
}
