using System.Text.RegularExpressions;

namespace CrnMlNet.Cli.Batch;

/// <summary>
/// What a kill leaves of photos that were being written: files beside their places with names that end in <c>.tmp</c>, which nothing takes
/// for photos. Writing one takes no more than a moment, so that what is an hour old is nobody's.
/// </summary>
internal static partial class Leftovers
{
    private static readonly TimeSpan Age = TimeSpan.FromHours(1);

    /// <summary>Deletes those of an output folder.</summary>
    public static void DeleteFrom(string folder)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*.tmp", options))
        {
            if (!Name().IsMatch(file.Name) || DateTime.UtcNow - file.LastWriteTimeUtc < Age)
                continue;
            try
            {
                file.Delete();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It harms nobody.
            }
        }
    }

    // As AtomicFile names them.
    [GeneratedRegex(@"\.png\.[a-z0-9]{8}\.[a-z0-9]{3}\.tmp$")]
    private static partial Regex Name();
}
