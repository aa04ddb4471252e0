using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>
/// A data view with the photo columns added. Photos are painted as rows are read, several at once where <paramref name="source"/>
/// can be read twice.
/// </summary>
internal sealed class SynthesizedDataView(IDataView source, SynthesisMapper mapper, int batchSize) : IDataView
{
    public DataViewSchema Schema => mapper.OutputSchema;

    public bool CanShuffle => source.CanShuffle;

    // What gives its rows once, such as a queue, would give each cursor half of them.
    private bool CanBeReadTwice => source.CanShuffle || source.GetRowCount() is not null;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        DataViewSchema.Column[] needed = [.. columnsNeeded];
        // Two cursors, and cursors with other columns, see the same order.
        int? seed = rand?.Next();
        DataViewRowCursor Open(IEnumerable<DataViewSchema.Column> columns) => source.GetRowCursor(columns, seed is { } s ? new Random(s) : null);

        if (batchSize == 1 || !needed.Any(mapper.IsPhoto) || !CanBeReadTwice)
            return new Cursor(mapper, Open(mapper.GetDependencies(needed)), needed, ahead: null);

        var rows = Open(mapper.GetDependencies(needed.Where(column => !mapper.IsPhoto(column))));
        try
        {
            return new Cursor(mapper, rows, needed, mapper.ReadAhead(Open, batchSize));
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    // One cursor: libtorch spreads the work over the cores by itself.
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(SynthesisMapper mapper, DataViewRowCursor input, DataViewSchema.Column[] needed, ReadAhead? ahead) : DataViewRowCursor
    {
        private readonly SynthesisRow _row = new(
            mapper, input, needed.Select(column => column.Index).ToHashSet(), ahead is null ? mapper.Painter : ahead.Painter);

        private long _rows;

        public override DataViewSchema Schema => _row.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override bool MoveNext()
        {
            if (input.MoveNext())
            {
                _rows++;
                return true;
            }

            ahead?.CheckEnd(_rows);
            return false;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => _row.IsColumnActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _row.GetGetter<TValue>(column);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _row.Dispose();
                ahead?.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
