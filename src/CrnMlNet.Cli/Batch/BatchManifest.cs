using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CrnMlNet.Cli.Batch;

/// <summary>
/// A shard's lists in the output folder: <c>manifest.csv</c> of the photos and <c>failures.csv</c> of the maps that failed, with
/// <c>.3-of-20</c> in their names for a part of a job. A line is written when its photo has its name, so that a kill loses the lines of the
/// photos in flight at most, which the next run adds. One process writes them at a time; another one of the same shard takes files
/// of its own, <c>manifest.3-of-20.2.csv</c>.
/// </summary>
/// <remarks>May be used on several threads. Of the lines that were there before, eight bytes each are held.</remarks>
internal sealed class BatchManifest : IDisposable
{
    private const int LargestNumber = 100;

    private readonly FileStream _photos;
    private readonly ulong[] _known;
    private readonly Lock _lock = new();
    private FileStream? _failures;

    private BatchManifest(FileStream photos, string failuresPath)
    {
        _photos = photos;
        FailuresPath = failuresPath;
        _known = ReadKnown(photos);
    }

    /// <summary>Where the maps that fail are listed; there is no such file if none does.</summary>
    public string FailuresPath { get; }

    /// <summary>Opens a shard's manifest, or begins it; the failures of the run before are forgotten.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="InvalidDataException">There is such a file that is no manifest.</exception>
    public static BatchManifest Open(string folder, Shard shard)
    {
        for (int number = 1; ; number++)
        {
            string suffix = shard.Suffix + (number == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $".{number}"));
            string path = Path.Combine(folder, $"{Names.Manifest}{suffix}{Names.Extension}"), failuresPath = Path.Combine(folder, $"{Names.Failures}{suffix}{Names.Extension}");
            FileStream photos;
            try
            {
                // Nobody else may open it meanwhile: the lock is the system's, and goes when this process does, however it dies.
                photos = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (IOException) when (File.Exists(path) && number < LargestNumber)
            {
                continue;
            }

            try
            {
                File.Delete(failuresPath);
                return new BatchManifest(photos, failuresPath);
            }
            catch
            {
                photos.Dispose();
                throw;
            }
        }
    }

    /// <summary>Whether a photo was listed, as of this origin, when the manifest was opened.</summary>
    public bool Knows(string photo, PhotoOrigin origin) => Array.BinarySearch(_known, Hash(photo, origin)) >= 0;

    public void Add(ManifestLine line)
    {
        lock (_lock)
            Append(_photos, line.ToString());
    }

    public void Add(FailureLine line)
    {
        lock (_lock)
        {
            if (_failures is null)
            {
                _failures = new FileStream(FailuresPath, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
                Append(_failures, FailureLine.Header);
            }

            Append(_failures, line.ToString());
        }
    }

    public void Dispose()
    {
        _photos.Dispose();
        _failures?.Dispose();
    }

    private static void Append(FileStream file, string line)
    {
        try
        {
            file.Write(Encoding.UTF8.GetBytes(line + '\n'));
        }
        catch (IOException e)
        {
            throw new IOException($"List '{file.Name}' cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Reads a manifest, cuts off a line that a kill left without its end, and goes there.</summary>
    private static ulong[] ReadKnown(FileStream file)
    {
        CheckHeader(file);
        file.SetLength(EndOfLastLine(file));
        if (file.Length == 0)
            Append(file, ManifestLine.Header);
        file.Position = 0;
        var known = new List<ulong>();
        using (var reader = new StreamReader(file, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, bufferSize: 1 << 16, leaveOpen: true))
        {
            while (reader.ReadLine() is { } text)
            {
                if (ManifestLine.Parse(text) is { } line)
                    known.Add(Hash(line.Photo, line.Origin));
            }
        }

        file.Position = file.Length;
        known.Sort();
        return [.. known];
    }

    /// <summary>Another's file is left as it is; one of which a kill left a part of the first line is this one's.</summary>
    private static void CheckHeader(FileStream file)
    {
        var header = new byte[Math.Min(file.Length, ManifestLine.Header.Length + 1)];
        file.ReadExactly(header);
        if (!$"{ManifestLine.Header}\n".StartsWith(Encoding.UTF8.GetString(header), StringComparison.Ordinal))
            throw new InvalidDataException($"'{file.Name}' is no manifest of crn: its first line is not '{ManifestLine.Header}'. Move it away, or name another --output.");
    }

    private static long EndOfLastLine(FileStream file)
    {
        var block = new byte[1 << 12];
        for (long end = file.Length; end > 0;)
        {
            int length = (int)Math.Min(block.Length, end);
            file.Position = end - length;
            file.ReadExactly(block, 0, length);
            int last = block.AsSpan(0, length).LastIndexOf((byte)'\n');
            if (last >= 0)
                return end - length + last + 1;
            end -= length;
        }

        return 0;
    }

    private static ulong Hash(string photo, PhotoOrigin origin)
        => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{photo}\n{origin}")));

    /// <summary>What the files are called.</summary>
    internal static class Names
    {
        public const string Manifest = "manifest";
        public const string Failures = "failures";
        public const string Extension = ".csv";
    }
}
