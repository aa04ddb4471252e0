using System.Numerics;

namespace CrnMlNet.Data;

/// <summary>
/// Which channel of the network each number of a label map means: an id, a key, or a palette PNG's index. Reads maps of such
/// numbers at the working size. Immutable.
/// </summary>
internal sealed class ChannelTable
{
    /// <summary>What the palette lacks.</summary>
    public const short Unknown = -1;

    /// <summary>A colour that two classes have.</summary>
    public const short Ambiguous = -2;

    private readonly short[] _channels;
    private readonly byte _void;
    private readonly bool _unknownIsVoid;
    private readonly Func<LabelFault, Exception> _fault;

    /// <param name="channels">The channel of each number from 0 on, <see cref="Unknown"/> or <see cref="Ambiguous"/>.</param>
    /// <param name="voidChannel">What unknown numbers become when they may.</param>
    /// <param name="unknownLabels">What to do with an unknown number.</param>
    /// <param name="fault">Makes an exception of a fault.</param>
    public ChannelTable(short[] channels, int voidChannel, UnknownLabelPolicy unknownLabels, Func<LabelFault, Exception> fault)
    {
        _channels = channels;
        _void = (byte)voidChannel;
        _unknownIsVoid = unknownLabels == UnknownLabelPolicy.Void;
        _fault = fault;
    }

    /// <summary>The channel of a number, <see cref="Unknown"/> or <see cref="Ambiguous"/>.</summary>
    public short this[int number] => (uint)number < (uint)_channels.Length ? _channels[number] : Unknown;

    /// <summary>Reads a map by nearest neighbour. Every number is checked, not only those that the smaller size keeps.</summary>
    /// <param name="numbers">The map, row by row.</param>
    /// <param name="sourceHeight">Its height.</param>
    /// <param name="sourceWidth">Its width.</param>
    /// <param name="channels">Receives the channel of each pixel, row by row.</param>
    /// <param name="height">The working height in pixels.</param>
    /// <param name="width">The working width in pixels.</param>
    /// <param name="source">Which map it is, for messages.</param>
    public void Decode<T>(
        ReadOnlySpan<T> numbers, int sourceHeight, int sourceWidth, Span<byte> channels, int height, int width, string source) where T : unmanaged, IBinaryInteger<T>
    {
        Check(numbers, sourceWidth, source);
        for (var y = 0; y < height; y++)
        {
            var row = numbers.Slice(NearestNeighbour.Of(y, height, sourceHeight) * sourceWidth, sourceWidth);
            var target = channels.Slice(y * width, width);
            for (var x = 0; x < target.Length; x++)
            {
                var channel = this[int.CreateSaturating(row[NearestNeighbour.Of(x, width, sourceWidth)])];
                target[x] = channel == Unknown ? _void : (byte)channel;
            }
        }
    }

    private void Check<T>(ReadOnlySpan<T> numbers, int width, string source) where T : unmanaged, IBinaryInteger<T>
    {
        long unknown = 0;
        var first = -1;
        for (var i = 0; i < numbers.Length; i++)
        {
            var channel = this[int.CreateSaturating(numbers[i])];
            if (channel >= 0)
                continue;
            if (channel == Ambiguous)
                throw Fault(numbers, i, 1);
            if (unknown++ == 0)
                first = i;
        }

        if (unknown > 0 && !_unknownIsVoid)
            throw Fault(numbers, first, unknown);

        Exception Fault(ReadOnlySpan<T> numbers, int index, long count) => _fault(new LabelFault(
            long.CreateSaturating(numbers[index]), count, numbers.Length, $"{source}: pixel ({index % width}, {index / width})"));
    }
}

/// <summary>A value that cannot be read.</summary>
/// <param name="Number">It.</param>
/// <param name="Count">How many pixels have such a one.</param>
/// <param name="Total">How many pixels there are.</param>
/// <param name="Place">Where the first one is: <c>row 12, column 'Labels': pixel (3, 4)</c>.</param>
internal readonly record struct LabelFault(long Number, long Count, long Total, string Place);

/// <summary>Resizing that mixes nothing.</summary>
internal static class NearestNeighbour
{
    /// <summary>The source pixel under the centre of a target pixel: floor((target + 0.5) * source size / target size).</summary>
    public static int Of(int target, int targetSize, int sourceSize) =>
        targetSize == sourceSize ? target : (int)((2L * target + 1) * sourceSize / (2L * targetSize));
}
