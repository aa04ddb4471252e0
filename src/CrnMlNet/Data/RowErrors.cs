using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>Says where in the data a fault is: row, column, and file where one is known.</summary>
internal static class RowErrors
{
    /// <summary>A phrase such as <c>row 12, column 'Labels' (file 'a.png')</c>; rows are counted from 0, as ML.NET does.</summary>
    public static string Source(long row, string column, MLImage? image = null) =>
        $"row {row}, column '{column}'" + (image?.Tag is { Length: > 0 } file ? $" (file '{file}')" : "");

    /// <summary>Reads a value; what the producer throws is told again with the row and the column.</summary>
    /// <exception cref="InvalidOperationException">The value could not be read.</exception>
    public static void Guard(long row, string column, Action read)
    {
        try
        {
            read();
        }
        catch (Exception e) when (e is IOException or ArgumentException or InvalidOperationException or UnauthorizedAccessException or FormatException)
        {
            throw new InvalidOperationException($"{Source(row, column)} could not be read: {e.Message}", e);
        }
    }
}
