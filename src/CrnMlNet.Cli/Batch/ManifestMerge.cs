using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Cli.Batch;

/// <summary>
/// Makes one manifest of those of all shards, and one list of failures. Of a photo that several list, because shards overlapped or it was
/// painted again, the newest line counts; a failure counts unless the photo was painted later. The shards' files stay, and merging again
/// adds what has come.
/// </summary>
/// <param name="Photos">Photos in the manifest.</param>
/// <param name="Failures">Label maps in the list of failures.</param>
/// <param name="Damaged">Lines that could not be read and were left out.</param>
internal sealed record ManifestMerge(long Photos, long Failures, long Damaged)
{
    /// <summary>Merges the lists in an output folder.</summary>
    /// <exception cref="InvalidDataException">There is no shard's manifest.</exception>
    /// <exception cref="IOException">A shard is still at work, or the lists cannot be written.</exception>
    public static ManifestMerge In(string folder)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"--output '{folder}' does not exist.");
        string[] parts = PartsOf(folder, BatchManifest.Names.Manifest), failures = PartsOf(folder, BatchManifest.Names.Failures);
        if (parts.Length == 0)
            throw new InvalidDataException($"The folder '{folder}' has no manifest of a shard, such as manifest.0-of-4.csv: there is nothing to merge.");
        string manifest = PathOf(folder, BatchManifest.Names.Manifest), allFailures = PathOf(folder, BatchManifest.Names.Failures);
        if (File.Exists(manifest))
            parts = [manifest, .. parts];

        // Of each photo no more than a hash, a time and the number of the line that counts.
        var newest = new Dictionary<ulong, (DateTime Time, long Line)>();
        long number = 0, damaged = 0;
        foreach (string text in Lines(parts))
        {
            if (ManifestLine.Parse(text) is not { } line)
                damaged++;
            else if (!newest.TryGetValue(Hash(line.Photo), out var other) || other.Time <= line.PaintedAt)
                newest[Hash(line.Photo)] = (line.PaintedAt, number);
            number++;
        }

        Write(manifest, ManifestLine.Header, Lines(parts).Where((text, i) => ManifestLine.Parse(text) is { } line && newest[Hash(line.Photo)].Line == i));
        var failed = new Dictionary<string, FailureLine>(StringComparer.Ordinal);
        foreach (string text in Lines(failures))
        {
            if (FailureLine.Parse(text) is not { } line)
                damaged++;
            else if (!(newest.TryGetValue(Hash(line.Photo), out var painted) && painted.Time >= line.FailedAt))
                failed[line.LabelMap] = line;
        }

        if (failed.Count > 0)
            Write(allFailures, FailureLine.Header, failed.Values.Select(line => line.ToString()));
        else
            File.Delete(allFailures);
        return new ManifestMerge(newest.Count, failed.Count, damaged);
    }

    public static string PathOf(string folder, string name) => Path.Combine(folder, name + BatchManifest.Names.Extension);

    /// <summary>Those with a shard's numbers in their names.</summary>
    private static string[] PartsOf(string folder, string name)
        => [.. Directory.EnumerateFiles(folder, $"{name}.*{BatchManifest.Names.Extension}").Where(path => Path.GetFileName(path) != name + BatchManifest.Names.Extension).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Lines(IEnumerable<string> files)
    {
        foreach (string file in files)
        {
            using var reader = Open(file);
            reader.ReadLine();
            while (reader.ReadLine() is { } line)
                yield return line;
        }
    }

    private static StreamReader Open(string file)
    {
        try
        {
            return new StreamReader(file);
        }
        catch (IOException e) when (File.Exists(file))
        {
            throw new IOException($"'{file}' cannot be read; a job may still be writing it. Merge when that is done. ({e.Message})", e);
        }
    }

    private static void Write(string path, string header, IEnumerable<string> lines) => AtomicFile.Write(path, stream =>
    {
        using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine(header);
        foreach (string line in lines)
            writer.WriteLine(line);
    });

    private static ulong Hash(string photo) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(photo)));
}
