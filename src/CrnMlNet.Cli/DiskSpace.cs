using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Cli;

/// <summary>Looks ahead, so that a long training does not end at a full disk.</summary>
internal static class DiskSpace
{
    private const int BytesPerParameter = 4;

    /// <summary>ML.NET writes the weights into a temporary file and then into the zip; floats hardly shrink in it.</summary>
    private const double Copies = 2.2;

    /// <summary>Three checkpoints at once, before the oldest is deleted, each of the weights and Adam's two moments.</summary>
    private const double CheckpointCopies = 3 * 3;

    /// <exception cref="IOException">The disk of the model, of the checkpoints, or that of temporary files, lacks the room.</exception>
    public static void CheckRoomFor(CrnArchitecture architecture, string modelPath, string checkpointFolder)
    {
        long weights = architecture.ParameterCount() * BytesPerParameter;
        CheckRoomFor(weights, modelPath);
        Check(AtomicFile.FolderOf(checkpointFolder), weights * CheckpointCopies, $"the checkpoints in '{checkpointFolder}' (--checkpoints moves them)");
    }

    /// <param name="bytes">The bytes of what the model holds.</param>
    /// <param name="modelPath">The model.</param>
    /// <exception cref="IOException">The disk of the model, or that of temporary files, lacks the room.</exception>
    public static void CheckRoomFor(long bytes, string modelPath)
    {
        Check(AtomicFile.FolderOf(modelPath), bytes * Copies, $"the model '{modelPath}'");
        Check(Path.GetTempPath(), bytes, $"ML.NET's temporary copy of the model '{modelPath}' (set TMPDIR to move it)");
    }

    private static void Check(string folder, double needed, string what)
    {
        long free = new DriveInfo(folder).AvailableFreeSpace;
        if (free < needed)
            throw new IOException(FormattableString.Invariant($"The disk of '{folder}' has {free / 1e6:N1} MB free; {what} needs up to {needed / 1e6:N1} MB."));
    }
}
