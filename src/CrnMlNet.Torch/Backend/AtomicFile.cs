namespace CrnMlNet.Torch.Backend;

/// <summary>Writes a file beside its place and then renames it, so that it appears whole or not at all.</summary>
internal static class AtomicFile
{
    /// <summary>Writes <paramref name="path"/>, or replaces it; on failure nothing is left behind, and an older file stays as it was.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes it.</param>
    /// <param name="durable">Whether it must be on the disk before it has its name, so that a power cut finds it whole, too.</param>
    /// <param name="buffer">Bytes to collect before they are written; 0 where <paramref name="write"/> writes all at once.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Write(string path, Action<Stream> write, bool durable = true, int buffer = 1 << 16)
    {
        string temporary = TemporaryName(path);
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, buffer))
            {
                write(stream);
                stream.Flush(flushToDisk: durable);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            DeleteIfPossible(temporary);
            throw;
        }
    }

    /// <summary>Finds out early whether <see cref="Write"/> could work.</summary>
    /// <param name="path">The file.</param>
    /// <param name="option">The option that named it, for messages.</param>
    /// <exception cref="IOException">The folder is missing or cannot be written to, or the path is a folder.</exception>
    public static void CheckWritable(string path, string option)
    {
        var folder = FolderOf(path);
        if (Directory.Exists(path))
            throw new IOException($"{option} '{path}' is a folder. Name a file in it.");
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"{option} '{path}': the folder '{folder}' does not exist. Create it first.");
        try
        {
            new FileStream(TemporaryName(path), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{option} '{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Deletes what a process that was killed while it wrote <paramref name="path"/> has left beside it. Nobody else may be writing it.</summary>
    public static void DeleteLeftovers(string path)
    {
        // As TemporaryName names them; other files may have names that begin so.
        string name = Path.GetFileName(path);
        foreach (var file in Directory.EnumerateFiles(FolderOf(path), $"{name}.????????.???.tmp"))
        {
            if (Path.GetFileName(file).StartsWith(name + '.', StringComparison.Ordinal) && file.Length == TemporaryName(Path.GetFullPath(path)).Length)
                DeleteIfPossible(file);
        }
    }

    /// <summary>The folder that a file is in, as a full path.</summary>
    public static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path)) ?? Path.GetFullPath(path);

    private static string TemporaryName(string path) => $"{path}.{Path.GetRandomFileName()}.tmp";

    private static void DeleteIfPossible(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What brought us here matters more.
        }
    }
}
