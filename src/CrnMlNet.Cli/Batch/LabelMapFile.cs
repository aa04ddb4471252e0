namespace CrnMlNet.Cli.Batch;

/// <summary>A label map that is to be painted.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Name">What its photo is called below the output folder: folders divided by slashes, and no extension.</param>
/// <param name="Fault">Why it cannot be painted, if that is known already.</param>
internal sealed record LabelMapFile(string Path, string Name, string? Fault = null);
