using System.Text.Json;

namespace AutoSynthesis;

/// <summary>The results so far, a line of JSON each, so that an experiment that was killed goes on where it was.</summary>
public sealed class TrialLog
{
    private readonly string _path, _subject;
    private readonly List<Line> _lines = [];

    /// <param name="path">The file, which is begun if it is not there.</param>
    /// <param name="subject">What is tried, in a line; a log of something else is refused.</param>
    /// <exception cref="InvalidDataException">A line, but for a last one that a kill cut off, is not one of this log's.</exception>
    public TrialLog(string path, string subject)
    {
        (_path, _subject) = (path, subject);
        string[] lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        for (int i = 0; i < lines.Length; i++)
        {
            try
            {
                _lines.Add(JsonSerializer.Deserialize<Line>(lines[i])!);
            }
            catch (JsonException e)
            {
                if (i < lines.Length - 1)
                    throw new InvalidDataException($"'{path}' line {i + 1} is no trial: {e.Message} Delete the file to begin anew.", e);
            }
        }
        if (lines.Length > 0)
            Rewrite();
    }

    /// <summary>What came of this trial before, or null.</summary>
    /// <exception cref="InvalidDataException">The log is of another experiment.</exception>
    public TrialResult? Find(TrialSettings settings)
    {
        if (settings.TrialId >= _lines.Count)
            return null;
        var line = _lines[settings.TrialId];
        if (line.Subject != _subject)
            throw new InvalidDataException($"'{_path}' is the log of another experiment: it tried {line.Subject ?? "what it does not tell"}, and now it is {_subject}. Name another folder, or delete this one.");
        if (line.Parameter != settings.Parameter.ToString() || line.Epochs != settings.Epochs)
            throw new InvalidDataException(
                $"'{_path}' is the log of another experiment: trial {settings.TrialId} was {line.Epochs} epochs of {line.Parameter}, and now it is {settings.Epochs} of {settings.Parameter}. Name another folder, or delete this one.");
        return new TrialResult(settings, line.Loss ?? double.NaN, line.Seconds, line.Error);
    }

    /// <summary>Adds the next trial's result.</summary>
    public void Add(TrialResult result)
    {
        var line = new Line(_subject, result.Settings.Parameter.ToString(), result.Settings.Epochs, double.IsNaN(result.Loss) ? null : result.Loss, result.Seconds, result.Error);
        _lines.Add(line);
        File.AppendAllText(_path, JsonSerializer.Serialize(line) + Environment.NewLine);
    }

    private void Rewrite()
    {
        File.WriteAllLines(_path + ".new", _lines.Select(line => JsonSerializer.Serialize(line)));
        File.Move(_path + ".new", _path, overwrite: true);
    }

    private sealed record Line(string? Subject, string Parameter, int Epochs, double? Loss, double Seconds, string? Error);
}
