using System.Runtime.InteropServices;
using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>
/// Reads label maps: from a map's pixels to the channel of each pixel at the working size (nearest neighbour: labels
/// are never mixed). Every pixel of the source is checked, not only those that the smaller size keeps.
/// </summary>
/// <remarks>Immutable, so one decoder serves many threads. It neither keeps nor disposes the maps.</remarks>
internal sealed class LabelDecoder
{
    private const short Unknown = ChannelTable.Unknown;
    private const short Ambiguous = ChannelTable.Ambiguous;

    private readonly LabelPalette _palette;
    private readonly LabelEncoding _encoding;
    private readonly UnknownLabelPolicy _unknownLabels;
    private readonly short[] _channelOfId;
    private readonly short[] _channelOfGray = new short[256];
    private readonly Dictionary<uint, short> _channelOfColor = [];

    /// <param name="palette">The classes.</param>
    /// <param name="encoding">How all-gray images are read; one with colours is always read by colour. And how palette PNGs are.</param>
    /// <param name="unknownLabels">What to do with a value that the palette lacks.</param>
    public LabelDecoder(LabelPalette palette, LabelEncoding encoding, UnknownLabelPolicy unknownLabels)
    {
        _palette = palette;
        _encoding = encoding;
        _unknownLabels = unknownLabels;

        _channelOfId = new short[Math.Max(byte.MaxValue, palette.VoidIds.Concat(palette.Classes.Select(label => label.Id)).Max()) + 1];
        Array.Fill(_channelOfId, Unknown);
        foreach (var id in palette.VoidIds)
            _channelOfId[id] = (short)palette.VoidChannel;
        foreach (var color in palette.VoidColors)
            _channelOfColor[Key(color)] = (short)palette.VoidChannel;
        for (var channel = 0; channel < palette.Classes.Count; channel++)
        {
            var label = palette.Classes[channel];
            _channelOfId[label.Id] = (short)channel;
            if (!_channelOfColor.TryAdd(Key(label.Color), (short)channel))
                _channelOfColor[Key(label.Color)] = Ambiguous;
        }

        for (var gray = 0; gray < 256; gray++)
            _channelOfGray[gray] = ChannelOfColor((uint)gray * 0x010101);
        Ids = new ChannelTable(_channelOfId, palette.VoidChannel, unknownLabels, fault => UnknownLabel(fault, $"id {fault.Number}", KnownIds()));
    }

    /// <summary>The classes.</summary>
    public LabelPalette Palette => _palette;

    /// <summary>How all-gray images and palette PNGs are read.</summary>
    public LabelEncoding Encoding => _encoding;

    /// <summary>What is done with a value that the palette lacks.</summary>
    public UnknownLabelPolicy UnknownLabels => _unknownLabels;

    /// <summary>Reads ids, wherever they are from.</summary>
    public ChannelTable Ids { get; }

    /// <summary>
    /// How this map is written: <see cref="LabelEncoding.Color"/> when it has colours, or when its grays are all colours of
    /// the palette and not all of them ids; a palette PNG by the rule of <see cref="LabelEncoding"/>; otherwise
    /// <see cref="LabelEncoding.Index"/>. A data set with one coloured image is a coloured one: resolve it as a whole before
    /// the first <see cref="Decode(LabelMap, Span{byte}, int, int, string)"/>.
    /// </summary>
    public LabelEncoding Detect(LabelMap map) => map.Png is { } png ? Detect(png) : Detect(PixelsOf(map.Pixels));

    /// <summary>How this image is written; see the other overload.</summary>
    public LabelEncoding Detect(MLImage image) => Detect(PixelsOf(image.Pixels));

    /// <summary>Reads a map.</summary>
    /// <param name="map">The label map, any size.</param>
    /// <param name="channels">Receives the channel of each pixel, row by row: <paramref name="height"/> * <paramref name="width"/> values.</param>
    /// <param name="height">The working height in pixels.</param>
    /// <param name="width">The working width in pixels.</param>
    /// <param name="source">Which map it is, for messages: <c>label image 'a.png' (row 12, column 'Labels')</c>.</param>
    /// <exception cref="InvalidOperationException">The map has a transparent pixel, a value that the palette lacks (with
    /// <see cref="UnknownLabelPolicy.Error"/>), or a colour that two classes share.</exception>
    public void Decode(LabelMap map, Span<byte> channels, int height, int width, string source)
    {
        CheckRoom(channels, height, width);
        if (map.Png is { } png)
            TableOf(png, source).Decode<ushort>(png.Numbers, png.Height, png.Width, channels, height, width, source);
        else
            Decode(PixelsOf(map.Pixels), map.Height, map.Width, map.IsRgba, channels, height, width, source);
    }

