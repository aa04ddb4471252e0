using System.Runtime.InteropServices;
using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>
/// Reads label images: from an image's pixels to the channel of each pixel at the working size (nearest neighbour: labels
/// are never mixed). Every pixel of the source is checked, not only those that the smaller size keeps.
/// </summary>
/// <remarks>Immutable, so one decoder serves many threads. It neither keeps nor disposes the images.</remarks>
internal sealed class LabelDecoder
{
    private const short Unknown = -1;
    private const short Ambiguous = -2;

    private readonly LabelPalette _palette;
    private readonly LabelEncoding _encoding;
    private readonly UnknownLabelPolicy _unknownLabels;
    private readonly short[] _channelOfId = new short[256];
    private readonly short[] _channelOfGray = new short[256];
    private readonly Dictionary<uint, short> _channelOfColor = [];

    /// <param name="palette">The classes.</param>
    /// <param name="encoding">How all-gray images are read; one with colours is always read by colour.</param>
    /// <param name="unknownLabels">What to do with a value that the palette lacks.</param>
    public LabelDecoder(LabelPalette palette, LabelEncoding encoding, UnknownLabelPolicy unknownLabels)
    {
        _palette = palette;
        _encoding = encoding;
        _unknownLabels = unknownLabels;

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
    }

    /// <summary>The classes.</summary>
    public LabelPalette Palette => _palette;

    /// <summary>How all-gray images are read.</summary>
    public LabelEncoding Encoding => _encoding;

    /// <summary>What is done with a value that the palette lacks.</summary>
    public UnknownLabelPolicy UnknownLabels => _unknownLabels;

    /// <summary>
    /// How this image is written: <see cref="LabelEncoding.Color"/> when it has colours, or when its grays are all colours of
    /// the palette and not all of them ids; otherwise <see cref="LabelEncoding.Index"/>. A data set with one coloured image is
    /// a coloured one: resolve it as a whole before the first <see cref="Decode"/>.
    /// </summary>
    public LabelEncoding Detect(MLImage image)
    {
        Span<int> histogram = stackalloc int[256];
        var hasColors = Survey(PixelsOf(image), histogram, out _);
        return hasColors ? LabelEncoding.Color : DetectGray(histogram);
    }

    /// <summary>Reads an image.</summary>
    /// <param name="image">The label image, any size.</param>
    /// <param name="channels">Receives the channel of each pixel, row by row: <paramref name="height"/> * <paramref name="width"/> values.</param>
    /// <param name="height">The working height in pixels.</param>
    /// <param name="width">The working width in pixels.</param>
    /// <param name="source">Which image it is, for messages: <c>label image 'a.png' (row 12, column 'Labels')</c>.</param>
    /// <exception cref="InvalidOperationException">The image has a transparent pixel, a value that the palette lacks (with
    /// <see cref="UnknownLabelPolicy.Error"/>), or a colour that two classes share.</exception>
    public void Decode(MLImage image, Span<byte> channels, int height, int width, string source)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (channels.Length != (long)height * width)
            throw new ArgumentException($"Room for {channels.Length} pixels was given; {height} x {width} was asked for.", nameof(channels));

        var pixels = PixelsOf(image);
        var isRgba = image.PixelFormat == MLPixelFormat.Rgba32;
        Span<int> histogram = stackalloc int[256];
        var hasColors = Survey(pixels, histogram, out var firstTransparent);
        if (firstTransparent >= 0)
        {
            throw new InvalidOperationException(
                $"{source}: pixel {Place(firstTransparent, image.Width)} is transparent (alpha {pixels[firstTransparent] >> 24}), "
                + "so its label cannot be told. Save the label image without an alpha channel.");
        }

        if (hasColors)
        {
            CheckColors(pixels, image.Width, isRgba, source);
            SampleColors(pixels, image.Height, image.Width, isRgba, channels, height, width);
            return;
        }

