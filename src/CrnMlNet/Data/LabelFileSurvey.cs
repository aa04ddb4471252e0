using System.Runtime.InteropServices;

namespace CrnMlNet.Data;

/// <summary>What stands in one label image file: which values, how often, and where first.</summary>
internal sealed class LabelFileSurvey
{
    /// <summary>More colours than this are those of a photo, or of labels that were blurred. A palette has at most 255 classes.</summary>
    public const int MostColors = 4096;

    private const uint Opaque = 0xFF000000;

    private LabelFileSurvey(string path) => Path = path;

    public string Path { get; }

    public int Width { get; private set; }

    public int Height { get; private set; }

    public LabelFileFormat Format { get; private set; }

    /// <summary>The values; empty where there is a <see cref="Fault"/>, but for a JPEG of no more than <see cref="MostColors"/>.</summary>
    public IReadOnlyList<Found> Values { get; private set; } = [];

    /// <summary>Why training could not use the file; null: it could.</summary>
    public string? Fault { get; private set; }

    /// <summary>Whether the file is a JPEG, which has no exact values.</summary>
    public bool IsJpeg => Format == LabelFileFormat.Jpeg;

    /// <summary>Reads a file. What is wrong with it is in <see cref="Fault"/>.</summary>
    public static LabelFileSurvey Of(string path)
    {
        var survey = new LabelFileSurvey(path);
        try
        {
            survey.Read(LabelMap.Load(path));
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            survey.Fault = e.Message;
        }

        return survey;
    }

    private void Read(LabelMap map)
    {
        (Width, Height) = (map.Width, map.Height);
        if (map.Png is { } png)
            ReadNumbers(png);
        else
            ReadColors(MemoryMarshal.Cast<byte, uint>(map.Pixels));
        if (IsJpegFile(Path))
        {
            Format = LabelFileFormat.Jpeg;
            Fault = $"'{Path}' is a JPEG, which changes label values.";
        }
    }

    private void ReadNumbers(GrayOrPalettePng png)
    {
        Format = png.Palette is not null ? LabelFileFormat.Palette : png.Depth == 16 ? LabelFileFormat.Gray16 : LabelFileFormat.Gray;
        var counts = new int[1 << png.Depth];
        var firsts = new int[counts.Length];
        for (var i = 0; i < png.Numbers.Length; i++)
        {
            if (counts[png.Numbers[i]]++ == 0)
                firsts[png.Numbers[i]] = i;
        }

        int[] seen = [.. Enumerable.Range(0, counts.Length).Where(number => counts[number] > 0)];
        if (png.Palette is not null && seen.Where(number => png.AlphaOf(number) != byte.MaxValue).Select(number => firsts[number]).DefaultIfEmpty(-1).Min() is >= 0 and var first)
            Fault = Transparent(first);
        else
            Values = [.. seen.Select(number => new Found(number, ColorOf(number), counts[number], firsts[number]))];

        RgbColor? ColorOf(int number) =>
            png.Palette is { } palette ? palette[number]
            : png.Depth == 8 ? new RgbColor((byte)number, (byte)number, (byte)number) : null;
    }

    private void ReadColors(ReadOnlySpan<uint> pixels)
    {
        var found = new Dictionary<uint, (long Count, int First)>();
        var isGray = true;
        for (var i = 0; i < pixels.Length;)
        {
            var pixel = pixels[i];
            var first = i;
            while (++i < pixels.Length && pixels[i] == pixel)
            {
            }

            if (pixel < Opaque)
            {
                Fault = Transparent(first);
                return;
            }

            isGray &= ((pixel ^ (pixel >> 8)) & 0xFFFF) == 0;
            ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(found, pixel, out var known);
            entry = (entry.Count + i - first, known ? entry.First : first);
            if (found.Count > MostColors)
            {
                Format = LabelFileFormat.Color;
                Fault = FormattableString.Invariant(
                    $"'{Path}' has more than {MostColors:N0} colours: it is a photo, or a label image that was blurred when it was resized or saved. Resize label images by nearest neighbour, and save them as PNG.");
                return;
            }
        }

        Format = isGray ? LabelFileFormat.Gray : LabelFileFormat.Color;
        // The pixels are B, G, R, A in memory.
        Values =
        [
            .. found.OrderBy(entry => entry.Key).Select(entry => new Found(
                isGray ? (int)(entry.Key & 0xFF) : null, new RgbColor((byte)(entry.Key >> 16), (byte)(entry.Key >> 8), (byte)entry.Key), entry.Value.Count, entry.Value.First)),
        ];
    }

    private string Transparent(int pixel) =>
        $"'{Path}' is transparent at pixel ({pixel % Width}, {pixel / Width}), so its label cannot be told. Save it without an alpha channel.";

    private static bool IsJpegFile(string path)
    {
        Span<byte> head = stackalloc byte[2];
        using var file = File.OpenHandle(path);
        return RandomAccess.Read(file, head, 0) == 2 && head[0] == 0xFF && head[1] == 0xD8;
    }

    /// <summary>A value in a file.</summary>
    /// <param name="Id">The gray value or palette index; null: a colour image has none.</param>
    /// <param name="Color">The colour; null: a gray of another depth than 8 bits has none.</param>
    /// <param name="Pixels">How many pixels have it.</param>
    /// <param name="First">The first of them, counted row by row.</param>
    public readonly record struct Found(int? Id, RgbColor? Color, long Pixels, int First);
}
