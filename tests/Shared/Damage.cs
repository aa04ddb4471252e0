using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

namespace CrnMlNet.Tests.Shared;

/// <summary>Ways in which bytes get damaged, by accident or on purpose.</summary>
internal static class Damage
{
    private static readonly long[] HostileSizes =
        [0, 1, -1, 7, 8, 255, 65535, 65536, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 40, long.MaxValue, long.MinValue, 100_000_000, 100_000_001];

    private static readonly string[] HostileValues =
    [
        "null", "true", "0", "-1", "1", "2", "64", "65536", "8192", "2147483647", "2147483648", "-2147483648", "9223372036854775807", "1e308", "1e999",
        "0.1", "4", "0.015625", "\"\"", "\"NaN\"", "\"../../x\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[[[[[[[[[[]]]]]]]]]]", "[1,2,3]", "[null]", "{\"a\":1}",
    ];

    /// <summary>Some damage or other, in 1 to 4 places.</summary>
    public static byte[] Any(byte[] whole, Random random, int from = 0)
    {
        var bytes = (byte[])whole.Clone();
        for (int times = 1 << random.Next(3); times > 0 && bytes.Length > from; times--)
            bytes = Once(bytes, random, from);
        return bytes;
    }

    /// <summary>A description in which values are others, are left out, or come twice.</summary>
    public static string Json(string json, Random random)
    {
        var root = JsonNode.Parse(json)!;
        for (int times = 1 << random.Next(3); times > 0; times--)
        {
            var nodes = Nodes(root).Where(node => node.Parent is not null).ToList();
            var node = nodes[random.Next(nodes.Count)];
            var value = random.Next(8) == 0 ? nodes[random.Next(nodes.Count)].ToJsonString() : HostileValues[random.Next(HostileValues.Length)];
            Replace(node, random.Next(6) == 0 ? null : value);
        }

        // Placeholders because JsonNode would not take what is no JSON, such as 1e999 or half a surrogate pair.
        var text = root.ToJsonString();
        for (int at; (at = text.IndexOf("\"\\u0001", StringComparison.Ordinal)) >= 0;)
        {
            int end = text.IndexOf('"', at + 1);
            text = text[..at] + Encoding.UTF8.GetString(Convert.FromHexString(text[(at + 7)..end])) + text[(end + 1)..];
        }
        return text;
    }

    private static void Replace(JsonNode node, string? value)
    {
        var parent = node.Parent!;
        if (parent is JsonObject properties)
        {
            var name = node.GetPropertyName();
            properties.Remove(name);
            if (value is not null)
                properties[name] = Placeholder(value);
        }
        else if (value is null)
            parent.AsArray().Remove(node);
        else
            parent.AsArray()[node.GetElementIndex()] = Placeholder(value);
    }

    private static JsonNode Placeholder(string value) => JsonValue.Create("\u0001" + Convert.ToHexString(Encoding.UTF8.GetBytes(value)));

    private static IEnumerable<JsonNode> Nodes(JsonNode node) => node switch
    {
        JsonObject properties => properties.Where(property => property.Value is not null).SelectMany(property => Nodes(property.Value!)).Prepend(node),
        JsonArray items => items.Where(item => item is not null).SelectMany(item => Nodes(item!)).Prepend(node),
        _ => [node],
    };

    private static byte[] Once(byte[] bytes, Random random, int from)
    {
        int at = random.Next(from, bytes.Length), length = Math.Min(bytes.Length - at, 1 << random.Next(10));
        switch (random.Next(9))
        {
            case 0 or 1 or 2:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 3:
                return bytes[..at];
            case 4:
                random.NextBytes(bytes.AsSpan(at, length));
                return bytes;
            case 5:
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 6:
                return [.. bytes[..(at + length)], .. bytes[at..]];
            case 7:
                bytes.AsSpan(at, length).Fill((byte)(random.Next(2) * 255));
                return bytes;
            default:
                Span<byte> size = stackalloc byte[sizeof(long)];
                BinaryPrimitives.WriteInt64LittleEndian(size, HostileSizes[random.Next(HostileSizes.Length)]);
                size[..Math.Min(bytes.Length - at, 1 << random.Next(1, 4))].CopyTo(bytes.AsSpan(at));
                return bytes;
        }
    }
}
