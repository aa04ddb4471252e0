using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Rows;

/// <summary>Hands a data view's rows on and writes down what is asked of it.</summary>
internal sealed class WatchedView(IDataView source) : IDataView
{
    /// <summary>For each cursor opened, the names of its active columns.</summary>
    public List<string[]> Cursors { get; } = [];

    /// <summary>How often a value was read, by column.</summary>
    public Dictionary<string, int> Reads { get; } = [];

    /// <summary>Cursors that were not disposed.</summary>
    public int Open { get; private set; }

    /// <summary>A column whose cursors cannot be opened.</summary>
    public string? Broken { get; init; }

    public DataViewSchema Schema => source.Schema;

    public bool CanShuffle { get; init; } = source.CanShuffle;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        DataViewSchema.Column[] needed = [.. columnsNeeded];
        if (needed.Any(column => column.Name == Broken))
            throw new IOException($"{Broken} is broken.");
        Cursors.Add([.. needed.Select(column => column.Name)]);
        Open++;
        return new Cursor(this, source.GetRowCursor(needed, CanShuffle ? rand : null));
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(WatchedView view, DataViewRowCursor rows) : DataViewRowCursor
    {
        private bool _disposed;

        public override DataViewSchema Schema => rows.Schema;

        public override long Position => rows.Position;

        public override long Batch => rows.Batch;

        public override bool MoveNext() => rows.MoveNext();

        public override bool IsColumnActive(DataViewSchema.Column column) => rows.IsColumnActive(column);

        public override ValueGetter<DataViewRowId> GetIdGetter() => rows.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            var getter = rows.GetGetter<TValue>(column);
            return (ref TValue value) =>
            {
                view.Reads[column.Name] = view.Reads.GetValueOrDefault(column.Name) + 1;
                getter(ref value);
            };
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_disposed)
            {
                _disposed = true;
                view.Open--;
                rows.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
