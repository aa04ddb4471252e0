using System.Numerics;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>Reads the labels of the row that a cursor stands at: first as they are, then at the working size.</summary>
/// <remarks>For one cursor, and as little thread-safe as that.</remarks>
internal abstract class LabelReader(LabelColumn labels, DataViewRow row)
{
    /// <summary>The height of the labels read last.</summary>
    public abstract int Height { get; }

    /// <summary>Their width.</summary>
    public abstract int Width { get; }

    /// <summary>The file that they are from, if one is known.</summary>
    public virtual string? File => null;

    /// <summary>Where they stand, for messages: row, column, and file if one is known.</summary>
    public string Source => RowErrors.Source(Row.Position, Labels.Column.Name, File);

    protected LabelColumn Labels => labels;

    protected DataViewRow Row => row;

    /// <summary>Reads the row's labels; false: it has none.</summary>
    /// <param name="place">Where what was read is held, until the same place is read into again.</param>
    /// <exception cref="InvalidOperationException">They cannot be read.</exception>
    public abstract bool Read(int place);

    /// <summary>How the labels read last are written.</summary>
    public virtual LabelEncoding Detect() => LabelEncoding.Index;

    /// <summary>Brings the labels read last to the working size.</summary>
    /// <exception cref="InvalidOperationException">There is a value that is no label.</exception>
    public abstract void Decode(LayoutBuffer layouts, int place);
}

/// <summary>Reads images.</summary>
internal sealed class ImageLabelReader(LabelColumn labels, DataViewRow row, int places) : LabelReader(labels, row)
{
    private readonly ValueGetter<MLImage> _get = row.GetGetter<MLImage>(labels.Column);

    // The producer owns and may recycle these images, and they are never disposed here. One variable for each place in a
    // batch: what is recycled is the image of a row that the other cursor has left behind.
    private readonly MLImage[] _images = new MLImage[places];
    private int _last;

    public override int Height => _images[_last].Height;

    public override int Width => _images[_last].Width;

    public override string? File => _images[_last].Tag;

    public override bool Read(int place)
    {
        _last = place;
        RowErrors.Read(Row.Position, Labels.Column.Name, _get, ref _images[place]);
        return _images[place] is not null;
    }

    public override LabelEncoding Detect() => Labels.Decoder.Detect(_images[_last]);

    public override void Decode(LayoutBuffer layouts, int place)
        => Labels.Decoder.Decode(_images[_last], layouts.Ids(place), layouts.Height, layouts.Width, Source);
}

/// <summary>Reads the files whose paths stand in a text column. An empty text is a row without labels.</summary>
internal sealed class FileLabelReader(LabelColumn labels, DataViewRow row, string? folder) : LabelReader(labels, row)
{
    private readonly ValueGetter<ReadOnlyMemory<char>> _get = row.GetGetter<ReadOnlyMemory<char>>(labels.Column);
    private ReadOnlyMemory<char> _text;
    private LabelMap _map = null!;

    public override int Height => _map.Height;

    public override int Width => _map.Width;

    public override string? File => _map.Path;

    public override bool Read(int place)
    {
        _get(ref _text);
        if (_text.Span.IsWhiteSpace())
            return false;
        var path = _text.ToString();
        path = folder is null ? path : Path.Combine(folder, path);
        try
        {
            _map = LabelMap.Load(path);
        }
        catch (Exception e) when (RowErrors.IsOfTheData(e))
        {
            throw RowErrors.Unreadable(Row.Position, Labels.Column.Name, e);
        }

        return true;
    }

    public override LabelEncoding Detect() => Labels.Decoder.Detect(_map);

    public override void Decode(LayoutBuffer layouts, int place)
        => Labels.Decoder.Decode(_map, layouts.Ids(place), layouts.Height, layouts.Width, Source);
}

/// <summary>Reads vectors of ids or keys, row by row from the top. An empty vector is a row without labels.</summary>
internal sealed class NumberLabelReader<T>(LabelColumn labels, DataViewRow row, ChannelTable table, int height, int width) : LabelReader(labels, row)
    where T : unmanaged, IBinaryInteger<T>
{
    private readonly VectorValues<T> _values = new(labels, row, height * width);

    public override int Height => height;

    public override int Width => width;

    public override bool Read(int place) => _values.Read();

    public override void Decode(LayoutBuffer layouts, int place)
        => table.Decode(_values.Span, height, width, layouts.Ids(place), layouts.Height, layouts.Width, Source);
}

