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
    private const int MostShares = 1 << 28;

    private readonly SynthesizeFromLabelsTransformer _transformer;
    private readonly DataViewRowCursor _rows;
    private readonly LabelColumn _labels;
    private readonly LabelReader _reader;
    private readonly ValueGetter<DataViewRowId> _getId;
    private readonly Painted[] _batch;
    private readonly PhotoBuffer _photos;
    private LayoutBuffer _layouts;
    private long _first;
    private int _count;
    private int _size;

    /// <param name="transformer">What paints.</param>
    /// <param name="rows">A cursor with the label column active. Disposed with this object.</param>
    /// <param name="labels">The label column.</param>
    /// <param name="batchSize">The most rows that are painted at once.</param>
    public ReadAhead(SynthesizeFromLabelsTransformer transformer, DataViewRowCursor rows, LabelColumn labels, int batchSize)
    {
        _transformer = transformer;
        _rows = rows;
        _labels = labels;
        long shares = (long)transformer.Architecture.Channels * transformer.Architecture.Height * transformer.Architecture.Width;
        _batch = new Painted[Math.Clamp(labels.IsSoft ? MostShares / shares : batchSize, 1, LargestBatch(transformer, batchSize))];
        _reader = labels.Reader(rows, _batch.Length);
        _getId = rows.GetIdGetter();
        _photos = new PhotoBuffer(transformer.Output);
        _layouts = labels.Layouts(1);
    }

    /// <summary>How many of up to <paramref name="batchSize"/> layouts it is worth painting at once.</summary>
    public static int LargestBatch(SynthesizeFromLabelsTransformer transformer, int batchSize)
        => (int)Math.Clamp(MostPixels / ((long)transformer.Architecture.Height * transformer.Architecture.Width * transformer.Output.Count), 1, batchSize);

    /// <summary>What paints <paramref name="row"/>, a row of the other cursor.</summary>
    public IRowPainter Painter(DataViewRow row) => new RowPainter(this, row);

    /// <summary>Makes sure that no row was painted that there is not.</summary>
    /// <exception cref="InvalidOperationException">The label column had more than <paramref name="rows"/> rows.</exception>
    public void CheckEnd(long rows)
    {
        if (_count > 0 && _first + _count > rows)
            throw Disagreement($"one had {rows} rows, the other more");
    }

    public void Dispose() => _rows.Dispose();

    private int Paint(long row, DataViewRowId id)
    {
        if (row >= _first + _count)
        {
            // Somebody who leaves rows out does not want those that follow either.
            _size = row == _first + _count ? Math.Clamp(2 * _size, 1, _batch.Length) : 1;
            MoveTo(row);
            PaintFrom(row);
        }

        var painted = _batch[row - _first];
        if (painted.Id is { } read && !read.Equals(id))
            throw Disagreement($"row {row} has the id {id} in one and {read} in the other");
        painted.Error?.Throw();
        return painted.Place;
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
    private void PaintFrom(long row)
    {
        (_first, _count) = (row, 0);
        if (_layouts.Count < _size)
            _layouts = _labels.Layouts(_size);
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
            _transformer.Paint(_layouts, _photos, places);
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
        if (!_reader.Read(_count))
            return new Painted(id, -1, null);
        _reader.Decode(_layouts, places);
        return new Painted(id, places++, null);
    }

    private static InvalidOperationException Disagreement(string difference) => new(
        $"The data gave two cursors different rows ({difference}). To paint several photos at once it is read twice, side by side, and must give the same rows "
        + $"each time. Set {nameof(SynthesizeFromLabelsTransformer.ScoringBatchSize)} = 1 on the transformer to read it once.");

    /// <summary>A row of the batch: its photo's place, or -1 if it has no labels; or why it could not be read or painted.</summary>
    private readonly record struct Painted(DataViewRowId? Id, int Place, ExceptionDispatchInfo? Error);

    private sealed class RowPainter(ReadAhead ahead, DataViewRow row) : IRowPainter
    {
        private readonly ValueGetter<DataViewRowId> _getId = row.GetIdGetter();

        public PhotoBuffer Photos => ahead._photos;

        public int Paint()
        {
            ahead._transformer.CheckAlive();
            if (row.Position < 0)
                throw new InvalidOperationException("There is no row to paint: the cursor stands before the first or behind the last.");
            DataViewRowId id = default;
            _getId(ref id);
            return ahead.Paint(row.Position, id);
        }
    }
}
