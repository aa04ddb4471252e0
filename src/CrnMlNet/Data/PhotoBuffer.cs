using Microsoft.ML.Data;

namespace CrnMlNet.Data;

/// <summary>Room for painted photos, as bytes or, for vector columns, as floats: <c>[N, k, 3, H, W]</c>.</summary>
internal sealed class PhotoBuffer(OutputColumns columns)
{
    private readonly int _length = 3 * columns.Height * columns.Width;
    private byte[] _bytes = [];
    private float[] _values = [];

    public bool IsVector => columns.Kind == OutputKind.Vector;

    /// <summary>The first <paramref name="count"/> rows' photos as bytes.</summary>
    public Span<byte> Bytes(int count) => Room(ref _bytes, count);

    /// <summary>The first <paramref name="count"/> rows' photos as floats.</summary>
    public Span<float> Values(int count) => Room(ref _values, count);

    /// <summary>A column's photo of a row: a new image.</summary>
    public MLImage ToImage(int place, int column) => PhotoPixels.ToImage(_bytes.AsSpan(Begin(place, column), _length), columns.Height, columns.Width);

    /// <summary>Copies a column's photo of a row.</summary>
    public void CopyTo(int place, int column, ref VBuffer<float> photo)
    {
        var editor = VBufferEditor.Create(ref photo, _length);
        _values.AsSpan(Begin(place, column), _length).CopyTo(editor.Values);
        photo = editor.Commit();
    }

    private int Begin(int place, int column) => (place * columns.Count + column) * _length;

    private Span<T> Room<T>(ref T[] photos, int count)
    {
        if (photos.Length < count * columns.Count * _length)
            photos = new T[count * columns.Count * _length];
        return photos.AsSpan(0, count * columns.Count * _length);
    }
}
