using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using CrnMlNet.Data;
using CrnMlNet.Evaluation.Studies;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn study create</c>: folders of images in, a study out.</summary>
internal static class StudyCreateCommand
{
    private const string MTurkFile = "mturk.csv";

    // What every browser shows.
    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".webp"];

    public static Command Create()
    {
        var defaults = new StudyDesign { Comparisons = [] };
        var systems = new Option<string[]>("--system")
        {
            Description = "A system's name and its folder of images, and so for each; real photos are such a system, too. Images of the same file name are of the same layout.",
            HelpName = "NAME=DIR",
            Required = true,
        };
        var output = new Option<string>("--output", "-o") { Description = "Folder for the study; it is made, and must not exist or be empty.", HelpName = "DIR", Required = true };
        var compare = new Option<string[]>("--compare") { Description = "Two systems to compare, and so for each. [default: every two of them]", HelpName = "A:B" };
        var sentinels = new Option<string[]>("--sentinel")
        {
            Description = "Two systems of which the first is plainly more realistic, as real photos are than a poor system's: such pairs are mixed in to find who does not look.",
            HelpName = "A:B",
        };
        var times = new Option<int[]>("--times")
        {
            Description = $"The timed design: how long images are shown before they are masked, in milliseconds; 'paper' is {string.Join(',', StudyDesign.PaperTimes)}. [default: until they are answered]",
            HelpName = "MS,MS,...|paper",
            CustomParser = ParseTimes,
            DefaultValueFactory = _ => [],
        };
        var pairs = new Option<int>("--pairs") { Description = "About how many pairs a worker is asked in one go, without sentinels.", HelpName = "N", DefaultValueFactory = _ => defaults.PairsPerJob };
        var jobs = new Option<int?>("--jobs") { Description = "How many such jobs there are. [default: so many that each comparison shows each layout once; timed: 10]", HelpName = "N" };
        var perJob = new Option<int?>("--sentinels-per-job") { Description = "How many sentinels each of them has. [default: 10; timed: 5]", HelpName = "N" };
        var right = new Option<double>("--sentinels-right") { Description = "The share of sentinels that a worker must get right to count; settled now, not when the answers are known.", HelpName = "0-1", DefaultValueFactory = _ => defaults.SentinelsRight };
        var question = new Option<string>("--question") { Description = "What is asked.", DefaultValueFactory = _ => defaults.Question };
        var seed = new Option<int>("--seed") { Description = "Decides order, sides, layouts and file names; the same seed gives the same study.", DefaultValueFactory = _ => defaults.Seed };
        var mturk = new Option<string?>("--mturk")
        {
            Description = $"The address at which you will put the study's images: writes {MTurkFile} too, the authors' table of HITs for Amazon Mechanical Turk.",
            HelpName = "URL",
        };
        var command = new Command("create",
            """
            Makes a study: which pairs are shown, in which order, which image on which side, and which workers will not count. Images are copied
            under names that tell nothing. The paper's two designs:
              crn study create --system crn=DIR --system gan=DIR --system real=DIR --compare crn:gan --sentinel real:gan --output study
              crn study create --system real=DIR --system crn=DIR --system gan=DIR --times paper --sentinel real:gan --output study

            Then 'crn study serve DIR' asks, and 'crn study analyze DIR' tells.
            """)
        {
            systems, output, compare, sentinels, times, pairs, jobs, perJob, right, question, seed, mturk,
        };
        command.SetAction(parsed =>
        {
            var folders = parsed.GetRequiredValue(systems).Select(text => Split(text, '=', "--system", "NAME=DIR")).ToArray();
            var design = new StudyDesign
            {
                Comparisons = parsed.GetValue(compare) is { Length: > 0 } named ? Comparisons(named, "--compare") : EveryTwo(folders),
                Sentinels = Comparisons(parsed.GetValue(sentinels) ?? [], "--sentinel"),
                Times = parsed.GetRequiredValue(times),
                PairsPerJob = parsed.GetValue(pairs),
                Jobs = parsed.GetValue(jobs),
                SentinelsPerJob = parsed.GetValue(perJob),
                SentinelsRight = parsed.GetValue(right),
                Question = parsed.GetRequiredValue(question),
                Seed = parsed.GetValue(seed),
            };
            return Run(folders, design, parsed.GetRequiredValue(output), parsed.GetValue(mturk));
        });
        return command;
    }

    private static int Run((string Name, string Folder)[] systems, StudyDesign design, string output, string? imagesUrl)
    {
        if (File.Exists(output) || (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any()))
            throw new IOException($"--output '{output}' exists already. Name a new folder, so that no study is changed while it is answered.");
        var (study, sources) = design.LayOut([.. systems.Select(system => (system.Name, Find(system.Name, system.Folder)))]);
        CheckShapes(study, sources);
        var table = new StringWriter();
        if (imagesUrl is not null)
            MTurkTable.Write(study, imagesUrl, table);

        // The study's own file comes last: a folder without it is none.
        string images = Path.Combine(output, PairwiseStudy.ImagesFolder);
        Directory.CreateDirectory(images);
        ProgressView.Show(view =>
        {
            int copied = 0;
            foreach (var (file, source) in sources)
            {
                File.WriteAllBytes(Path.Combine(images, file), File.ReadAllBytes(source));
                view.Report(new Progress("Copying", ++copied, sources.Count, ""));
            }
            return copied;
        });
        if (imagesUrl is not null)
            File.WriteAllText(Path.Combine(output, MTurkFile), table.ToString());
        study.Save(output);
        Tell(study, output);
        WarnOfFormats(study);
        return ExitCode.Success;
    }

    private static void Tell(PairwiseStudy study, string output)
    {
        int sentinels = study.Jobs[0].Count(pair => pair.Obvious is not null);
        Console.WriteLine(
            $"{output}: {study.Jobs.Count} {(study.Jobs.Count == 1 ? "job" : "jobs")} of {study.Jobs[0].Count - sentinels} pairs"
            + $"{(sentinels > 0 ? $" and {sentinels} sentinels" : "")}; {study.Images.Count} images");
        if (sentinels > 0)
        {
            double luck = ExactBinomial.AtLeast((int)Math.Ceiling(study.SentinelsRight * sentinels), sentinels);
            Console.WriteLine(FormattableString.Invariant($"Who gets less than {100 * study.SentinelsRight:0}% of the sentinels right will not count; who only guesses passes with a chance of {100 * luck:0.0}%."));
        }
        Console.WriteLine($"Next: crn study serve {output}");
    }

    private static void WarnOfFormats(PairwiseStudy study)
    {
        var formats = study.Images.GroupBy(image => image.System, image => Path.GetExtension(image.File))
            .ToDictionary(system => system.Key, system => string.Join(", ", system.Distinct().Order()));
        if (formats.Values.Distinct().Count() > 1)
            Console.WriteLine($"Note: formats differ ({string.Join("; ", formats.Select(system => $"{system.Key}: {system.Value}"))}): people may see what JPEG does to an image, and not what its system does.");
    }

    /// <summary>Finds a folder's images by their names without extension.</summary>
    private static IReadOnlyDictionary<string, string> Find(string system, string folder)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"--system {system}={folder}: the folder does not exist.");
        var files = new Dictionary<string, string>();
        foreach (string path in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileNameWithoutExtension(path);
            if (name.StartsWith('.') || !Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))
                continue;
            if (!files.TryAdd(name, path))
                throw new InvalidDataException($"--system {system}={folder} has both '{Path.GetFileName(files[name])}' and '{Path.GetFileName(path)}'. Take one away.");
        }
        return files.Count > 0 ? files : throw new InvalidDataException($"--system {system}={folder} has no image ({string.Join(", ", Extensions)}).");
    }

    /// <summary>Two images side by side have one shape, or which is which can be told from that. Damaged files are found here, too.</summary>
    private static void CheckShapes(PairwiseStudy study, IReadOnlyDictionary<string, string> sources)
    {
        const double Tolerance = 0.02;
        var sizes = new Dictionary<string, (int Width, int Height)>();
        foreach (var (file, source) in sources)
        {
            using var image = ImageFile.Load(source);
            sizes[file] = (image.Width, image.Height);
        }
        foreach (var pair in study.Jobs.SelectMany(job => job))
        {
            var (left, right) = (sizes[pair.Left], sizes[pair.Right]);
            double ratio = (double)left.Width * right.Height / (left.Height * (double)right.Width);
            if (ratio is < 1 - Tolerance or > 1 + Tolerance)
            {
                throw new InvalidDataException(
                    $"'{sources[pair.Left]}' is {left.Width} x {left.Height} pixels and '{sources[pair.Right]}' {right.Width} x {right.Height}: images that are compared have one shape. Crop or resize them first.");
            }
        }
    }

    private static Comparison[] Comparisons(string[] texts, string option)
        => [.. texts.Select(text => Split(text, ':', option, "A:B")).Select(names => new Comparison(names.First, names.Second))];

    private static Comparison[] EveryTwo((string Name, string Folder)[] systems)
        => [.. systems.SelectMany((first, i) => systems.Skip(i + 1).Select(second => new Comparison(first.Name, second.Name)))];

    private static (string First, string Second) Split(string text, char separator, string option, string form)
        => text.Split(separator, 2) is [{ Length: > 0 } first, { Length: > 0 } second]
            ? (first, second)
            : throw new ArgumentException($"{option} '{text}' is not of the form {form}.");

    private static int[]? ParseTimes(ArgumentResult argument)
    {
        string text = argument.Tokens.Count == 0 ? "" : argument.Tokens[0].Value;
        if (text == "paper")
            return [.. StudyDesign.PaperTimes];
        int[] times = [.. text.Split(',').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int time) ? time : 0)];
        if (times.All(time => time > 0))
            return times;
        argument.AddError($"'{text}' are no times: write 'paper', or milliseconds with commas between them, such as 500,2000.");
        return null;
    }
}
