using System.Globalization;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// The folder of a training's checkpoints: the newest two, each written beside its place and then renamed, so that it is
/// whole or not there whenever the process or the machine ends. One training uses it at a time.
/// </summary>
public sealed class CheckpointFolder : IDisposable
{
    private const int Kept = 2;
    private const string Beginning = "checkpoint-";
    private const string Ending = ".safetensors";
    private const string TemporaryEnding = ".tmp";
    private const string StageBeginning = "stage-";
    private const string LockName = "in-use";

    private readonly string _path;
    private readonly FileStream _lock;

    /// <summary>Takes the folder; it is made if need be.</summary>
    /// <exception cref="IOException">It cannot be made, or another training uses it.</exception>
    internal CheckpointFolder(string path)
    {
        _path = path;
        Directory.CreateDirectory(path);
        try
        {
            _lock = new FileStream(
                Path.Combine(path, LockName), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (IOException e)
        {
            throw new IOException($"The checkpoint folder '{path}' cannot be used, or another training uses it. Give each training its own. ({e.Message})", e);
        }
    }

    /// <summary>Deletes all checkpoints in a folder, and the folder if nothing else is in it, so that training begins anew.</summary>
    /// <param name="path">The folder; it need not be there.</param>
    /// <exception cref="IOException">A file cannot be deleted, or a training uses the folder.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be deleted.</exception>
    public static void Clear(string path)
    {
        if (!Directory.Exists(path))
            return;
        foreach (var stage in StagesIn(path))
            Clear(stage);
        using var folder = new CheckpointFolder(path);
        folder.Clear();
    }

    /// <summary>The folder of a stage's own checkpoints in that of a training in stages.</summary>
    internal static string OfStage(string path, int stage) => Path.Combine(path, string.Create(CultureInfo.InvariantCulture, $"{StageBeginning}{stage}"));

    /// <summary>Takes the folder of a training in stages.</summary>
    /// <exception cref="IOException">It cannot be made, or another training uses it.</exception>
    /// <exception cref="InvalidOperationException">It is that of a training at one size.</exception>
    internal static CheckpointFolder TakeForStages(string path)
    {
        var folder = new CheckpointFolder(path);
        if (folder.NewestFirst().Length == 0)
            return folder;
        folder.Dispose();
        throw Another(path, "it was at one size, and now there are stages");
    }

    /// <summary>Gives the folder back; it is deleted when nothing is in it.</summary>
    public void Dispose()
    {
        _lock.Dispose();
        try
        {
            if (!Directory.EnumerateFileSystemEntries(_path).Any())
                Directory.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An empty folder that stays does no harm.
        }
    }

    internal void Write(Checkpoint checkpoint, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        string path = Path.Combine(_path, string.Create(CultureInfo.InvariantCulture, $"{Beginning}{checkpoint.State.Steps:D12}{Ending}"));
        try
        {
            checkpoint.Write(path + TemporaryEnding, tensors);
            File.Move(path + TemporaryEnding, path, overwrite: true);
            foreach (var old in NewestFirst().Skip(Kept))
                File.Delete(old);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            DeleteIfPossible(path + TemporaryEnding);
            throw new IOException($"The checkpoint '{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Reads the newest checkpoint that is whole, and deletes those that are not.</summary>
    /// <returns>Null when there is none; the tensors are the caller's to dispose.</returns>
    /// <exception cref="InvalidOperationException">It is of another training.</exception>
    internal (Checkpoint Checkpoint, Dictionary<string, Tensor> Tensors)? Read(TrainingSubject subject, Action<string> warn)
    {
        if (StagesIn(_path).Length > 0)
            throw Another(_path, "it was in stages, and now it is at one size");
        foreach (var path in NewestFirst())
        {
            if (TryRead(path, warn) is not { } read)
                continue;
            var differences = read.Checkpoint.Subject.DifferencesTo(subject);
            if (differences.Count == 0)
                return read;
            foreach (var tensor in read.Tensors.Values)
                tensor.Dispose();
            throw Another(_path, string.Join("; ", differences));
        }
        return null;
    }

    internal void Clear()
    {
        foreach (var path in Directory.EnumerateFiles(_path, $"{Beginning}*"))
        {
            if (path.EndsWith(Ending, StringComparison.Ordinal) || path.EndsWith(TemporaryEnding, StringComparison.Ordinal))
                File.Delete(path);
        }
    }

    private static (Checkpoint Checkpoint, Dictionary<string, Tensor> Tensors)? TryRead(string path, Action<string> warn)
    {
        try
        {
            return Checkpoint.Read(path);
        }
        catch (FormatException e)
        {
            warn($"The checkpoint '{path}' is damaged ({e.Message.TrimEnd('.')}) and has been deleted; training goes on from the one before, or from the beginning if there is none.");
            File.Delete(path);
            return null;
        }
    }

    private static void DeleteIfPossible(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The reason why it could not be written is what is worth telling.
        }
    }

    private static InvalidOperationException Another(string path, string differences) => new(
        $"The checkpoint folder '{path}' holds another training: {differences}. "
        + "To continue that one, set this back; to begin anew, delete the folder or name another one.");

    private static string[] StagesIn(string path) => Directory.GetDirectories(path, $"{StageBeginning}*");

    private string[] NewestFirst() => [.. Directory.EnumerateFiles(_path, $"{Beginning}*{Ending}")
        .Where(path => path.EndsWith(Ending, StringComparison.Ordinal))
        .OrderDescending(StringComparer.Ordinal)];
}