    /// <summary>Reads an image; see the other overload.</summary>
    public void Decode(MLImage image, Span<byte> channels, int height, int width, string source)
    {
        CheckRoom(channels, height, width);
        Decode(PixelsOf(image.Pixels), image.Height, image.Width, image.PixelFormat == MLPixelFormat.Rgba32, channels, height, width, source);
    }

    private static void CheckRoom(Span<byte> channels, int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (channels.Length != (long)height * width)
            throw new ArgumentException($"Room for {channels.Length} pixels was given; {height} x {width} was asked for.", nameof(channels));
    }

    private LabelEncoding Detect(ReadOnlySpan<uint> pixels)
    {
        Span<int> histogram = stackalloc int[256];
        var hasColors = Survey(pixels, histogram, out _);
        return hasColors ? LabelEncoding.Color : DetectGray(histogram);
    }

    private LabelEncoding Detect(GrayOrPalettePng png)
    {
        if (png.Depth > 8)
            return LabelEncoding.Index;
        Span<int> histogram = stackalloc int[256];
        foreach (var number in png.Numbers)
            histogram[number]++;
        return png.Palette is { } colors ? DetectIndexed(png, colors, histogram) : DetectGray(histogram, GrayStep(png));
    }

    /// <summary>The rule of <see cref="LabelEncoding"/>.</summary>
    private LabelEncoding DetectIndexed(GrayOrPalettePng png, RgbColor[] colors, ReadOnlySpan<int> histogram)
    {
        int used = 0, known = 0;
        var contradict = false;
        for (var index = 0; index < colors.Length; index++)
        {
            if (histogram[index] == 0)
                continue;
            used++;
            var byColor = png.AlphaOf(index) == byte.MaxValue ? ChannelOfColor(Key(colors[index])) : Unknown;
            if (byColor == Unknown)
                continue;
            known++;
            contradict |= byColor != Ambiguous && _channelOfId[index] != byColor && _channelOfId[index] != _palette.VoidChannel;
        }

        return contradict && 2 * known >= used ? LabelEncoding.Color : LabelEncoding.PaletteIndex;
    }

    /// <summary>What the numbers of this file mean.</summary>
    private ChannelTable TableOf(GrayOrPalettePng png, string source)
    {
        var byColor = LabelEncoding.Color == _encoding switch
        {
            LabelEncoding.Color or LabelEncoding.PaletteIndex => _encoding,
            LabelEncoding.Index when png.Palette is null => _encoding,
            _ => Detect(png),
        };
        if (png.Palette is { } colors)
            return byColor ? ByColor(png, colors) : ByIndex(colors);
        if (!byColor)
            return Ids;
        return png.Depth <= 8
            ? ByColor(png, [.. Enumerable.Range(0, 1 << png.Depth).Select(gray => Gray(gray * GrayStep(png)))])
            : throw new InvalidOperationException(
                $"{source} has gray values of 16 bits, which are ids, but label images are read by colour. Set LabelEncoding = Index if they are ids.");
    }

    private ChannelTable ByIndex(RgbColor[] colors)
        => new(_channelOfId, _palette.VoidChannel, _unknownLabels,
            fault => UnknownLabel(fault, $"palette index {fault.Number} (colour {colors[fault.Number]})", KnownIds()));

    private ChannelTable ByColor(GrayOrPalettePng png, RgbColor[] colors)
    {
        var channels = colors.Select((color, index) => png.AlphaOf(index) == byte.MaxValue ? ChannelOfColor(Key(color)) : Ambiguous).ToArray();
        return new ChannelTable(channels, _palette.VoidChannel, _unknownLabels, fault =>
        {
            if (png.AlphaOf((int)fault.Number) is not byte.MaxValue and var alpha)
                return Transparent(fault.Place, alpha);
            var key = Key(colors[fault.Number]);
            return channels[fault.Number] == Ambiguous ? AmbiguousColor(fault.Place, key) : UnknownColor(fault, key);
        });
    }

    private static RgbColor Gray(int value) => new((byte)value, (byte)value, (byte)value);

    /// <summary>From one gray to the next as a colour: a PNG's greatest gray value is white, however few bits it has.</summary>
    private static int GrayStep(GrayOrPalettePng png) => 255 / ((1 << png.Depth) - 1);

