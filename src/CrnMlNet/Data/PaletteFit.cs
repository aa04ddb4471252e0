namespace CrnMlNet.Data;

/// <summary>How well a palette fits a set of label images.</summary>
/// <param name="Palette">The palette.</param>
/// <param name="Encoding">How the images are read: by id (<see cref="LabelEncoding.Index"/>, or <see cref="LabelEncoding.PaletteIndex"/> where there
/// are palette PNGs), or by <see cref="LabelEncoding.Color"/>.</param>
/// <param name="KnownShare">The share of all pixels whose value the palette has, 0 to 1.</param>
/// <param name="ClassesSeen">How many of the palette's classes occur.</param>
/// <param name="Unknown">The values that the palette lacks, the most frequent first.</param>
/// <param name="Ambiguous">The colours that the palette gives to two classes.</param>
public sealed record PaletteFit(
    LabelPalette Palette, LabelEncoding Encoding, double KnownShare, int ClassesSeen, IReadOnlyList<LabelValue> Unknown, IReadOnlyList<LabelValue> Ambiguous)
{
    // A few odd pixels must not make another palette the better one.
    private const double NearlyAll = 0.99;

    /// <summary>Whether the palette has every value.</summary>
    public bool IsWhole => Unknown.Count == 0 && Ambiguous.Count == 0;

    /// <summary>What a value means in this palette: a class's name, <c>void</c>, or null where the palette lacks it.</summary>
    public string? MeaningOf(LabelValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var channel = ChannelOf(value);
        return channel < 0 ? null : channel == Palette.VoidChannel ? "void" : Palette.Classes[channel].Name;
    }

    /// <summary>Reads the values with a palette in every way that is possible, and keeps the best.</summary>
    internal static PaletteFit Of(LabelPalette palette, IReadOnlyList<LabelValue> values, bool hasPaletteFiles)
    {
        var byId = Of(palette, values, hasPaletteFiles ? LabelEncoding.PaletteIndex : LabelEncoding.Index);
        var byColor = Of(palette, values, LabelEncoding.Color);
        // One coloured image, and training reads all of them by colour.
        if (values.Any(value => value.Id is null) || byColor.Rank.CompareTo(byId.Rank) > 0)
            return byColor;
        return byId with { IsTwiceTrue = hasPaletteFiles && byId.IsWhole && values.All(value => byId.ChannelOf(value) == byColor.ChannelOf(value)) };
    }

    /// <summary>The better, the greater: first whether nearly all pixels are known, then how many of the classes occur.</summary>
    internal (double Known, double Seen, bool IsTwiceTrue, double Share) Rank =>
        (KnownShare >= NearlyAll ? 1 : KnownShare, (double)ClassesSeen / Palette.Classes.Count, IsTwiceTrue, KnownShare);

    /// <summary>Whether the files' palettes say of every index what this palette says of it.</summary>
    private bool IsTwiceTrue { get; init; }

    private static PaletteFit Of(LabelPalette palette, IReadOnlyList<LabelValue> values, LabelEncoding encoding)
    {
        var fit = new PaletteFit(palette, encoding, 0, 0, [], []);
        var ambiguous = values.Where(fit.IsAmbiguous).ToArray();
        var unknown = values.Where(value => fit.ChannelOf(value) < 0).Except(ambiguous).OrderByDescending(value => value.Pixels).ToArray();
        long all = values.Sum(value => value.Pixels), lacking = unknown.Concat(ambiguous).Sum(value => value.Pixels);
        var seen = values.Select(fit.ChannelOf).Where(channel => channel >= 0 && channel < palette.VoidChannel).Distinct().Count();
        return fit with { KnownShare = all == 0 ? 0 : 1 - (double)lacking / all, ClassesSeen = seen, Unknown = unknown, Ambiguous = ambiguous };
    }

    private bool ReadsById(LabelValue value) => value.Id is not null && Encoding != LabelEncoding.Color;

    private bool IsAmbiguous(LabelValue value) => !ReadsById(value) && Palette.Classes.Count(label => label.Color == value.Color) > 1;

    private int ChannelOf(LabelValue value)
    {
        var byId = ReadsById(value);
        for (var channel = 0; channel < Palette.Classes.Count; channel++)
        {
            if (byId ? Palette.Classes[channel].Id == value.Id : Palette.Classes[channel].Color == value.Color)
                return channel;
        }

        return (byId ? Palette.VoidIds.Contains(value.Id!.Value) : value.Color is { } color && Palette.VoidColors.Contains(color)) ? Palette.VoidChannel : -1;
    }
}
