using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Data;

/// <summary>
/// A transformer bound to an input schema: every input column as it is, and behind them the photo column. Gives rows one
/// at a time to <c>PredictionEngine</c>, and getters to <see cref="SynthesizedDataView"/>.
/// </summary>
internal sealed class SynthesisMapper : IRowToRowMapper
{
    private readonly SynthesizeFromLabelsTransformer _transformer;
    private readonly DataViewSchema.Column _labels;

    public SynthesisMapper(SynthesizeFromLabelsTransformer transformer, DataViewSchema inputSchema, DataViewSchema.Column labels)
    {
        _transformer = transformer;
        _labels = labels;
        InputSchema = inputSchema;
        var (height, width) = (transformer.Architecture.Height, transformer.Architecture.Width);
        // PredictionEngine and CreateEnumerable refuse images of a size that no attribute in the program has named.
        new ImageTypeAttribute(height, width).Register();
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        builder.AddColumn(transformer.OutputColumnName, new ImageDataViewType(height, width));
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    /// <summary>The photo column of <see cref="OutputSchema"/>, its last.</summary>
    public DataViewSchema.Column Photo => OutputSchema[InputSchema.Count];

    public bool IsPhoto(DataViewSchema.Column column) => column.Index == InputSchema.Count;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        var wanted = dependingColumns.Select(column => column.Index).ToHashSet();
        return InputSchema.Where(column => wanted.Contains(column.Index) || (column.Index == _labels.Index && wanted.Contains(Photo.Index)));
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Schema != InputSchema)
            throw new ArgumentException("The row's schema is not the one that this mapper was made for.", nameof(input));
        return new SynthesisRow(this, input, activeColumns.Select(column => column.Index).ToHashSet(), PhotoGetter);
    }

    /// <summary>
    /// Paints <paramref name="row"/>'s photo: a new image, the caller's, each time that it is asked for, painted once for each
    /// position of the row.
    /// </summary>
    public ValueGetter<MLImage> PhotoGetter(DataViewRow row)
    {
        var (height, width) = (_transformer.Architecture.Height, _transformer.Architecture.Width);
        var getLabels = row.GetGetter<MLImage>(_labels);
        // The producer owns and may recycle this image: one variable for all rows, never disposed here.
        MLImage labels = null!;
        byte[] ids = new byte[height * width], rgb = new byte[3 * ids.Length];
        long painted = -1;
        return (ref MLImage photo) =>
        {
            _transformer.CheckAlive();
            if (painted < 0 || painted != row.Position)
            {
                painted = -1;
                RowErrors.Read(row.Position, _labels.Name, getLabels, ref labels);
                if (labels is not null)
                {
                    _transformer.ReadLabels(labels, ids, RowErrors.Source(row.Position, _labels.Name, labels));
                    _transformer.Paint(ids, rgb);
                }

                painted = row.Position;
            }

            photo = labels is null ? null! : PhotoPixels.ToImage(rgb, height, width);
        };
    }

    /// <summary>Opens a cursor that reads the labels ahead of another one.</summary>
    public ReadAhead ReadAhead(Func<IEnumerable<DataViewSchema.Column>, DataViewRowCursor> open, int batchSize)
    {
        var rows = open([_labels]);
        try
        {
            return new ReadAhead(_transformer, rows, _labels, batchSize);
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }
}

/// <summary>A row of a data view or of <c>PredictionEngine</c>, with the photo column added.</summary>
internal sealed class SynthesisRow(
    SynthesisMapper mapper, DataViewRow input, HashSet<int> active, Func<DataViewRow, ValueGetter<MLImage>> photoGetter) : DataViewRow
{
    private ValueGetter<MLImage>? _getPhoto;

    public override DataViewSchema Schema => mapper.OutputSchema;

    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column)
    {
        if (column.Index >= Schema.Count)
            throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' is of another schema.");
        return active.Contains(column.Index);
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!IsColumnActive(column))
            throw new InvalidOperationException($"Column '{column.Name}' was not asked for.");
        if (!mapper.IsPhoto(column))
            return input.GetGetter<TValue>(mapper.InputSchema[column.Index]);
        if ((_getPhoto ??= photoGetter(input)) is ValueGetter<TValue> getter)
            return getter;
        throw new InvalidOperationException($"Column '{column.Name}' holds {nameof(MLImage)}, not {typeof(TValue).Name}.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            input.Dispose();
        base.Dispose(disposing);
    }
}