    private void Decode(
        ReadOnlySpan<uint> pixels, int imageHeight, int imageWidth, bool isRgba, Span<byte> channels, int height, int width, string source)
    {
        Span<int> histogram = stackalloc int[256];
        var hasColors = Survey(pixels, histogram, out var firstTransparent);
        if (firstTransparent >= 0)
            throw Transparent(PlaceOf(source, firstTransparent, imageWidth), (byte)(pixels[firstTransparent] >> 24));

        if (hasColors)
        {
            CheckColors(pixels, imageWidth, isRgba, source);
            SampleColors(pixels, imageHeight, imageWidth, isRgba, channels, height, width);
            return;
        }

        var byColor = (_encoding == LabelEncoding.Auto ? DetectGray(histogram) : _encoding) == LabelEncoding.Color;
        var table = byColor ? _channelOfGray : _channelOfId;
        CheckGrays(pixels, imageWidth, histogram, table, byColor, source);
        SampleGrays(pixels, imageHeight, imageWidth, table, channels, height, width);
    }

    private static ReadOnlySpan<uint> PixelsOf(ReadOnlySpan<byte> bytes) => MemoryMarshal.Cast<byte, uint>(bytes);

    /// <summary>Goes once over all pixels: true when one has a colour. Otherwise the histogram counts every gray.</summary>
    private static bool Survey(ReadOnlySpan<uint> pixels, Span<int> histogram, out int firstTransparent)
    {
        firstTransparent = -1;
        var hasColors = false;
        for (var i = 0; i < pixels.Length; i++)
        {
            var pixel = pixels[i];
            if (pixel < 0xFF000000)
            {
                firstTransparent = i;
                return hasColors;
            }

            // The lower two bytes of the difference compare the first component with the second and that with the third.
            hasColors |= ((pixel ^ (pixel >> 8)) & 0xFFFF) != 0;
            histogram[(int)(pixel & 0xFF)]++;
        }

        return hasColors;
    }

    private LabelEncoding DetectGray(ReadOnlySpan<int> histogram, int grayStep = 1)
    {
        var allIds = true;
        var allColors = true;
        for (var gray = 0; gray * grayStep < 256; gray++)
        {
            if (histogram[gray] == 0)
                continue;
            allIds &= _channelOfId[gray] != Unknown;
            allColors &= _channelOfGray[gray * grayStep] != Unknown;
        }

        return allColors && !allIds ? LabelEncoding.Color : LabelEncoding.Index;
    }

    private void CheckGrays(ReadOnlySpan<uint> pixels, int imageWidth, ReadOnlySpan<int> histogram, short[] table, bool byColor, string source)
    {
        long unknown = 0;
        for (var gray = 0; gray < 256; gray++)
        {
            if (histogram[gray] == 0)
                continue;
            if (table[gray] == Ambiguous)
                throw AmbiguousColor(PlaceOf(source, IndexOfGray(pixels, gray), imageWidth), (uint)gray * 0x010101);
            if (table[gray] == Unknown)
                unknown += histogram[gray];
        }

        if (unknown == 0 || _unknownLabels == UnknownLabelPolicy.Void)
            return;

        var first = 0;
        while (table[(int)(pixels[first] & 0xFF)] != Unknown)
            first++;
        var value = pixels[first] & 0xFF;
        var fault = new LabelFault(value, unknown, pixels.Length, PlaceOf(source, first, imageWidth));
        throw byColor ? UnknownColor(fault, value * 0x010101) : UnknownLabel(fault, $"id {value}", KnownIds());
    }

    private static int IndexOfGray(ReadOnlySpan<uint> pixels, int gray)
    {
        var index = 0;
        while ((pixels[index] & 0xFF) != gray)
            index++;
        return index;
    }

    private void CheckColors(ReadOnlySpan<uint> pixels, int imageWidth, bool isRgba, string source)
    {
        long unknown = 0;
        var firstUnknown = -1;
        // Neighbours mostly have the same colour: look up only where it changes. A whole pixel is never 0, alpha being 255.
        uint last = 0;
        short channel = 0;
        for (var i = 0; i < pixels.Length; i++)
        {
            if (pixels[i] != last)
            {
                last = pixels[i];
                channel = ChannelOfColor(ToKey(last, isRgba));
                if (channel == Ambiguous)
                    throw AmbiguousColor(PlaceOf(source, i, imageWidth), ToKey(last, isRgba));
            }

            if (channel != Unknown)
                continue;
            if (unknown++ == 0)
                firstUnknown = i;
        }

        if (unknown > 0 && _unknownLabels == UnknownLabelPolicy.Error)
            throw UnknownColor(new LabelFault(0, unknown, pixels.Length, PlaceOf(source, firstUnknown, imageWidth)), ToKey(pixels[firstUnknown], isRgba));
    }

