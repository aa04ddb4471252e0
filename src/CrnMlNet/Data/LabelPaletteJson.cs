using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CrnMlNet.Data;

/// <summary>Palettes as JSON: this package's format, and the one of the CRN authors' <c>cityscapes.json</c>.</summary>
internal static class LabelPaletteJson
{
    // 255 classes with long names take some 50 KB: what is bigger is another file.
    private const int MaxFileBytes = 1 << 20;

    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    // Names keep their own letters: the text is for people, never put into HTML.
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static LabelPalette ReadFile(string path)
    {
        var source = $"palette file '{path}'";
        byte[] bytes;
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > MaxFileBytes)
                throw new FormatException($"{source}: {stream.Length} bytes is too big for a palette (at most {MaxFileBytes})");
            bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{source}: cannot be read: {e.Message}", e);
        }

        return Read(Encoding.UTF8.GetString(bytes).TrimStart('\uFEFF'), source, Path.GetFileNameWithoutExtension(path));
    }

    /// <summary>Reads Palettes/<paramref name="name"/>.json, which is embedded in the assembly.</summary>
    public static LabelPalette ReadBuiltIn(string name)
    {
        using var stream = typeof(LabelPaletteJson).Assembly.GetManifestResourceStream($"Palettes/{name}.json")!;
        using var reader = new StreamReader(stream);
        return Read(reader.ReadToEnd(), $"built-in palette '{name}'", name);
    }

    /// <param name="json">The text.</param>
    /// <param name="source">What the text is, for messages.</param>
    /// <param name="defaultName">The palette's name when the text gives none.</param>
    public static LabelPalette Read(string json, string source, string defaultName)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Lenient);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw new FormatException($"must be an object with \"classes\" or \"palette\", not {Describe(root)}");
            return root.TryGetProperty("palette", out var colors) ? ReadAuthors(colors, defaultName) : ReadOwn(root, defaultName);
        }
        catch (JsonException e)
        {
            throw new FormatException($"{source}: not valid JSON: {e.Message}", e);
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException or ArgumentException)
        {
            // The last two: text with half a surrogate pair.
            throw new FormatException($"{source}: {e.Message}", e);
        }
    }

    public static string Write(LabelPalette palette)
    {
        var text = new StringBuilder();
        text.Append("{\n  \"name\": ").Append(Quote(palette.Name)).Append(",\n  \"classes\": [\n");
        text.AppendJoin(",\n", palette.Classes.Select(label =>
            $"    {{ \"id\": {label.Id}, \"name\": {Quote(label.Name)}, \"color\": \"{label.Color}\" }}"));
        text.Append("\n  ],\n  \"voidIds\": [").AppendJoin(", ", palette.VoidIds);
        text.Append("],\n  \"voidColors\": [").AppendJoin(", ", palette.VoidColors.Select(color => $"\"{color}\"")).Append("]\n}\n");
        return text.ToString();
    }

    private static LabelPalette ReadOwn(JsonElement root, string defaultName)
    {
        CheckProperties(root, "", "name", "classes", "voidIds", "voidColors");
        var classes = Items(root, "classes", required: true).Select(ReadClass).ToArray();
        var voidIds = Items(root, "voidIds", required: false).Select((item, i) => ReadId(item, $"void id {i}")).Distinct().ToArray();
        var voidColors = Items(root, "voidColors", required: false).Select((item, i) => ReadColor(item, $"void colour {i}")).Distinct().ToArray();
        var name = root.TryGetProperty("name", out var given) ? ReadText(given, "\"name\"") : defaultName;
        return Make(name, classes, voidIds, voidColors);
    }

    private static LabelPalette ReadAuthors(JsonElement palette, string defaultName)
    {
        if (palette.ValueKind != JsonValueKind.Array)
            throw new FormatException($"\"palette\" must be a list of [r, g, b], not {Describe(palette)}");
        CheckCount(palette, "palette", LabelPalette.MaxClasses + 1);
        var colors = palette.EnumerateArray().Select((item, i) => ReadColor(item, $"palette entry {i}")).ToArray();

        var known = LabelPalette.BuiltIn.FirstOrDefault(builtIn => colors.All(color => builtIn.Classes.Any(label => label.Color == color)));
        var classes = colors.Select((color, i) =>
            new LabelClass(known?.Classes.First(label => label.Color == color).Name ?? $"class {i}", color, i)).ToArray();
        var voidIds = classes.Length <= 255 ? new[] { 255 } : [];
        var voidColors = (known?.VoidColors ?? [new RgbColor(0, 0, 0)]).Except(colors).ToArray();
        return Make(defaultName, classes, voidIds, voidColors);
    }

    private static LabelPalette Make(string name, LabelClass[] classes, int[] voidIds, RgbColor[] voidColors) =>
        LabelPalette.FindFault(name, classes, voidIds, voidColors) is { } fault
            ? throw new FormatException(fault)
            : new LabelPalette(name, classes, voidIds, voidColors);

    private static LabelClass ReadClass(JsonElement item, int index)
    {
        var what = $"class {index}";
        if (item.ValueKind != JsonValueKind.Object)
            throw new FormatException($"{what} must be an object such as {{ \"id\": {index}, \"name\": \"road\", \"color\": \"#804080\" }}, not {Describe(item)}");
        CheckProperties(item, what + ": ", "id", "name", "color");
        if (!item.TryGetProperty("name", out var nameItem))
            throw new FormatException($"{what} has no \"name\"");
        var name = ReadText(nameItem, $"{what}: \"name\"");
        if (!item.TryGetProperty("color", out var colorItem))
            throw new FormatException($"{what} ('{name}') has no \"color\"; give it one such as \"#804080\"");

        var color = ReadColor(colorItem, $"{what} ('{name}'): color");
        var id = item.TryGetProperty("id", out var idItem) ? ReadId(idItem, $"{what} ('{name}'): id") : index;
        return new LabelClass(name, color, id);
    }

    private static IEnumerable<JsonElement> Items(JsonElement root, string property, bool required)
    {
        if (!root.TryGetProperty(property, out var list))
            return required ? throw new FormatException($"has neither \"{property}\" nor \"palette\"") : [];
        if (list.ValueKind != JsonValueKind.Array)
            throw new FormatException($"\"{property}\" must be a list, not {Describe(list)}");
        CheckCount(list, property, property == "voidIds" ? LabelPalette.MaxId + 1 : LabelPalette.MaxClasses + 1);
        return list.EnumerateArray();
    }

    private static void CheckCount(JsonElement list, string property, int most)
    {
        // Classes are counted again with the palette.
        if (list.GetArrayLength() > most)
            throw new FormatException($"\"{property}\" has {list.GetArrayLength()} entries; a palette has at most {LabelPalette.MaxClasses} classes and {LabelPalette.MaxId + 1} ids");
    }

    private static void CheckProperties(JsonElement item, string prefix, params string[] known)
    {
        foreach (var property in item.EnumerateObject())
        {
            if (!known.Contains(property.Name, StringComparer.Ordinal))
                throw new FormatException($"{prefix}\"{Shorten(property.Name)}\" is not known; there are {string.Join(", ", known.Select(name => $"\"{name}\""))}");
        }
    }

    private static string ReadText(JsonElement item, string what) =>
        item.ValueKind == JsonValueKind.String ? item.GetString()! : throw new FormatException($"{what} must be a text, not {Describe(item)}");

    private static int ReadId(JsonElement item, string what) =>
        item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) && id is >= 0 and <= LabelPalette.MaxId
            ? id
            : throw new FormatException($"{what} must be a whole number from 0 to {LabelPalette.MaxId} (a gray value), not {Describe(item)}");

    private static RgbColor ReadColor(JsonElement item, string what)
    {
        if (item.ValueKind == JsonValueKind.String && RgbColor.TryParse(item.GetString(), out var color))
            return color;
        if (item.ValueKind == JsonValueKind.Array && item.GetArrayLength() == 3)
        {
            Span<byte> rgb = stackalloc byte[3];
            var parts = 0;
            foreach (var part in item.EnumerateArray())
            {
                if (part.ValueKind == JsonValueKind.Number && part.TryGetByte(out var value))
                    rgb[parts++] = value;
            }

            if (parts == 3)
                return new RgbColor(rgb[0], rgb[1], rgb[2]);
        }

        throw new FormatException($"{what} must be \"#rrggbb\" or [r, g, b] with values 0 to 255, not {Describe(item)}");
    }

    private static string Describe(JsonElement item) => Shorten(item.GetRawText());

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";

    private static string Quote(string text) => JsonSerializer.Serialize(text, Plain);
}
