using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>Says where in the data a fault is: row, column, and file where one is known.</summary>
internal static class RowErrors
{
    /// <summary>A phrase such as <c>row 12, column 'Labels' (file 'a.png')</c>; rows are counted from 0, as ML.NET does.</summary>
    public static string Source(long row, string column, string? file = null) =>
        $"row {row}, column '{column}'" + (file is { Length: > 0 } ? $" (file '{file}')" : "");

    /// <summary>Reads an image; what the producer throws is told again with the row and the column.</summary>
    /// <exception cref="InvalidOperationException">The image could not be read, or has been disposed.</exception>
    public static void Read(long row, string column, ValueGetter<MLImage> read, ref MLImage image)
    {
        try
        {
            read(ref image);
            // A disposed image says so only when it is looked at.
            _ = image?.Width;
            // LoadImages gives a truncated file's first part, and 16-bit ids' upper half, without a word.
            if (image?.Tag is { Length: > 0 } file && File.Exists(file))
                ImageFile.CheckWhole(file);
        }
        catch (Exception e) when (IsOfTheData(e))
        {
            throw Unreadable(row, column, e);
        }
    }

    /// <summary>Reads a vector; what the producer throws is told again with the row and the column.</summary>
    /// <exception cref="InvalidOperationException">The vector could not be read.</exception>
    public static void Read<T>(long row, string column, ValueGetter<VBuffer<T>> read, ref VBuffer<T> vector)
    {
        try
        {
            read(ref vector);
        }
        catch (Exception e) when (IsOfTheData(e))
        {
            throw Unreadable(row, column, e);
        }
    }

    /// <summary>The exception for a value that cannot be read; to be thrown by the caller.</summary>
    public static InvalidOperationException Unreadable(long row, string column, Exception e)
        => new($"{Source(row, column)} could not be read: {e.Message}{CauseOf(e)}", e);

    /// <summary>Whether an exception tells of a value rather than of this program.</summary>
    public static bool IsOfTheData(Exception e)
        => e is IOException or ArgumentException or InvalidOperationException or UnauthorizedAccessException or FormatException or InvalidDataException;

    // ML.NET's MLImage throws an InvalidOperationException with these words, and no ObjectDisposedException.
    private static string CauseOf(Exception e) => !e.Message.Contains("Object is disposed") ? "" :
        " If you did not dispose the image: ML.NET's ResizeImages hands an image on that has the size already, and disposes it when it comes to "
        + "the next row (dotnet/machinelearning#7444). Leave ResizeImages out; label images and photos may have any size.";
}
