using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Conformance;

/// <summary>A row's id and values, each value written out in full (an image as its size and pixels), so that rows can be compared.</summary>
internal sealed record RowValues(DataViewRowId Id, string[] Names, string[] Values)
{
    public static List<RowValues> Read(IDataView view) => Read(view, [.. view.Schema]);

    public static List<RowValues> Read(IDataView view, DataViewSchema.Column[] columns, Random? rand = null)
    {
        using var reader = new RowReader(view.GetRowCursor(columns, rand), columns);
        return reader.Rest();
    }

    public static List<RowValues> ReadByMapper(IRowToRowMapper mapper, IDataView data)
    {
        var rows = new List<RowValues>();
        using var cursor = data.GetRowCursor(mapper.GetDependencies(mapper.OutputSchema));
        using var row = mapper.GetRow(cursor, mapper.OutputSchema);
        var values = new ColumnReader(row, [.. mapper.OutputSchema]);
        while (cursor.MoveNext())
            rows.Add(values.Read());
        return rows;
    }

    /// <summary>The same row with these columns alone.</summary>
    public RowValues Only(DataViewSchema.Column[] columns)
        => new(Id, [.. columns.Select(column => column.Name)], [.. columns.Select(column => Values[Array.IndexOf(Names, column.Name)])]);

    public bool Equals(RowValues? other)
        => other is not null && Id.Equals(other.Id) && Names.SequenceEqual(other.Names) && Values.SequenceEqual(other.Values);

    public override int GetHashCode() => Id.GetHashCode();
}

/// <summary>Goes over a view's rows.</summary>
internal sealed class RowReader : IDisposable
{
    private readonly DataViewRowCursor _cursor;
    private readonly ColumnReader _values;

    public RowReader(IDataView view, DataViewSchema.Column[] columns) : this(view.GetRowCursor(columns), columns)
    {
    }

    public RowReader(DataViewRowCursor cursor, DataViewSchema.Column[] columns)
        => (_cursor, Columns, _values) = (cursor, columns, new ColumnReader(cursor, columns));

    public DataViewSchema.Column[] Columns { get; }

    /// <summary>A getter whose values are written out.</summary>
    public static Func<string> Getter(DataViewRow row, DataViewSchema.Column column) => ColumnReader.Getter(row, column);

    /// <summary>The next row, or null behind the last.</summary>
    public RowValues? Next() => _cursor.MoveNext() ? _values.Read() : null;

    public List<RowValues> Rest()
    {
        var rows = new List<RowValues>();
        while (Next() is { } row)
            rows.Add(row);
        return rows;
    }

    public void Dispose() => _cursor.Dispose();
}

/// <summary>Reads a row's values, of whatever type.</summary>
internal sealed class ColumnReader(DataViewRow row, DataViewSchema.Column[] columns)
{
    private static readonly MethodInfo GenericGetter = typeof(ColumnReader).GetMethod(nameof(TypedGetter), BindingFlags.Static | BindingFlags.NonPublic)!;

    private readonly string[] _names = [.. columns.Select(column => column.Name)];
    private readonly Func<string>[] _getters = [.. columns.Select(column => Getter(row, column))];
    private readonly ValueGetter<DataViewRowId> _getId = row.GetIdGetter();

    public static Func<string> Getter(DataViewRow row, DataViewSchema.Column column)
        => GenericGetter.MakeGenericMethod(column.Type.RawType).CreateDelegate<Func<DataViewRow, DataViewSchema.Column, Func<string>>>()(row, column);

    public RowValues Read()
    {
        DataViewRowId id = default;
        _getId(ref id);
        return new RowValues(id, _names, [.. _getters.Select(getter => getter())]);
    }

    private static Func<string> TypedGetter<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<T>(column);
        T value = default!;
        return () =>
        {
            getter(ref value);
            return value switch
            {
                null => "null",
                MLImage image => $"{image.Width}x{image.Height} {image.PixelFormat} {Convert.ToHexString(image.Pixels)}",
                VBuffer<float> vector => Written(vector),
                VBuffer<byte> vector => Written(vector),
                VBuffer<ushort> vector => Written(vector),
                VBuffer<int> vector => Written(vector),
                VBuffer<uint> vector => Written(vector),
                _ when typeof(T).Name == typeof(VBuffer<>).Name => throw new NotSupportedException($"{typeof(T)} cannot be compared yet."),
                _ => value.ToString()!,
            };
        };
    }

    private static string Written<T>(VBuffer<T> vector) => $"[{string.Join(", ", vector.DenseValues())}]";
}
