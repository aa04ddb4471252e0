using System.Globalization;

namespace CrnMlNet.Evaluation.Studies;

/// <summary>
/// A study as Amazon Mechanical Turk takes it and gives it back, in the tables of the paper's authors (their <c>automate.m</c> and
/// <c>automate_timed.m</c>): a row for each HIT with the columns <c>image_A_url_1,image_B_url_1[,time_1],image_A_url_2,...</c>, answered
/// by <c>choice_1, choice_2, ...</c>, each <c>optionA</c> or <c>optionB</c>.
/// </summary>
public static class MTurkTable
{
    private const string OptionA = "optionA";
    private const string OptionB = "optionB";
    private const string RejectedStatus = "Rejected";

    /// <summary>Writes the table of HITs, one for each job.</summary>
    /// <param name="study">The study; its jobs have equally many pairs.</param>
    /// <param name="imagesUrl">Where its images will be, to which their file names are added after a slash.</param>
    /// <param name="writer">Where to.</param>
    /// <exception cref="ArgumentException">Jobs differ in size, or the address has a comma, a quote or a blank.</exception>
    public static void Write(PairwiseStudy study, string imagesUrl, TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(study);
        ArgumentException.ThrowIfNullOrEmpty(imagesUrl);
        if (study.Jobs.Any(job => job.Count != study.Jobs[0].Count))
            throw new ArgumentException("The jobs of a study for MTurk have equally many pairs.", nameof(study));
        if (imagesUrl.AsSpan().IndexOfAny(",\" \t\r\n") >= 0)
            throw new ArgumentException($"'{imagesUrl}' has a comma, a quote or a blank, which the address of images in MTurk's table cannot have.", nameof(imagesUrl));

        bool isTimed = study.IsTimed;
        string folder = imagesUrl.TrimEnd('/');
        WriteRow(Enumerable.Range(1, study.Jobs[0].Count).SelectMany(i => Columns(i, isTimed)));
        foreach (var job in study.Jobs)
            WriteRow(job.SelectMany(pair => Cells($"{folder}/{pair.Left}", $"{folder}/{pair.Right}", pair.Milliseconds)));

        void WriteRow(IEnumerable<string> cells) => writer.Write(string.Join(',', cells) + "\n");
    }

    /// <summary>Reads the results that MTurk gives as CSV. Assignments that the requester has rejected are passed over.</summary>
    /// <param name="study">The study that the HITs were made of.</param>
    /// <param name="path">The file, with the columns <c>WorkerId</c>, <c>Input.image_A_url_1</c>, ... and <c>Answer.choice_1</c>, ...</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is no such table, or its pairs are none of the study's.</exception>
    public static IReadOnlyList<StudyAnswer> ReadResults(PairwiseStudy study, string path)
    {
        ArgumentNullException.ThrowIfNull(study);
        using var rows = Csv.Read(path).GetEnumerator();
        if (!rows.MoveNext())
            throw new InvalidDataException($"MTurk's results '{path}' are empty.");
        var columns = new Dictionary<string, int>();
        for (int i = 0; i < rows.Current.Cells.Length; i++)
            columns.TryAdd(rows.Current.Cells[i], i);

        bool isTimed = study.IsTimed;
        int count = Enumerable.Range(1, columns.Count).TakeWhile(i => columns.ContainsKey($"Input.image_A_url_{i}")).Count();
        string[] needed = ["WorkerId", .. Enumerable.Range(1, count).SelectMany(i => Columns(i, isTimed).Select(name => $"Input.{name}").Append($"Answer.choice_{i}"))];
        if (count == 0 || needed.FirstOrDefault(name => !columns.ContainsKey(name)) is not null)
        {
            string missing = count == 0 ? "Input.image_A_url_1" : needed.First(name => !columns.ContainsKey(name));
            throw new InvalidDataException($"MTurk's results '{path}' have no column '{missing}'. Download them with 'Download CSV' where the batch's results are reviewed.");
        }

        var jobs = new Dictionary<string, IReadOnlyList<StudyPair>>();
        foreach (var job in study.Jobs)
            jobs.TryAdd(Key(job.SelectMany(pair => Cells(pair.Left, pair.Right, pair.Milliseconds))), job);
        var answers = new List<StudyAnswer>();
        while (rows.MoveNext())
        {
            var (line, cells) = rows.Current;
            if (cells.Length < columns.Count)
                throw Fault(line, $"it has {cells.Length} cells, and the head has {columns.Count}");
            if (columns.TryGetValue("AssignmentStatus", out int status) && cells[status] == RejectedStatus)
                continue;
            string worker = Cell("WorkerId");
            if (worker.Length == 0)
                throw Fault(line, "it has no WorkerId");
            string key = Key(Enumerable.Range(1, count).SelectMany(i => Columns(i, isTimed).Select(name => Cell($"Input.{name}")).Select(FileName)));
            if (!jobs.TryGetValue(key, out var job))
                throw Fault(line, "its pairs are no job of this study");
            for (int i = 0; i < count; i++)
            {
                string choice = Cell($"Answer.choice_{i + 1}");
                if (choice.Length > 0)
                    answers.Add(new StudyAnswer(worker, job[i].Id, ToSide(choice, line, i + 1)));
            }

            string Cell(string name) => cells[columns[name]];
        }
        return answers;

        Side ToSide(string choice, int line, int pair) => choice switch
        {
            OptionA => Side.Left,
            OptionB => Side.Right,
            _ => throw Fault(line, $"choice_{pair} is '{choice}' and not {OptionA} or {OptionB}"),
        };

        InvalidDataException Fault(int line, string what) => new($"MTurk's results '{path}', line {line}: {what}.");
    }

    private static IEnumerable<string> Columns(int i, bool isTimed) => Cells($"image_A_url_{i}", $"image_B_url_{i}", isTimed ? $"time_{i}" : null);

    private static IEnumerable<string> Cells(string left, string right, int? milliseconds) => Cells(left, right, milliseconds?.ToString(CultureInfo.InvariantCulture));

    private static IEnumerable<string> Cells(string left, string right, string? time) => time is null ? [left, right] : [left, right, time];

    private static string FileName(string url) => url[(url.LastIndexOf('/') + 1)..];

    private static string Key(IEnumerable<string> cells) => string.Join('\n', cells);
}
