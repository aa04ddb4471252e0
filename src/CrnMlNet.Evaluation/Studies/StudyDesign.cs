using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CrnMlNet.Evaluation.Studies;

/// <summary>Two systems that are compared.</summary>
/// <param name="First">The one; of a sentinel, the one that whoever looks must choose.</param>
/// <param name="Second">The other.</param>
public sealed record Comparison(string First, string Second);

/// <summary>How a study is laid out. Its defaults are those of the paper's authors' scripts.</summary>
/// <remarks>
/// <para>
/// Layouts are put in a random order, once. A comparison (in the timed design: at one time) goes through that order in a circle, from a
/// start of its own, a few layouts further with each job. So it meets all layouts equally often, and no layout comes twice in a job as
/// long as there are as many layouts as pairs in it.
/// </para>
/// <para>
/// With one comparison of 500 layouts this is the authors' unlimited design: 5 jobs of 100 pairs, each layout once, and 10 sentinels
/// in each. With three comparisons and <see cref="PaperTimes"/> it is their timed one: 10 jobs of 3 x 7 x 5 pairs and 5 sentinels.
/// </para>
/// </remarks>
public sealed record StudyDesign
{
    /// <summary>The times of the paper's Figure 4, in milliseconds.</summary>
    public static readonly IReadOnlyList<int> PaperTimes = [125, 250, 500, 1000, 2000, 4000, 8000];

    /// <summary>How long the authors showed sentinels in the timed design, in milliseconds.</summary>
    public const int SentinelTime = 4000;

    private const int MostPerJob = 1000;
    private const int MostJobs = 10_000;
    private const int AuthorsTimedJobs = 10;
    private const int AuthorsSentinels = 10;
    private const int AuthorsTimedSentinels = 5;

    /// <summary>What is compared, at least one.</summary>
    public required IReadOnlyList<Comparison> Comparisons { get; init; }

    /// <summary>How long pairs are shown, in milliseconds, each comparison equally often; empty: until they are answered.</summary>
    public IReadOnlyList<int> Times { get; init; } = [];

    /// <summary>What is mixed in to find who does not look; empty: nothing.</summary>
    public IReadOnlyList<Comparison> Sentinels { get; init; } = [];

    /// <summary>How many pairs a job has about, without sentinels.</summary>
    public int PairsPerJob { get; init; } = 100;

    /// <summary>How many sentinels a job has; null: 10, and in the timed design 5.</summary>
    public int? SentinelsPerJob { get; init; }

    /// <summary>How many jobs there are; null: as many as show each comparison each layout once, and in the timed design 10.</summary>
    public int? Jobs { get; init; }

    /// <summary>See <see cref="PairwiseStudy.SentinelsRight"/>.</summary>
    public double SentinelsRight { get; init; } = 0.8;

    /// <summary>See <see cref="PairwiseStudy.Question"/>.</summary>
    public string Question { get; init; } = "Which image is more realistic?";

    /// <summary>Decides all that is random; the same seed gives the same study.</summary>
    public int Seed { get; init; }

    /// <summary>Lays out a study.</summary>
    /// <param name="systems">The systems, with each one's image files by layout; all of the same layouts.</param>
    /// <returns>The study, and where the file of each of its images comes from. Images that no pair shows are left out.</returns>
    /// <exception cref="ArgumentException">A number is out of its range, a comparison names an unknown system, or systems differ in their layouts.</exception>
    public (PairwiseStudy Study, IReadOnlyDictionary<string, string> Sources) LayOut(
        IReadOnlyList<(string System, IReadOnlyDictionary<string, string> Files)> systems)
    {
        Check(systems);
        string[] layouts = [.. systems[0].Files.Keys.Order(StringComparer.Ordinal)];
        var random = new Random(Seed);
        random.Shuffle(layouts);

        (Comparison Comparison, int? Time)[] cells =
            [.. Comparisons.SelectMany(comparison => Times.Count == 0 ? [(comparison, (int?)null)] : Times.Select(time => (comparison, (int?)time)))];
        int jobs = Jobs ?? (Times.Count > 0 ? AuthorsTimedJobs : (int)Math.Ceiling((double)layouts.Length * cells.Length / PairsPerJob));
        int perCell = Jobs is null && Times.Count == 0
            ? (int)Math.Ceiling((double)layouts.Length / jobs)
            : Math.Clamp((int)Math.Round((double)PairsPerJob / cells.Length), 1, layouts.Length);
        int perJob = Sentinels.Count == 0 ? 0 : SentinelsPerJob ?? Math.Min(layouts.Length, Times.Count > 0 ? AuthorsTimedSentinels : AuthorsSentinels);

        var images = new Dictionary<(string System, string Layout), StudyImage>();
        int pairs = 0;
        var study = new PairwiseStudy
        {
            Question = Question,
            Seed = Seed,
            SentinelsRight = SentinelsRight,
            Systems = [.. systems.Select(system => system.System)],
            Jobs = [.. Enumerable.Range(0, jobs).Select(LayOutJob)],
            Images = [.. images.Values.OrderBy(image => image.File, StringComparer.Ordinal)],
        };
        var files = systems.ToDictionary(system => system.System, system => system.Files);
        return (study, study.Images.ToDictionary(image => image.File, image => files[image.System][image.Layout]));

        StudyPair[] LayOutJob(int job)
        {
            var shown = new List<StudyPair>();
            for (int cell = 0; cell < cells.Length; cell++)
            {
                int start = (int)((long)cell * layouts.Length / cells.Length);
                for (int i = 0; i < perCell; i++)
                    shown.Add(Pair(cells[cell].Comparison, layouts[(start + job * perCell + i) % layouts.Length], cells[cell].Time, isSentinel: false));
            }
            for (int i = 0; i < perJob; i++)
            {
                int place = job * perJob + i;
                shown.Add(Pair(Sentinels[place % Sentinels.Count], layouts[^(1 + place % layouts.Length)], Times.Count > 0 ? SentinelTime : null, isSentinel: true));
            }
            var order = shown.ToArray();
            random.Shuffle(order);
            // Numbered as they are shown, so that the number does not tell what a pair is.
            return [.. order.Select(pair => pair with { Id = pairs++ })];
        }

        StudyPair Pair(Comparison comparison, string layout, int? time, bool isSentinel)
        {
            var (first, second) = (ImageOf(comparison.First, layout), ImageOf(comparison.Second, layout));
            bool isFirstLeft = random.Next(2) == 0;
            return new StudyPair(
                0, isFirstLeft ? first : second, isFirstLeft ? second : first, time, !isSentinel ? null : isFirstLeft ? Side.Left : Side.Right);
        }

        string ImageOf(string system, string layout)
        {
            if (!images.TryGetValue((system, layout), out var image))
            {
                string source = systems.First(entry => entry.System == system).Files[layout];
                images[(system, layout)] = image = new StudyImage(OpaqueName(system, layout) + Path.GetExtension(source).ToLowerInvariant(), system, layout);
            }
            return image.File;
        }
    }

