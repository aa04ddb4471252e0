namespace CrnMlNet.Cli.Batch;

/// <summary>What became of a shard's label maps.</summary>
/// <param name="Painted">How many were painted now.</param>
/// <param name="Done">How many were done before.</param>
/// <param name="Failed">How many cannot be painted.</param>
/// <param name="FirstFailure">Why the first of these cannot.</param>
internal sealed record BatchOutcome(long Painted, long Done, long Failed, string? FirstFailure)
{
    /// <summary>Label maps that were looked at.</summary>
    public long Seen => Painted + Done + Failed;
}
