using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.RegularExpressions;

namespace CrnMlNet.Cli;

/// <summary>A length of time as people type it: <c>45s</c>, <c>90m</c>, <c>8h</c>, <c>1.5h</c>, <c>1d12h</c>.</summary>
internal static partial class Duration
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3650);

    /// <summary>An option that takes one.</summary>
    public static Option<TimeSpan?> Option(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "8h|90m|45s",
        CustomParser = Parse,
    };

    private static TimeSpan? Parse(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        if (Parse(text) is { } time)
            return time;
        argument.AddError($"'{text}' is no time: write 45s, 90m, 8h, 2d or 1h30m.");
        return null;
    }

    /// <returns>Null when the text is no time, or one of more than ten years.</returns>
    internal static TimeSpan? Parse(string text)
    {
        if (Form().Match(text) is not { Success: true } match)
            return null;
        double seconds = match.Groups["part"].Captures.Sum(
            part => double.Parse(part.ValueSpan[..^1], CultureInfo.InvariantCulture) * SecondsIn(part.ValueSpan[^1]));
        return seconds <= Longest.TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
    }

    private static int SecondsIn(char unit) => unit switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 86400 };

    [GeneratedRegex("^(?<part>[0-9]+([.][0-9]+)?[smhd])+$", RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
