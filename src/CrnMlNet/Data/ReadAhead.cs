using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>
/// Reads the label column ahead of the cursor that goes over the rows, and paints several photos at once: one, two, four and
/// so on up to the batch size, as long as rows are asked for one after the other.
/// </summary>
/// <remarks>For one cursor, and as little thread-safe as that.</remarks>
internal sealed class ReadAhead : IDisposable
{
    // Larger photos gain nothing from being painted together, and their bytes are kept.
    private const int MostPixels = 1 << 25;

    private readonly SynthesizeFromLabelsTransformer _transformer;
    private readonly DataViewRowCursor _rows;
    private readonly string _column;
    private readonly ValueGetter<MLImage> _getLabels;
    private readonly ValueGetter<DataViewRowId> _getId;
    private readonly int _pixels;
    private readonly Painted[] _batch;

    // The producer owns and may recycle these images, and they are never disposed here. One variable for each place in the
    // batch: what is recycled is the image of a row that the other cursor has left behind.
    private readonly MLImage[] _labels;

    private byte[] _ids = [];
    private byte[] _photos = [];
    private long _first;
    private int _count;
    private int _size;

    /// <param name="transformer">What paints.</param>
    /// <param name="rows">A cursor with the label column active. Disposed with this object.</param>
    /// <param name="labels">The label column.</param>
    /// <param name="batchSize">The most photos that are painted at once.</param>
    public ReadAhead(SynthesizeFromLabelsTransformer transformer, DataViewRowCursor rows, DataViewSchema.Column labels, int batchSize)
    {
        _transformer = transformer;
        _rows = rows;
        _column = labels.Name;
        _getLabels = rows.GetGetter<MLImage>(labels);
        _getId = rows.GetIdGetter();
        _pixels = transformer.Architecture.Height * transformer.Architecture.Width;
        _batch = new Painted[Math.Clamp(MostPixels / _pixels, 1, batchSize)];
        _labels = new MLImage[_batch.Length];
    }

    /// <summary>Gives the photo of <paramref name="row"/>: a new image, the caller's, each time that it is asked for.</summary>
    public ValueGetter<MLImage> PhotoGetter(DataViewRow row)
    {
        var getId = row.GetIdGetter();
        return (ref MLImage photo) =>
        {
            _transformer.CheckAlive();
            if (row.Position < 0)
                throw new InvalidOperationException("There is no row to paint: the cursor stands before the first or behind the last.");
            DataViewRowId id = default;
            getId(ref id);
            photo = Photo(row.Position, id)!;
        };
    }

    /// <summary>Makes sure that no row was painted that there is not.</summary>
    /// <exception cref="InvalidOperationException">The label column had more than <paramref name="rows"/> rows.</exception>
    public void CheckEnd(long rows)
    {
        if (_count > 0 && _first + _count > rows)
            throw Disagreement($"one had {rows} rows, the other more");
    }

    public void Dispose() => _rows.Dispose();

    private MLImage? Photo(long row, DataViewRowId id)
    {
        if (row >= _first + _count)
        {
            // Somebody who leaves rows out does not want those that follow either.
            _size = row == _first + _count ? Math.Clamp(2 * _size, 1, _batch.Length) : 1;
            MoveTo(row);
            Paint(row);
        }

        var painted = _batch[row - _first];
        if (painted.Id is { } read && !read.Equals(id))
            throw Disagreement($"row {row} has the id {id} in one and {read} in the other");
        painted.Error?.Throw();
        return painted.Place < 0 ? null : PhotoPixels.ToImage(PhotoAt(painted.Place), _transformer.Architecture.Height, _transformer.Architecture.Width);
    }

    private void MoveTo(long row)
    {
        while (_rows.Position < row)
        {
            if (!_rows.MoveNext())
                throw Disagreement($"one has a row {row}, the other ended before");
        }
    }

    /// <summary>Reads a batch that begins with <paramref name="row"/>, where the cursor stands, and paints it.</summary>
    private void Paint(long row)
    {
        (_first, _count) = (row, 0);
        MakeRoom();
        var places = 0;
        var failed = false;
        while (_count < _size && !failed)
        {
            try
            {
                if (_count > 0 && !_rows.MoveNext())
                    break;
                _batch[_count] = Read(ref places);
            }
            catch (Exception e)
            {
                // It is this row's to tell, whose turn may never come.
                _batch[_count] = new Painted(null, -1, ExceptionDispatchInfo.Capture(e));
                failed = true;
            }

            _count++;
        }

        if (places > 0)
            Paint(places);
    }

    private void Paint(int places)
    {
        try
        {
            _transformer.Paint(_ids.AsSpan(0, places * _pixels), _photos.AsSpan(0, 3 * places * _pixels));
        }
        catch (Exception e)
        {
            var error = ExceptionDispatchInfo.Capture(e);
            for (var i = 0; i < _count; i++)
                _batch[i] = _batch[i].Place < 0 ? _batch[i] : _batch[i] with { Error = error };
        }
    }

    /// <summary>Reads the current row's labels into the next place.</summary>
    private Painted Read(ref int places)
    {
        DataViewRowId id = default;
        _getId(ref id);
        ref var labels = ref _labels[_count];
        RowErrors.Read(_rows.Position, _column, _getLabels, ref labels);
        if (labels is null)
            return new Painted(id, -1, null);
        _transformer.ReadLabels(labels, _ids.AsSpan(places * _pixels, _pixels), RowErrors.Source(_rows.Position, _column, labels));
        return new Painted(id, places++, null);
    }

    private void MakeRoom()
    {
        if (_ids.Length >= _size * _pixels)
            return;
        _ids = new byte[_size * _pixels];
        _photos = new byte[3 * _ids.Length];
    }

    private ReadOnlySpan<byte> PhotoAt(int place) => _photos.AsSpan(3 * place * _pixels, 3 * _pixels);

    private static InvalidOperationException Disagreement(string difference) => new(
        $"The data gave two cursors different rows ({difference}). To paint several photos at once it is read twice, side by side, and must give the same rows "
        + $"each time. Set {nameof(SynthesizeFromLabelsTransformer.ScoringBatchSize)} = 1 on the transformer to read it once.");

    /// <summary>A row of the batch: its photo's place, or -1 if it has no labels; or why it could not be read or painted.</summary>
    private readonly record struct Painted(DataViewRowId? Id, int Place, ExceptionDispatchInfo? Error);
}
