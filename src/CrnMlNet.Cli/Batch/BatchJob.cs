namespace CrnMlNet.Cli.Batch;

/// <summary>What a process is to paint.</summary>
/// <param name="Source">The label maps of the whole job.</param>
/// <param name="Shard">The part of them that is this process's.</param>
/// <param name="Output">The folder of the photos, which exists.</param>
/// <param name="ModelSha256">The model file's SHA-256, in hexadecimal.</param>
/// <param name="Image">Which of a layout's photos to write, from 0; null: all.</param>
/// <param name="Fresh">Whether to paint what is done, too.</param>
/// <param name="StopOnFailure">Whether a map that cannot be painted ends the work.</param>
internal sealed record BatchJob(LabelMapSource Source, Shard Shard, string Output, string ModelSha256, int? Image = null, bool Fresh = false, bool StopOnFailure = false)
{
    /// <summary>The maps of this process, found while they are asked for.</summary>
    public IEnumerable<LabelMapFile> Maps => Source.Maps(Shard);
}
