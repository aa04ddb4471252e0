using CrnMlNet.Data;

namespace CrnMlNet.Cli;

/// <summary>Where the pairs are that a model learns from, and those that it is measured on after every epoch.</summary>
/// <param name="Labels">The folder of label images.</param>
/// <param name="Photos">The folder of photos.</param>
/// <param name="ValidationLabels">The folder of label images to measure on; null: none.</param>
/// <param name="ValidationPhotos">The folder of their photos; null: none.</param>
/// <param name="ValidationShare">Which share of the pairs is measured on instead of learned from; null: none.</param>
internal sealed record PairFolders(string Labels, string Photos, string? ValidationLabels, string? ValidationPhotos, double? ValidationShare)
{
    /// <summary>Finds the files.</summary>
    /// <returns>The pairs to learn from and those to measure on, of which there may be none.</returns>
    /// <exception cref="ArgumentException">The validation options do not go together, or the share is out of its range.</exception>
    /// <exception cref="IOException">A folder does not exist.</exception>
    /// <exception cref="InvalidDataException">A file lacks its partner, or there are too few.</exception>
    public (IReadOnlyList<LabelPhotoPair> Training, IReadOnlyList<LabelPhotoPair> Validation) Find()
    {
        if (ValidationLabels is null != ValidationPhotos is null)
            throw new ArgumentException("--validation-labels and --validation-photos go together: give both or neither.");
        if (ValidationLabels is not null && ValidationShare is not null)
            throw new ArgumentException("Validate on folders of their own (--validation-labels, --validation-photos) or on a share of the pairs (--validation-share), not on both.");
        if (ValidationShare is not (null or (> 0 and < 1)))
            throw new ArgumentException(FormattableString.Invariant($"--validation-share is {ValidationShare}; it must be above 0 and below 1, such as 0.1."));

        var pairs = LabelPhotoPairs.FromFolders(Labels, Photos);
        if (ValidationLabels is not null)
            return (pairs, LabelPhotoPairs.FromFolders(ValidationLabels, ValidationPhotos!));
        if (ValidationShare is not { } share)
            return (pairs, []);
        if (pairs.Count < 2)
            throw new InvalidDataException($"--validation-share needs at least two pairs; the folder '{Labels}' has {pairs.Count}.");
        // The last ones by name: frames of one drive stay together, as neighbours of what was learned tell little.
        int learned = pairs.Count - Math.Clamp((int)Math.Round(share * pairs.Count), 1, pairs.Count - 1);
        return ([.. pairs.Take(learned)], [.. pairs.Skip(learned)]);
    }
}
