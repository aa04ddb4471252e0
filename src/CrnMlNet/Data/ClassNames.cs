using CrnMlNet.Persistence;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>
/// The names of a palette's classes as an annotation of the label column, where ML.NET has the names of keys: <c>KeyValues</c>, in the
/// order of the network's channels, without void.
/// </summary>
internal static class ClassNames
{
    public const string KeyValues = "KeyValues";

    /// <summary>The annotations of a label column with the class names; as they are if it has <c>KeyValues</c> of its own.</summary>
    public static DataViewSchema.Annotations AddTo(DataViewSchema.Annotations annotations, LabelPalette palette)
    {
        if (annotations.Schema.GetColumnOrNull(KeyValues) is not null)
            return annotations;
        var builder = new DataViewSchema.Annotations.Builder();
        builder.Add(annotations, name => name != KeyValues);
        ReadOnlyMemory<char>[] names = [.. palette.Classes.Select(label => label.Name.AsMemory())];
        builder.Add(KeyValues, new VectorDataViewType(TextDataViewType.Instance, names.Length), (ref VBuffer<ReadOnlyMemory<char>> value) =>
        {
            var editor = VBufferEditor.Create(ref value, names.Length);
            names.CopyTo(editor.Values);
            value = editor.Commit();
        });
        return builder.ToAnnotations();
    }

    /// <summary>The shape of a label column with the class names.</summary>
    public static SchemaShape.Column AddTo(SchemaShape.Column column)
    {
        if (MLNetInternals.TryFindColumn(column.Annotations, KeyValues, out _))
            return column;
        var names = MLNetInternals.CreateColumn(KeyValues, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance);
        return MLNetInternals.CreateColumn(column.Name, column.Kind, column.ItemType, column.IsKey, new SchemaShape([.. column.Annotations, names]));
    }
}
