using System.Text.Json;
using System.Text.Json.Serialization;
using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Evaluation.Studies;

/// <summary>One of the two places where an image is shown.</summary>
public enum Side
{
    /// <summary>The left one, "image A" in the authors' tables; on a narrow screen the upper one.</summary>
    Left,

    /// <summary>The right one, "image B"; on a narrow screen the lower one.</summary>
    Right,
}

/// <summary>An image of a study.</summary>
/// <param name="File">The file's name in the study's folder of images, which tells nothing of where the image comes from.</param>
/// <param name="System">Which system made it, or that it is real.</param>
/// <param name="Layout">Which layout it was made for: the original file's name without its extension.</param>
public sealed record StudyImage(string File, string System, string Layout);

/// <summary>Two images that are shown side by side once to everybody who does the job.</summary>
/// <param name="Id">Its number, which no other pair of the study has.</param>
/// <param name="Left">The file of the image on the left.</param>
/// <param name="Right">The file of the image on the right.</param>
/// <param name="Milliseconds">How long they are shown before they are masked; null: until they are answered.</param>
/// <param name="Obvious">Of a sentinel, the side that whoever looks must choose; null: this pair is none.</param>
public sealed record StudyPair(int Id, string Left, string Right, int? Milliseconds = null, Side? Obvious = null);

/// <summary>
/// A pairwise study, the paper's own measure (section 5): which of two images is more realistic? Everything is settled in it before
/// the first answer: which pairs each job shows, in which order and on which side, and which workers will not count.
/// </summary>
public sealed class PairwiseStudy
{
    /// <summary>What the study's own file is called in its folder.</summary>
    public const string FileName = "study.json";

    /// <summary>Where its images are in its folder.</summary>
    public const string ImagesFolder = "images";

    /// <summary>The longest time that a pair can be shown for, in milliseconds.</summary>
    public const int LongestTime = 60_000;

    private const int LargestFile = 64 << 20;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    private Dictionary<string, StudyImage>? _imagesByFile;
    private Dictionary<string, int>? _systemNumbers;
    private Dictionary<int, StudyPair>? _pairsById;

    /// <summary>What is asked of every pair.</summary>
    public required string Question { get; init; }

    /// <summary>What decided all that is random in it.</summary>
    public required int Seed { get; init; }

    /// <summary>The share of the sentinels that a worker has to get right to count, 0 to 1; who has answered none does not count either.</summary>
    public required double SentinelsRight { get; init; }

    /// <summary>The systems, in the order in which they were named.</summary>
    public required IReadOnlyList<string> Systems { get; init; }

    /// <summary>All images.</summary>
    public required IReadOnlyList<StudyImage> Images { get; init; }

    /// <summary>What a worker does in one go, a HIT on MTurk: pairs in the order in which they are shown.</summary>
    public required IReadOnlyList<IReadOnlyList<StudyPair>> Jobs { get; init; }

    /// <summary>Whether images are masked after a time.</summary>
    [JsonIgnore]
    public bool IsTimed => Jobs.Any(job => job.Any(pair => pair.Milliseconds is not null));

    /// <summary>Whether there are sentinels, and so workers to exclude.</summary>
    [JsonIgnore]
    public bool HasSentinels => Jobs.Any(job => job.Any(pair => pair.Obvious is not null));

    private Dictionary<string, StudyImage> ImagesByFile => _imagesByFile ??= Images.ToDictionary(image => image.File);

    /// <summary>The image that a file of the study holds; null: there is none.</summary>
    public StudyImage? FindImage(string file) => ImagesByFile.GetValueOrDefault(file);

    /// <summary>The pair of a number; null: there is none.</summary>
    public StudyPair? FindPair(int id) => (_pairsById ??= Jobs.SelectMany(job => job).ToDictionary(pair => pair.Id)).GetValueOrDefault(id);

    /// <summary>The image that a file of the study holds.</summary>
    internal StudyImage ImageOf(string file) => ImagesByFile[file];

    /// <summary>A system's number, in the order of <see cref="Systems"/>.</summary>
    internal int NumberOf(string system)
        => (_systemNumbers ??= Enumerable.Range(0, Systems.Count).ToDictionary(number => Systems[number]))[system];

    /// <summary>Reads the study of a folder.</summary>
    /// <param name="folder">The folder that 'crn study create' made.</param>
    /// <exception cref="IOException">There is none, or it cannot be read.</exception>
    /// <exception cref="InvalidDataException">Its file is damaged, or contradicts itself.</exception>
    public static PairwiseStudy Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new FileNotFoundException($"'{folder}' is no study: it has no {FileName}. Make one with 'crn study create'.", path);
        if (new FileInfo(path).Length > LargestFile)
            throw new InvalidDataException($"Study '{path}' has more than {LargestFile >> 20} MB, which no study has.");
        try
        {
            using var stream = File.OpenRead(path);
            var study = JsonSerializer.Deserialize<PairwiseStudy>(stream, Json) ?? throw new InvalidDataException($"Study '{path}' is empty.");
            study.Check(path);
            return study;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"Study '{path}' is damaged: {e.Message}", e);
        }
    }

    /// <summary>Writes the study into its folder; its images have to be there already.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Save(string folder) => AtomicFile.Write(Path.Combine(folder, FileName), stream => JsonSerializer.Serialize(stream, this, Json));

    private void Check(string path)
    {
        if (SentinelsRight is not (>= 0 and <= 1))
            throw Fault(FormattableString.Invariant($"sentinelsRight is {SentinelsRight}; a share is 0 to 1"));
        if (Repeated(Systems) is { } system)
            throw Fault($"the system '{system}' is named twice");
        if (Repeated(Images.Select(image => image.File)) is { } file)
            throw Fault($"two images have the file '{file}'");
        foreach (var image in Images)
        {
            if (image.File != Path.GetFileName(image.File) || image.File.StartsWith('.') || image.File.Contains('\\'))
                throw Fault($"'{image.File}' is no file name");
            if (!Systems.Contains(image.System))
                throw Fault($"image '{image.File}' is of system '{image.System}', which is not among the systems");
        }
        if (Repeated(Jobs.SelectMany(job => job).Select(pair => (int?)pair.Id)) is { } id)
            throw Fault($"two pairs have the id {id}");
        foreach (var pair in Jobs.SelectMany(job => job))
        {
            foreach (string side in (string[])[pair.Left, pair.Right])
            {
                if (!ImagesByFile.ContainsKey(side))
                    throw Fault($"pair {pair.Id} shows '{side}', which is not among the images");
            }
            if (ImageOf(pair.Left).System == ImageOf(pair.Right).System)
                throw Fault($"pair {pair.Id} compares '{ImageOf(pair.Left).System}' with itself");
            if (pair.Milliseconds is < 1 or > LongestTime)
                throw Fault($"pair {pair.Id} is shown for {pair.Milliseconds} ms; it must be 1 to {LongestTime}");
        }
        if (IsTimed && Jobs.Any(job => job.Any(pair => pair.Milliseconds is null)))
            throw Fault("some pairs have a time, and others have none");
        if (Jobs.Count == 0 || Jobs.Any(job => job.Count == 0))
            throw Fault("a study has at least one job, and a job at least one pair");

        InvalidDataException Fault(string what) => new($"Study '{path}' contradicts itself: {what}.");
    }

    private static T? Repeated<T>(IEnumerable<T> values) => values.GroupBy(value => value).FirstOrDefault(group => group.Skip(1).Any()) is { } group ? group.Key : default;
}
