using System.Runtime.InteropServices;

namespace CrnMlNet.Data;

/// <summary>How a label image file is written.</summary>
public enum LabelFileFormat
{
    /// <summary>Gray values of 8 bits or fewer.</summary>
    Gray,

    /// <summary>A PNG with gray values of 16 bits.</summary>
    Gray16,

    /// <summary>A palette PNG: an index, and with it a colour, for every pixel.</summary>
    Palette,

    /// <summary>Colours.</summary>
    Color,

    /// <summary>A JPEG, which keeps no value exactly: useless as a label image.</summary>
    Jpeg,
}

/// <summary>A value that occurs in label images.</summary>
/// <param name="Id">The gray value or palette index; null: colour images have none.</param>
/// <param name="Color">The colour; null: grays of another depth than 8 bits have none.</param>
/// <param name="Pixels">How many pixels have it.</param>
/// <param name="Images">How many images have it.</param>
/// <param name="File">The first image, by name, that has it.</param>
/// <param name="X">Where in it: the column of the first pixel.</param>
/// <param name="Y">Where in it: the row of the first pixel.</param>
public sealed record LabelValue(int? Id, RgbColor? Color, long Pixels, int Images, string File, int X, int Y)
{
    /// <summary>The value as people write it: <c>7</c>, <c>#804080</c>, or <c>7 (#804080)</c> where both differ.</summary>
    public override string ToString() =>
        Id is not { } id ? $"{Color}" : Color is not { } color || color == new RgbColor((byte)id, (byte)id, (byte)id) ? $"{id}" : $"{id} ({color})";
}

/// <summary>How many label images share a trait.</summary>
/// <param name="Trait">The trait.</param>
/// <param name="Images">How many have it.</param>
/// <param name="File">The first of them, by name.</param>
public sealed record LabelTrait<T>(T Trait, int Images, string File);

/// <summary>
/// What stands in a folder of label images: formats, sizes, a histogram of the values, the palettes that fit, and everything for which
/// training would refuse them.
/// </summary>
public sealed record LabelFolderReport
{
    private const int MostWorkers = 4;

    // More different values than these are no class ids, and are not kept.
    private const int MostValues = 1 << 16;

    /// <summary>How many label images there are, readable or not.</summary>
    public required int Images { get; init; }

    /// <summary>The formats, the most frequent first.</summary>
    public required IReadOnlyList<LabelTrait<LabelFileFormat>> Formats { get; init; }

    /// <summary>The sizes, the most frequent first.</summary>
    public required IReadOnlyList<LabelTrait<(int Width, int Height)>> Sizes { get; init; }

    /// <summary>All values of the images that can be used: ids, then colours, in ascending order.</summary>
    public required IReadOnlyList<LabelValue> Values { get; init; }

    /// <summary>How the palettes fit, the best first; a palette that was given stands first whatever it is.</summary>
    public required IReadOnlyList<PaletteFit> Fits { get; init; }

    /// <summary>What training would refuse, each in a sentence that says where and what to do.</summary>
    public required IReadOnlyList<string> Faults { get; init; }

    /// <summary>The palette that was given, or else the one that fits best if it fits at all; null: none does.</summary>
    public required PaletteFit? Best { get; init; }

    /// <summary>Looks through a folder, or at one file. Memory does not grow with the number of files.</summary>
    /// <param name="path">The folder of label images, or one of them. Files are taken as training takes them; JPEGs are looked at to say so.</param>
    /// <param name="photosFolder">The folder of the photos of the same names, to be compared; null: labels alone.</param>
    /// <param name="palette">The palette that they should have; null: any that is built in.</param>
    /// <param name="progress">Is told of files done and of all files, from any thread, one at a time.</param>
    /// <param name="cancellationToken">Ends the work with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="IOException">There is no such folder or file.</exception>
    public static LabelFolderReport Of(
        string path, string? photosFolder = null, LabelPalette? palette = null, Action<int, int>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var files = FindFiles(path);
        var summary = new Summary();
        var done = 0;
        var workers = new ParallelOptions { MaxDegreeOfParallelism = Math.Clamp(Environment.ProcessorCount, 1, MostWorkers), CancellationToken = cancellationToken };
        Parallel.For(0, files.Length, workers, i =>
        {
            var survey = LabelFileSurvey.Of(files[i]);
            lock (summary)
            {
                summary.Add(survey, i);
                progress?.Invoke(++done, files.Length);
            }
        });
        return summary.Report(files, path, photosFolder, palette);
    }

