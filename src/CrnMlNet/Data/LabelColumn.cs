using System.Numerics;
using CrnMlNet.Persistence;
using CrnMlNet.Torch.Networks;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Data;

/// <summary>
/// A column of labels, of any of the kinds that are read: images, paths of label files, vectors of ids or of keys, vectors of every
/// class's shares. Makes the readers that bring its rows to the working size.
/// </summary>
internal sealed class LabelColumn
{
    private const string Expected = "image, text (paths of label files), or vector of Byte, UInt16, Int32, Key or Single of known size";

    private readonly LabelDecoder _decoder;
    private readonly SynthesisArchitecture _architecture;
    private readonly Func<DataViewRow, int, LabelReader> _reader;

    private LabelColumn(DataViewSchema.Column column, LabelDecoder decoder, SynthesisArchitecture architecture, bool isSoft, Func<LabelColumn, DataViewRow, int, LabelReader> reader)
    {
        Column = column;
        IsSoft = isSoft;
        _decoder = decoder;
        _architecture = architecture;
        _reader = (row, places) => reader(this, row, places);
    }

    public DataViewSchema.Column Column { get; }

    /// <summary>Whether each pixel has a share of every class rather than one class.</summary>
    public bool IsSoft { get; }

    /// <summary>How images and files are decoded.</summary>
    public LabelDecoder Decoder => _decoder;

    /// <summary>Checks a column of a schema's shape, which knows no sizes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not a label column.</exception>
    public static void Check(IExceptionContext context, SchemaShape.Column column, string role)
    {
        bool isRead = column.Kind switch
        {
            SchemaShape.Column.VectorKind.Scalar => column.ItemType is ImageDataViewType or TextDataViewType,
            SchemaShape.Column.VectorKind.Vector => column.IsKey || column.ItemType.RawType == typeof(byte) || column.ItemType.RawType == typeof(ushort)
                || column.ItemType.RawType == typeof(int) || column.ItemType.RawType == typeof(float),
            _ => false,
        };
        if (!isRead)
            throw MLNetInternals.SchemaMismatch(context, "inputSchema", role, column.Name, Expected, MLNetInternals.TypeString(column));
    }

    /// <summary>Finds out what a column holds.</summary>
    /// <param name="context">For exceptions.</param>
    /// <param name="column">The column.</param>
    /// <param name="role">What it is, for messages.</param>
    /// <param name="decoder">The classes, and how they are written.</param>
    /// <param name="architecture">The network.</param>
    /// <param name="folder">The folder that relative paths begin in; null: the process's.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not a label column, or one for another size or for other classes.</exception>
    public static LabelColumn Of(
        IExceptionContext context, DataViewSchema.Column column, string role, LabelDecoder decoder, SynthesisArchitecture architecture, string? folder)
    {
        if (column.Type is ImageDataViewType)
            return new(column, decoder, architecture, isSoft: false, (labels, row, places) => new ImageLabelReader(labels, row, places));
        if (column.Type is TextDataViewType)
            return new(column, decoder, architecture, isSoft: false, (labels, row, _) => new FileLabelReader(labels, row, folder));
        if (column.Type is not VectorDataViewType { IsKnownSize: true } vector)
            throw Mismatch(Expected);

        var item = vector.ItemType.RawType;
        if (vector.ItemType is KeyDataViewType)
        {
            var keys = KeyTable(context, column, role, decoder);
            return item == typeof(byte) ? Ids<byte>(keys) : item == typeof(ushort) ? Ids<ushort>(keys) : item == typeof(uint) ? Ids<uint>(keys) : Ids<ulong>(keys);
        }

        return item == typeof(byte) ? Ids<byte>(decoder.Ids)
            : item == typeof(ushort) ? Ids<ushort>(decoder.Ids)
            : item == typeof(int) ? Ids<int>(decoder.Ids)
            : item == typeof(float) ? Shares()
            : throw Mismatch(Expected);

        LabelColumn Ids<T>(ChannelTable table) where T : unmanaged, IBinaryInteger<T>
        {
            var (height, width) = vector.Dimensions.Length == 2 ? (vector.Dimensions[0], vector.Dimensions[1]) : (architecture.Height, architecture.Width);
            if (vector.Dimensions.Length > 2 || vector.Size != (long)height * width)
                throw Mismatch($"vector of {architecture.Height} x {architecture.Width} = {architecture.Height * architecture.Width} numbers, or of two dimensions [height, width]");
            return new(column, decoder, architecture, isSoft: false, (labels, row, _) => new NumberLabelReader<T>(labels, row, table, height, width));
        }

        LabelColumn Shares()
        {
            int classes = decoder.Palette.Classes.Count, channels = architecture.Channels;
            long pixels = (long)architecture.Height * architecture.Width;
            var (planes, height, width) = vector.Dimensions.Length == 3 ? (vector.Dimensions[0], vector.Dimensions[1], vector.Dimensions[2])
                : vector.Dimensions.Length == 1 ? ((int)(vector.Size / pixels), architecture.Height, architecture.Width) : (0, 0, 0);
            if ((planes != classes && planes != channels) || vector.Size != (long)planes * height * width)
                throw Mismatch($"vector of Single [{channels}, height, width] (the shares of {classes} classes and of void) or [{classes}, height, width] (without void)");
            if (sizeof(float) * channels * pixels > Array.MaxLength)
                throw Mismatch($"less than {channels} channels of {architecture.Height} x {architecture.Width} pixels, which take more than 2 GiB");
            return new(column, decoder, architecture, isSoft: true, (labels, row, _) => new SoftLabelReader(labels, row, planes, height, width));
        }

        Exception Mismatch(string expected) => MLNetInternals.SchemaMismatch(context, "inputSchema", role, column.Name, expected, column.Type.ToString()!);
    }

