using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Data;

/// <summary>
/// A transformer bound to an input schema: every input column as it is, the label column with the class names as its KeyValues,
/// and behind them the photo columns. Gives rows one at a time to <c>PredictionEngine</c>, and getters to
/// <see cref="SynthesizedDataView"/>.
/// </summary>
internal sealed class SynthesisMapper : IRowToRowMapper
{
    private readonly SynthesizeFromLabelsTransformer _transformer;
    private readonly LabelColumn _labels;

    public SynthesisMapper(SynthesizeFromLabelsTransformer transformer, DataViewSchema inputSchema, LabelColumn labels)
    {
        _transformer = transformer;
        _labels = labels;
        InputSchema = inputSchema;
        // PredictionEngine and CreateEnumerable refuse images of a size that no attribute in the program has named.
        new ImageTypeAttribute(Output.Height, Output.Width).Register();
        var builder = new DataViewSchema.Builder();
        foreach (var column in inputSchema)
            builder.AddColumn(column.Name, column.Type, column.Index == labels.Column.Index ? ClassNames.AddTo(column.Annotations, transformer.Palette) : column.Annotations);
        foreach (var name in Output.Names)
            builder.AddColumn(name, Output.Type);
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    /// <summary>The photo columns, the last ones of <see cref="OutputSchema"/>.</summary>
    public OutputColumns Output => _transformer.Output;

    public bool IsPhoto(DataViewSchema.Column column) => column.Index >= InputSchema.Count;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        var wanted = dependingColumns.Select(column => column.Index).ToHashSet();
        bool wantsPhoto = wanted.Any(index => index >= InputSchema.Count);
        return InputSchema.Where(column => wanted.Contains(column.Index) || (column.Index == _labels.Column.Index && wantsPhoto));
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Schema != InputSchema)
            throw new ArgumentException("The row's schema is not the one that this mapper was made for.", nameof(input));
        return new SynthesisRow(this, input, activeColumns.Select(column => column.Index).ToHashSet(), Painter);
    }

    /// <summary>What paints <paramref name="row"/>, by itself.</summary>
    public IRowPainter Painter(DataViewRow row) => new RowByRow(_transformer, row, _labels);

    /// <summary>Opens a cursor that reads the labels ahead of another one.</summary>
    public ReadAhead ReadAhead(Func<IEnumerable<DataViewSchema.Column>, DataViewRowCursor> open, int batchSize)
    {
        var rows = open([_labels.Column]);
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

/// <summary>A row of a data view or of <c>PredictionEngine</c>, with the photo columns added.</summary>
internal sealed class SynthesisRow(
    SynthesisMapper mapper, DataViewRow input, HashSet<int> active, Func<DataViewRow, IRowPainter> painterOf) : DataViewRow
{
    // One for all photo columns, which are painted together.
    private IRowPainter? _painter;

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
        if (mapper.Output.Type.RawType != typeof(TValue))
            throw new InvalidOperationException($"Column '{column.Name}' holds {mapper.Output.Type}, not {typeof(TValue).Name}.");
        return (ValueGetter<TValue>)mapper.Output.Getter(_painter ??= painterOf(input), column.Index - mapper.InputSchema.Count);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            input.Dispose();
        base.Dispose(disposing);
    }
}