    private static string[] FindFiles(string path)
    {
        if (File.Exists(path))
            return [path];
        if (!Directory.Exists(path))
            throw new FileNotFoundException($"There is no folder or file '{path}'.", path);
        string[] images = [.. LabelPhotoPairs.LabelExtensions, ".jpg", ".jpeg"];
        return
        [
            .. Directory.EnumerateFiles(path)
                .Where(file => images.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase) && !Path.GetFileName(file).StartsWith('.'))
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>Sums up surveys that come in any order.</summary>
    private sealed class Summary
    {
        private readonly Dictionary<(int? Id, RgbColor? Color), (long Pixels, int Images, int File, int X, int Y)> _values = [];
        private readonly Dictionary<LabelFileFormat, (int Images, int File)> _formats = [];
        private readonly Dictionary<(int, int), (int Images, int File)> _sizes = [];
        private readonly SortedDictionary<int, string> _faults = [];
        private int _jpegs;
        private int _firstJpeg = int.MaxValue;
        private LabelFileSurvey? _jpeg;
        private bool _tooMany;

        public void Add(LabelFileSurvey survey, int file)
        {
            if (survey.Width > 0)
            {
                Count(_formats, survey.Format, file);
                Count(_sizes, (survey.Width, survey.Height), file);
            }

            if (survey.IsJpeg)
            {
                _jpegs++;
                if (file < _firstJpeg)
                    (_firstJpeg, _jpeg) = (file, survey);
                return;
            }

            if (survey.Fault is { } fault)
            {
                _faults[file] = fault;
                return;
            }

            foreach (var value in survey.Values)
            {
                if (_values.Count >= MostValues && !_values.ContainsKey((value.Id, value.Color)))
                {
                    _tooMany = true;
                    continue;
                }

                ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_values, (value.Id, value.Color), out var known);
                var isFirst = !known || file < entry.File;
                entry = (entry.Pixels + value.Pixels, entry.Images + 1,
                    isFirst ? file : entry.File, isFirst ? value.First % survey.Width : entry.X, isFirst ? value.First / survey.Width : entry.Y);
            }
        }

        public LabelFolderReport Report(string[] files, string path, string? photosFolder, LabelPalette? palette)
        {
            LabelValue[] values =
            [
                .. _values.OrderBy(entry => entry.Key.Id ?? int.MaxValue).ThenBy(entry => entry.Key.Color?.ToString(), StringComparer.Ordinal)
                    .Select(entry => new LabelValue(entry.Key.Id, entry.Key.Color, entry.Value.Pixels, entry.Value.Images, files[entry.Value.File], entry.Value.X, entry.Value.Y)),
            ];
            var hasPaletteFiles = _formats.ContainsKey(LabelFileFormat.Palette);
            PaletteFit[] builtIn = [.. LabelPalette.BuiltIn.Select(known => PaletteFit.Of(known, values, hasPaletteFiles)).OrderByDescending(fit => fit.Rank)];
            PaletteFit[] fits = palette is null ? builtIn
                : [PaletteFit.Of(palette, values, hasPaletteFiles), .. builtIn.Where(fit => !ReferenceEquals(fit.Palette, palette))];
            var best = values.Length > 0 && (palette is not null || fits[0].KnownShare > 0.5) ? fits[0] : null;
            return new LabelFolderReport
            {
                Images = files.Length,
                Formats = Traits(_formats, files),
                Sizes = Traits(_sizes, files),
                Values = values,
                Fits = fits,
                Best = best,
                Faults = [.. FaultsOf(files, path, palette), .. FaultsOf(best, values.Length > 0), .. FaultsOfPairs(path, photosFolder)],
            };
        }

        private static void Count<T>(Dictionary<T, (int Images, int File)> counts, T trait, int file) where T : notnull
        {
            ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(counts, trait, out var known);
            entry = (entry.Images + 1, known ? Math.Min(entry.File, file) : file);
        }

        private static LabelTrait<T>[] Traits<T>(Dictionary<T, (int Images, int File)> counts, string[] files) where T : notnull =>
            [.. counts.OrderByDescending(entry => entry.Value.Images).ThenBy(entry => entry.Value.File).Select(entry => new LabelTrait<T>(entry.Key, entry.Value.Images, files[entry.Value.File]))];

        private IEnumerable<string> FaultsOf(string[] files, string path, LabelPalette? palette)
        {
            if (files.Length == 0)
                yield return $"'{path}' has no label image ({string.Join(", ", LabelPhotoPairs.LabelExtensions)}).";
            if (_jpeg is not null)
                yield return JpegFault(_jpeg, palette);
            foreach (var fault in _faults.Values)
                yield return fault;
            if (_tooMany)
                yield return FormattableString.Invariant($"There are more than {MostValues:N0} different values in all; they are not class ids.");
        }

        private string JpegFault(LabelFileSurvey jpeg, LabelPalette? palette)
        {
            LabelValue[] values = [.. jpeg.Values.Select(value => new LabelValue(value.Id, value.Color, value.Pixels, 1, jpeg.Path, 0, 0))];
            var fit = (palette is null ? LabelPalette.BuiltIn : [palette]).Select(known => PaletteFit.Of(known, values, hasPaletteFiles: false)).MaxBy(fit => fit.Rank)!;
            var damage = values.Length == 0
                ? FormattableString.Invariant($"more than {LabelFileSurvey.MostColors:N0} different values, where a palette has at most {LabelPalette.MaxClasses}")
                : FormattableString.Invariant($"{values.Length:N0} different values, of which palette '{fit.Palette}' lacks {fit.Unknown.Count:N0}, in {1 - fit.KnownShare:P1} of the pixels");
            return $"{(_jpegs == 1 ? $"'{jpeg.Path}' is a JPEG" : FormattableString.Invariant($"{_jpegs:N0} files are JPEGs, first '{jpeg.Path}'"))}, which blurs labels: it has {damage}. "
                + "Save label images as PNG, from the originals; a JPEG cannot be brought back.";
        }

        private static IEnumerable<string> FaultsOf(PaletteFit? best, bool hasValues)
        {
            if (best is null)
            {
                if (hasValues)
                    yield return "No built-in palette has most of these values. Write them into a palette of your own, a JSON file, and name it with --palette.";
                yield break;
            }

            foreach (var value in best.Unknown)
                yield return FormattableString.Invariant(
                    $"Palette '{best.Palette}' lacks {(value.Id is null || best.Encoding == LabelEncoding.Color ? "colour" : "id")} {value}: {value.Pixels:N0} pixels in {value.Images:N0} images, first at pixel ({value.X}, {value.Y}) of '{value.File}'.");
            foreach (var value in best.Ambiguous)
                yield return $"Palette '{best.Palette}' gives colour {value.Color} to two classes, first at pixel ({value.X}, {value.Y}) of '{value.File}'. Use index label images.";
        }

        private static IEnumerable<string> FaultsOfPairs(string path, string? photosFolder)
        {
            if (photosFolder is null || File.Exists(path))
                yield break;
            var (pairs, fault) = Match(path, photosFolder);
            if (fault is not null)
                yield return fault;
            foreach (var pair in pairs)
            {
                if (AspectFault(pair) is { } aspect)
                    yield return aspect;
            }
        }

        private static (IReadOnlyList<LabelPhotoPair> Pairs, string? Fault) Match(string path, string photosFolder)
        {
            try
            {
                return (LabelPhotoPairs.Match(path, photosFolder, out var fault), fault);
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                return ([], e.Message);
            }
        }

        private static string? AspectFault(LabelPhotoPair pair)
        {
            if (ImageFile.SizeOf(pair.LabelPath) is not var (labelWidth, labelHeight))
                return null; // told of as a label image
            if (ImageFile.SizeOf(pair.PhotoPath) is not var (width, height))
                return $"Photo '{pair.PhotoPath}' is not a picture that can be read, or its head is damaged.";
            return Math.Abs((double)labelWidth / labelHeight / ((double)width / height) - 1) <= TrainingRows.AspectTolerance ? null
                : $"Photo '{pair.PhotoPath}' is {width}x{height}, but its label image '{pair.LabelPath}' is {labelWidth}x{labelHeight}: their shapes differ. Crop or resize one of them.";
        }
    }
}
