using System.Text;

namespace CrnMlNet.Evaluation.Studies;

/// <summary>Reads tables of comma-separated values (RFC 4180): cells may be quoted, with commas, line ends and doubled quotes in them.</summary>
internal static class Csv
{
    /// <summary>The rows of a file, each with the line that it begins at. Empty lines are passed over.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="InvalidDataException">A quote is not closed.</exception>
    public static IEnumerable<(int Line, string[] Cells)> Read(string path)
    {
        using var reader = new StreamReader(path);
        var cells = new List<string>();
        var cell = new StringBuilder();
        int line = 1, first = 1;
        bool isQuoted = false;
        for (int next = reader.Read(); next >= 0; next = reader.Read())
        {
            char character = (char)next;
            if (character == '\n')
                line++;
            if (isQuoted)
            {
                if (character != '"')
                    cell.Append(character);
                else if (reader.Peek() == '"')
                    cell.Append((char)reader.Read());
                else
                    isQuoted = false;
            }
            else if (character == '"')
            {
                isQuoted = true;
            }
            else if (character == ',')
            {
                EndCell();
            }
            else if (character == '\n')
            {
                if (EndRow() is { } row)
                    yield return row;
            }
            else if (character != '\r')
            {
                cell.Append(character);
            }
        }
        if (isQuoted)
            throw new InvalidDataException($"Table '{path}', line {first}: a quote is opened and not closed.");
        if (EndRow() is { } last)
            yield return last;

        void EndCell()
        {
            cells.Add(cell.ToString());
            cell.Clear();
        }

        (int, string[])? EndRow()
        {
            EndCell();
            (int, string[]) row = (first, [.. cells]);
            bool isEmpty = cells is [""];
            cells.Clear();
            first = line;
            return isEmpty ? null : row;
        }
    }
}
