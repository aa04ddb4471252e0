using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace CrnMlNet.Cli.Batch;

/// <summary>
/// One of the n parts of a job. Which part a label map is in follows from its photo's name alone, so that processes which list the
/// folder at different times, or in different orders, still have each map exactly once between them.
/// </summary>
/// <param name="Index">Which part, from 0.</param>
/// <param name="Count">n.</param>
internal readonly partial record struct Shard(int Index, int Count)
{
    /// <summary>All of a job.</summary>
    public static readonly Shard Whole = new(0, 1);

    /// <summary>What the names of its files have before the extension: <c>.3-of-20</c>; nothing for all of a job.</summary>
    public string Suffix => Count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $".{Index}-of-{Count}");

    /// <summary>Reads <c>i/n</c>.</summary>
    /// <returns>Null when the text is none, or i is not from 0 to n - 1.</returns>
    public static Shard? Parse(string text)
    {
        if (Form().Match(text) is not { Success: true, Groups: var groups }
            || !int.TryParse(groups["index"].ValueSpan, out int index) || !int.TryParse(groups["count"].ValueSpan, out int count))
            return null;
        return index < count ? new Shard(index, count) : null;
    }

    /// <summary>Whether the map of which the photo has this name is in this part.</summary>
    public bool Has(string name) => Count == 1 || NumberOf(name) % (ulong)Count == (ulong)Index;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Index}/{Count}");

    private static ulong NumberOf(string name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    [GeneratedRegex("^(?<index>[0-9]+)/(?<count>[0-9]+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