    /// <summary>A name that tells nothing to who does not have the seed.</summary>
    private string OpaqueName(string system, string layout) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Seed}\n{system}\n{layout}"))))[..16];

    private void Check(IReadOnlyList<(string System, IReadOnlyDictionary<string, string> Files)> systems)
    {
        if (systems.Count < 2)
            throw new ArgumentException($"A study compares two systems or more, got {systems.Count}.", nameof(systems));
        if (systems.GroupBy(system => system.System).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"The system '{twice.Key}' is named twice.", nameof(systems));
        foreach (var (system, files) in systems.Skip(1))
        {
            string[] alone = [.. systems[0].Files.Keys.Except(files.Keys).Order(StringComparer.Ordinal)];
            string[] more = [.. files.Keys.Except(systems[0].Files.Keys).Order(StringComparer.Ordinal)];
            if (alone.Length + more.Length > 0)
            {
                throw new ArgumentException(
                    $"Images go together by file name, but '{systems[0].System}' and '{system}' differ: "
                    + string.Join(", and ", new[] { Describe(alone, systems[0].System), Describe(more, system) }.Where(text => text.Length > 0))
                    + ". Add the missing images, or take these away.",
                    nameof(systems));
            }
        }
        if (Comparisons.Count == 0)
            throw new ArgumentException("A study has at least one comparison.");
        foreach (var comparison in Comparisons.Concat(Sentinels))
        {
            foreach (string name in (string[])[comparison.First, comparison.Second])
            {
                if (!systems.Any(system => system.System == name))
                    throw new ArgumentException($"'{comparison.First}:{comparison.Second}' names '{name}', and the systems are {string.Join(", ", systems.Select(system => system.System))}.");
            }
            if (comparison.First == comparison.Second)
                throw new ArgumentException($"'{comparison.First}:{comparison.Second}' compares a system with itself.");
        }
        foreach (int time in Times)
        {
            if (time is < 1 or > PairwiseStudy.LongestTime)
                throw new ArgumentException($"Pairs are shown for 1 to {PairwiseStudy.LongestTime} ms, got {time}.");
        }
        if (PairsPerJob is < 1 or > MostPerJob)
            throw new ArgumentException($"A job has 1 to {MostPerJob} pairs, got {PairsPerJob}.");
        if (SentinelsPerJob is < 0 or > MostPerJob)
            throw new ArgumentException($"A job has 0 to {MostPerJob} sentinels, got {SentinelsPerJob}.");
        if (Jobs is < 1 or > MostJobs)
            throw new ArgumentException($"A study has 1 to {MostJobs} jobs, got {Jobs}.");
        if (SentinelsRight is not (>= 0 and <= 1))
            throw new ArgumentException(FormattableString.Invariant($"The share of sentinels to get right is 0 to 1, got {SentinelsRight}."));
    }

    private static string Describe(string[] layouts, string system) => layouts.Length == 0
        ? ""
        : $"{layouts.Length} only in '{system}' ({string.Join(", ", layouts.Take(3).Select(layout => $"'{layout}'"))}{(layouts.Length > 3 ? ", ..." : "")})";
}