    private void SampleGrays(ReadOnlySpan<uint> pixels, int imageHeight, int imageWidth, short[] table, Span<byte> channels, int height, int width)
    {
        for (var y = 0; y < height; y++)
        {
            var row = pixels.Slice(NearestNeighbour.Of(y, height, imageHeight) * imageWidth, imageWidth);
            var target = channels.Slice(y * width, width);
            for (var x = 0; x < target.Length; x++)
                target[x] = ToByte(table[(int)(row[NearestNeighbour.Of(x, width, imageWidth)] & 0xFF)]);
        }
    }

    private void SampleColors(ReadOnlySpan<uint> pixels, int imageHeight, int imageWidth, bool isRgba, Span<byte> channels, int height, int width)
    {
        uint last = 0;
        byte channel = 0;
        for (var y = 0; y < height; y++)
        {
            var row = pixels.Slice(NearestNeighbour.Of(y, height, imageHeight) * imageWidth, imageWidth);
            var target = channels.Slice(y * width, width);
            for (var x = 0; x < target.Length; x++)
            {
                var pixel = row[NearestNeighbour.Of(x, width, imageWidth)];
                if (pixel != last)
                {
                    last = pixel;
                    channel = ToByte(ChannelOfColor(ToKey(pixel, isRgba)));
                }

                target[x] = channel;
            }
        }
    }

    private byte ToByte(short channel) => channel == Unknown ? (byte)_palette.VoidChannel : (byte)channel;

    private short ChannelOfColor(uint key) => _channelOfColor.TryGetValue(key, out var channel) ? channel : Unknown;

    private static uint Key(RgbColor color) => (uint)(color.R << 16 | color.G << 8 | color.B);

    /// <summary>0xRRGGBB of a pixel, which in memory is B, G, R, A or R, G, B, A.</summary>
    private static uint ToKey(uint pixel, bool isRgba) =>
        isRgba ? (pixel & 0xFF) << 16 | (pixel & 0xFF00) | (pixel >> 16 & 0xFF) : pixel & 0xFFFFFF;

    private static RgbColor ToColor(uint key) => new((byte)(key >> 16), (byte)(key >> 8), (byte)key);

    private static string PlaceOf(string source, int index, int imageWidth) => $"{source}: pixel ({index % imageWidth}, {index / imageWidth})";

    private InvalidOperationException UnknownColor(LabelFault fault, uint key)
    {
        var color = ToColor(key);
        var nearest = Enumerable.Range(0, _palette.ChannelCount).MinBy(channel => SquaredDistance(_palette.ColorOf(channel), color));
        var name = nearest == _palette.VoidChannel ? "void" : _palette.Classes[nearest].Name;
        return UnknownLabel(fault, $"colour {color}", $"nearest: {_palette.ColorOf(nearest)}, {name}");
    }

    private static int SquaredDistance(RgbColor a, RgbColor b) =>
        (a.R - b.R) * (a.R - b.R) + (a.G - b.G) * (a.G - b.G) + (a.B - b.B) * (a.B - b.B);

    private InvalidOperationException UnknownLabel(LabelFault fault, string value, string known) =>
        new(FormattableString.Invariant(
            $"{fault.Place} has {value}, which palette '{_palette.Name}' lacks ({known}); such values stand in {fault.Count:N0} of {fault.Total:N0} pixels. ")
            + "Add it to the palette, or set UnknownLabels = Void to paint it as void.");

    private InvalidOperationException AmbiguousColor(string place, uint key)
    {
        var names = _palette.Classes.Where(label => Key(label.Color) == key).Select(label => $"'{label.Name}'");
        return new InvalidOperationException(
            $"{place} has colour {ToColor(key)}, which palette '{_palette.Name}' gives to {string.Join(" and ", names)}. "
            + "Use index label images (gray value = id), or give each class its own colour.");
    }

    private static InvalidOperationException Transparent(string place, byte alpha) =>
        new($"{place} is transparent (alpha {alpha}), so its label cannot be told. Save the label image without an alpha channel.");

    /// <summary>The known ids as ranges: <c>known ids: 0-11, 255</c>.</summary>
    private string KnownIds()
    {
        var ranges = new List<string>();
        for (var id = 0; id < _channelOfId.Length; id++)
        {
            if (_channelOfId[id] == Unknown)
                continue;
            var first = id;
            while (id + 1 < _channelOfId.Length && _channelOfId[id + 1] != Unknown)
                id++;
            ranges.Add(first == id ? $"{id}" : $"{first}-{id}");
        }

        return $"known ids: {string.Join(", ", ranges)}";
    }
}