    /// <summary>A reader of the rows that <paramref name="row"/> comes to stand for.</summary>
    /// <param name="row">A row with the column active.</param>
    /// <param name="places">How many rows' images are held at once.</param>
    public LabelReader Reader(DataViewRow row, int places) => _reader(row, places);

    /// <summary>Room for what the readers give.</summary>
    public LayoutBuffer Layouts(int count) => new(_architecture, IsSoft, count);

    // Keys begin at 1, and 0 is a missing one. What they stand for their column's KeyValues say: names of classes, or ids; without
    // them keys count the classes.
    private static ChannelTable KeyTable(IExceptionContext context, DataViewSchema.Column column, string role, LabelDecoder decoder)
    {
        var palette = decoder.Palette;
        short[] channels;
        var values = column.Annotations.Schema.GetColumnOrNull(ClassNames.KeyValues);
        if (values is null)
            channels = [.. Enumerable.Range(0, palette.Classes.Count).Select(channel => (short)channel)];
        else if (values.Value.Type is VectorDataViewType { ItemType: TextDataViewType })
            channels = [.. Values<ReadOnlyMemory<char>>().Select(name => ChannelOf(name.ToString(), palette))];
        else if (values.Value.Type is VectorDataViewType { ItemType.RawType: var type } && type == typeof(byte))
            channels = [.. Values<byte>().Select(id => decoder.Ids[id])];
        else if (values.Value.Type is VectorDataViewType { ItemType.RawType: var wide } && wide == typeof(ushort))
            channels = [.. Values<ushort>().Select(id => decoder.Ids[id])];
        else if (values.Value.Type is VectorDataViewType { ItemType.RawType: var wider } && wider == typeof(int))
            channels = [.. Values<int>().Select(id => decoder.Ids[id])];
        else
            throw MLNetInternals.SchemaMismatch(
                context, "inputSchema", role, column.Name, "keys whose KeyValues are class names (text) or ids (Byte, UInt16, Int32)", $"KeyValues of {values.Value.Type}");

        return new ChannelTable([(short)palette.VoidChannel, .. channels], palette.VoidChannel, decoder.UnknownLabels, fault => new InvalidOperationException(
            FormattableString.Invariant($"{fault.Place} has key {fault.Number}, which is no class of palette '{palette.Name}' ({palette.Classes.Count} classes); ")
            + FormattableString.Invariant($"such values stand in {fault.Count:N0} of {fault.Total:N0} pixels. ")
            + "Give the column KeyValues with the palette's class names, or set UnknownLabels = Void to paint it as void."));

        IEnumerable<T> Values<T>()
        {
            VBuffer<T> buffer = default;
            column.Annotations.GetValue(ClassNames.KeyValues, ref buffer);
            return buffer.DenseValues();
        }
    }

    private static short ChannelOf(string name, LabelPalette palette)
    {
        for (var channel = 0; channel < palette.Classes.Count; channel++)
        {
            if (palette.Classes[channel].Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                return (short)channel;
        }

        return name.Equals("void", StringComparison.OrdinalIgnoreCase) ? (short)palette.VoidChannel : ChannelTable.Unknown;
    }
}