/// <summary>
/// Reads vectors of shares: a plane for each class in the palette's order and, if the vector has it, one for void. A pixel's shares
/// sum to one. An empty vector is a row without labels.
/// </summary>
internal sealed class SoftLabelReader(LabelColumn labels, DataViewRow row, int planes, int height, int width) : LabelReader(labels, row)
{
    // What softmax in half precision is off by.
    private const float Tolerance = 2e-3f;

    private readonly VectorValues<float> _values = new(labels, row, planes * height * width);
    private readonly float[] _sums = new float[height * width];

    public override int Height => height;

    public override int Width => width;

    public override bool Read(int place) => _values.Read();

    public override void Decode(LayoutBuffer layouts, int place)
    {
        Check();
        var target = layouts.Shares(place);
        for (var plane = 0; plane < planes; plane++)
            Sample(_values.Span.Slice(plane * _sums.Length, _sums.Length), target[(plane * layouts.Height * layouts.Width)..], layouts.Height, layouts.Width);
        target[(planes * layouts.Height * layouts.Width)..].Clear();
    }

    private void Check()
    {
        Array.Clear(_sums);
        for (var plane = 0; plane < planes; plane++)
        {
            var shares = _values.Span.Slice(plane * _sums.Length, _sums.Length);
            for (var i = 0; i < shares.Length; i++)
            {
                if (!(shares[i] is >= -Tolerance and <= 1 + Tolerance))
                    throw new InvalidOperationException(FormattableString.Invariant(
                        $"{Place(i)} has the share {shares[i]} of {NameOf(plane)} (channel {plane}); shares are from 0 to 1. Give probabilities, such as softmax makes them, not scores."));
                _sums[i] += shares[i];
            }
        }

        for (var i = 0; i < _sums.Length; i++)
        {
            if (Math.Abs(_sums[i] - 1) > Tolerance)
                throw new InvalidOperationException(FormattableString.Invariant(
                    $"{Place(i)} has shares that sum to {_sums[i]}; a pixel's shares of all classes sum to 1 (within {Tolerance}). What belongs to no class is void's share."));
        }
    }

    private void Sample(ReadOnlySpan<float> shares, Span<float> target, int targetHeight, int targetWidth)
    {
        for (var y = 0; y < targetHeight; y++)
        {
            var line = shares.Slice(NearestNeighbour.Of(y, targetHeight, height) * width, width);
            for (var x = 0; x < targetWidth; x++)
                target[y * targetWidth + x] = line[NearestNeighbour.Of(x, targetWidth, width)];
        }
    }

    private string Place(int pixel) => $"{Source}: pixel ({pixel % width}, {pixel / width})";

    private string NameOf(int plane)
    {
        var classes = Labels.Decoder.Palette.Classes;
        return plane < classes.Count ? $"'{classes[plane].Name}'" : "void";
    }
}

/// <summary>The values of a row's vector, one after the other, in memory that is used again for the next row.</summary>
internal sealed class VectorValues<T>(LabelColumn labels, DataViewRow row, int length) where T : unmanaged
{
    private readonly ValueGetter<VBuffer<T>> _get = row.GetGetter<VBuffer<T>>(labels.Column);
    private VBuffer<T> _vector;
    private T[] _dense = [];

    public ReadOnlySpan<T> Span => _vector.IsDense ? _vector.GetValues() : _dense;

    /// <summary>Reads the row's vector; false: it is empty.</summary>
    public bool Read()
    {
        RowErrors.Read(row.Position, labels.Column.Name, _get, ref _vector);
        if (_vector.Length == 0)
            return false;
        if (_vector.Length != length)
            throw new InvalidOperationException(
                $"{RowErrors.Source(row.Position, labels.Column.Name)} has {_vector.Length} values, but the column's type is {labels.Column.Type}, {length} values. Give each row a vector of that length.");
        if (!_vector.IsDense)
        {
            if (_dense.Length == 0)
                _dense = new T[length];
            _vector.CopyTo(_dense);
        }

        return true;
    }
}
