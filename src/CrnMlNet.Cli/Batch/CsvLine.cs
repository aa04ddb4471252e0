using System.Text;

namespace CrnMlNet.Cli.Batch;

/// <summary>A line of comma-separated values as RFC 4180 has it, and no value with a line break.</summary>
internal static class CsvLine
{
    public static string Of(params ReadOnlySpan<string> values)
    {
        var line = new StringBuilder();
        for (int i = 0; i < values.Length; i++)
        {
            if (i > 0)
                line.Append(',');
            string value = values[i].ReplaceLineEndings(" ");
            line.Append(value.AsSpan().IndexOfAny(',', '"') < 0 ? value : $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
        }

        return line.ToString();
    }

    /// <returns>Null: there are more or fewer values, or a quotation mark has no partner.</returns>
    public static string[]? Parse(string line, int count)
    {
        var values = new List<string>(count);
        var value = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < line.Length; i++)
        {
            char letter = line[i];
            if (letter == '"' && quoted && i + 1 < line.Length && line[i + 1] == '"')
            {
                value.Append('"');
                i++;
            }
            else if (letter == '"')
            {
                quoted = !quoted;
            }
            else if (letter == ',' && !quoted)
            {
                values.Add(value.ToString());
                value.Clear();
            }
            else
            {
                value.Append(letter);
            }
        }

        values.Add(value.ToString());
        return !quoted && values.Count == count ? [.. values] : null;
    }
}
