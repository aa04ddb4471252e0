using Microsoft.ML;

namespace CrnMlNet.Data;

/// <summary>Paints one row at a time, when it is asked for.</summary>
/// <remarks>For one row object, and as little thread-safe as that.</remarks>
internal sealed class RowByRow(SynthesizeFromLabelsTransformer transformer, DataViewRow row, LabelColumn labels) : IRowPainter
{
    private readonly LabelReader _reader = labels.Reader(row, places: 1);
    private readonly LayoutBuffer _layout = labels.Layouts(1);
    private long _position = -1;
    private int _place;

    public PhotoBuffer Photos { get; } = new(transformer.Output);

    public int Paint()
    {
        transformer.CheckAlive();
        if (_position >= 0 && _position == row.Position)
            return _place;
        _position = -1;
        _place = _reader.Read(0) ? 0 : -1;
        if (_place == 0)
        {
            _reader.Decode(_layout, 0);
            transformer.Paint(_layout, Photos, 1);
        }

        _position = row.Position;
        return _place;
    }
}
