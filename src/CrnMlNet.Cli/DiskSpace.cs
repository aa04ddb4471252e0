using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Cli;

/// <summary>Looks ahead, so that a long training does not end at a full disk.</summary>
internal static class DiskSpace
{
    private const int BytesPerParameter = 4;

    /// <summary>ML.NET writes the weights into a temporary file and then into the zip; floats hardly shrink in it.</summary>
    private const double Copies = 2.2;

    /// <summary>Checkpoints at once, before the oldest is deleted.</summary>
    private const int Checkpoints = 3;

    /// <summary>Checkpoints that stay of each stage until all are done.</summary>
    private const int CheckpointsOfStage = 2;

    /// <summary>What a checkpoint has: the weights and Adam's two moments.</summary>
    private const int CopiesInCheckpoint = 3;

    /// <param name="stages">The networks of all stages, of which the last one is the model's.</param>
    /// <param name="modelPath">Where the model will be.</param>
    /// <param name="checkpointFolder">Where the checkpoints will be.</param>
    /// <param name="keepsBest">Whether a checkpoint has the best weights so far, too.</param>
    /// <param name="keepsAverage">Whether a checkpoint has the weights' average, too.</param>
    /// <exception cref="IOException">The disk of the model, of the checkpoints, or that of temporary files, lacks the room.</exception>
    public static void CheckRoomFor(IReadOnlyList<SynthesisArchitecture> stages, string modelPath, string checkpointFolder, bool keepsBest, bool keepsAverage)
    {
        double weights = BytesOf(stages[^1]), earlier = stages.SkipLast(1).Sum(BytesOf);
        CheckRoomFor((long)weights, modelPath);
        Check(AtomicFile.FolderOf(checkpointFolder), (weights * Checkpoints + earlier * CheckpointsOfStage) * (CopiesInCheckpoint + (keepsBest ? 1 : 0) + (keepsAverage ? 1 : 0)), $"the checkpoints in '{checkpointFolder}' (--checkpoints moves them)");
    }

    /// <param name="bytes">The bytes of what the model holds.</param>
    /// <param name="modelPath">The model.</param>
    /// <exception cref="IOException">The disk of the model, or that of temporary files, lacks the room.</exception>
    public static void CheckRoomFor(long bytes, string modelPath)
    {
        Check(AtomicFile.FolderOf(modelPath), bytes * Copies, $"the model '{modelPath}'");
        Check(Path.GetTempPath(), bytes, $"ML.NET's temporary copy of the model '{modelPath}' (set TMPDIR to move it)");
    }

    private static double BytesOf(SynthesisArchitecture architecture) => (double)architecture.ParameterCount() * BytesPerParameter;

    private static void Check(string folder, double needed, string what)
    {
        long free = new DriveInfo(folder).AvailableFreeSpace;
        if (free < needed)
            throw new IOException(FormattableString.Invariant($"The disk of '{folder}' has {free / 1e6:N1} MB free; {what} needs up to {needed / 1e6:N1} MB."));
    }
}