        var byColor = (_encoding == LabelEncoding.Auto ? DetectGray(histogram) : _encoding) == LabelEncoding.Color;
        var table = byColor ? _channelOfGray : _channelOfId;
        CheckGrays(pixels, image.Width, histogram, table, byColor, source);
        SampleGrays(pixels, image.Height, image.Width, table, channels, height, width);
    }

    private static ReadOnlySpan<uint> PixelsOf(MLImage image) => MemoryMarshal.Cast<byte, uint>(image.Pixels);

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

    private LabelEncoding DetectGray(ReadOnlySpan<int> histogram)
    {
        var allIds = true;
        var allColors = true;
        for (var gray = 0; gray < 256; gray++)
        {
            if (histogram[gray] == 0)
                continue;
            allIds &= _channelOfId[gray] != Unknown;
            allColors &= _channelOfGray[gray] != Unknown;
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
                throw AmbiguousColor(source, IndexOfGray(pixels, gray), imageWidth, (uint)gray * 0x010101);
            if (table[gray] == Unknown)
                unknown += histogram[gray];
        }

        if (unknown == 0 || _unknownLabels == UnknownLabelPolicy.Void)
            return;

        var first = 0;
        while (table[(int)(pixels[first] & 0xFF)] != Unknown)
            first++;
        var value = pixels[first] & 0xFF;
        throw byColor
            ? UnknownColor(source, first, imageWidth, value * 0x010101, unknown, pixels.Length)
            : UnknownLabel(source, first, imageWidth, $"id {value}", $"known ids: {KnownIds()}", unknown, pixels.Length);
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
                    throw AmbiguousColor(source, i, imageWidth, ToKey(last, isRgba));
            }

            if (channel != Unknown)
                continue;
            if (unknown++ == 0)
                firstUnknown = i;
        }

        if (unknown > 0 && _unknownLabels == UnknownLabelPolicy.Error)
            throw UnknownColor(source, firstUnknown, imageWidth, ToKey(pixels[firstUnknown], isRgba), unknown, pixels.Length);
    }

    private void SampleGrays(ReadOnlySpan<uint> pixels, int imageHeight, int imageWidth, short[] table, Span<byte> channels, int height, int width)
    {
        for (var y = 0; y < height; y++)
        {
            var row = pixels.Slice(Nearest(y, height, imageHeight) * imageWidth, imageWidth);
            var target = channels.Slice(y * width, width);
            for (var x = 0; x < target.Length; x++)
                target[x] = ToByte(table[(int)(row[Nearest(x, width, imageWidth)] & 0xFF)]);
        }
    }

    private void SampleColors(ReadOnlySpan<uint> pixels, int imageHeight, int imageWidth, bool isRgba, Span<byte> channels, int height, int width)
    {
        uint last = 0;
        byte channel = 0;
        for (var y = 0; y < height; y++)
        {
            var row = pixels.Slice(Nearest(y, height, imageHeight) * imageWidth, imageWidth);
            var target = channels.Slice(y * width, width);
            for (var x = 0; x < target.Length; x++)
            {
                var pixel = row[Nearest(x, width, imageWidth)];
                if (pixel != last)
                {
                    last = pixel;
                    channel = ToByte(ChannelOfColor(ToKey(pixel, isRgba)));
                }

                target[x] = channel;
            }
        }
    }

    /// <summary>The source pixel under the centre of a target pixel: floor((target + 0.5) * source size / target size).</summary>
    private static int Nearest(int target, int targetSize, int sourceSize) => (int)((2L * target + 1) * sourceSize / (2L * targetSize));

    private byte ToByte(short channel) => channel == Unknown ? (byte)_palette.VoidChannel : (byte)channel;

    private short ChannelOfColor(uint key) => _channelOfColor.TryGetValue(key, out var channel) ? channel : Unknown;

    private static uint Key(RgbColor color) => (uint)(color.R << 16 | color.G << 8 | color.B);

    /// <summary>0xRRGGBB of a pixel, which in memory is B, G, R, A or R, G, B, A.</summary>
    private static uint ToKey(uint pixel, bool isRgba) =>
        isRgba ? (pixel & 0xFF) << 16 | (pixel & 0xFF00) | (pixel >> 16 & 0xFF) : pixel & 0xFFFFFF;

    private static RgbColor ToColor(uint key) => new((byte)(key >> 16), (byte)(key >> 8), (byte)key);

    private static string Place(int index, int imageWidth) => $"({index % imageWidth}, {index / imageWidth})";

    private InvalidOperationException UnknownColor(string source, int index, int imageWidth, uint key, long count, int total)
    {
        var color = ToColor(key);
        var nearest = Enumerable.Range(0, _palette.ChannelCount).MinBy(channel => SquaredDistance(_palette.ColorOf(channel), color));
        var name = nearest == _palette.VoidChannel ? "void" : _palette.Classes[nearest].Name;
        return UnknownLabel(source, index, imageWidth, $"colour {color}", $"nearest: {_palette.ColorOf(nearest)}, {name}", count, total);
    }

    private static int SquaredDistance(RgbColor a, RgbColor b) =>
        (a.R - b.R) * (a.R - b.R) + (a.G - b.G) * (a.G - b.G) + (a.B - b.B) * (a.B - b.B);

    private InvalidOperationException UnknownLabel(string source, int index, int imageWidth, string value, string known, long count, int total) =>
        new(FormattableString.Invariant(
            $"{source}: pixel {Place(index, imageWidth)} has {value}, which palette '{_palette.Name}' lacks ({known}); such values stand in {count:N0} of {total:N0} pixels. ")
            + "Add it to the palette, or set UnknownLabels = Void to paint it as void.");

    private InvalidOperationException AmbiguousColor(string source, int index, int imageWidth, uint key)
    {
        var names = _palette.Classes.Where(label => Key(label.Color) == key).Select(label => $"'{label.Name}'");
        return new InvalidOperationException(
            $"{source}: pixel {Place(index, imageWidth)} has colour {ToColor(key)}, which palette '{_palette.Name}' gives to {string.Join(" and ", names)}. "
            + "Use index label images (gray value = id), or give each class its own colour.");
    }

    /// <summary>The known ids as ranges: <c>0-11, 255</c>.</summary>
    private string KnownIds()
    {
        var ranges = new List<string>();
        for (var id = 0; id < 256; id++)
        {
            if (_channelOfId[id] == Unknown)
                continue;
            var first = id;
            while (id < 255 && _channelOfId[id + 1] != Unknown)
                id++;
            ranges.Add(first == id ? $"{id}" : $"{first}-{id}");
        }

        return string.Join(", ", ranges);
    }
}
