namespace CrnMlNet.Torch.Backend;

/// <summary>The user's cache folder, in which files are kept from one run to the next.</summary>
/// <remarks>
/// <c>crnmlnet</c> in the folder that <c>XDG_CACHE_HOME</c> names, or else in <c>.cache</c> of the user's home
/// (https://specifications.freedesktop.org/basedir/latest/).
/// </remarks>
public static class UserCache
{
    /// <summary>The environment variable that names another place.</summary>
    public const string Variable = "XDG_CACHE_HOME";

    /// <summary>The folder, which need not be there yet; null where the user has no home and the variable names no full path.</summary>
    public static string? Folder
    {
        get
        {
            var cache = Environment.GetEnvironmentVariable(Variable);
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            if (string.IsNullOrEmpty(cache) && home.Length > 0)
                cache = Path.Combine(home, ".cache");
            return Path.IsPathRooted(cache) ? Path.Combine(cache, "crnmlnet") : null;
        }
    }

    /// <summary>
    /// Writes a file as <see cref="AtomicFile"/> does: another process that looks meanwhile sees all of it or none. Folders are made as
    /// needed.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes it.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, write);
    }
}
