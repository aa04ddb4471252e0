using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace CrnMlNet.Data;

/// <summary>
/// Reads a data view's label and photo columns once, checks every pair, and brings it to the working size, all before
/// training starts.
/// </summary>
internal sealed class TrainingRows
{
    /// <summary>By how much the aspects of a label image and its photo may differ, relatively.</summary>
    public const double AspectTolerance = 0.01;

    private const int LongestText = 200;

    private readonly IDataView _input;
    private readonly SynthesizeFromLabelsEstimator.Options _options;
    private readonly DataViewSchema.Column _labelColumn;
    private readonly DataViewSchema.Column _photoColumn;
    private readonly IExceptionContext _context;
    private string? _coloured;
    private bool _indexed;

    private TrainingRows(IExceptionContext context, IDataView input, SynthesizeFromLabelsEstimator.Options options)
    {
        _context = context;
        _input = input;
        _options = options;
        _labelColumn = input.Schema[options.InputColumnName];
        _photoColumn = input.Schema[options.PhotoColumnName];
    }

    /// <summary>Reads all pairs, and finds out how label images are written where the options leave that open.</summary>
    /// <exception cref="InvalidOperationException">There is no row, or a row cannot be learned from.</exception>
    public static (TrainingPairs Pairs, LabelEncoding Encoding) Read(
        IExceptionContext context, IDataView input, SynthesizeFromLabelsEstimator.Options options)
    {
        var rows = new TrainingRows(context, input, options);
        try
        {
            var encoding = options.LabelEncoding == LabelEncoding.Auto ? LabelEncoding.Index : options.LabelEncoding;
            bool undecided = options.LabelEncoding == LabelEncoding.Auto;
            // A coloured image among all-gray ones shows that those were colours, too: then they are read once more.
            var pairs = rows.TryRead(encoding, undecided) ?? rows.ReadByColour(out encoding);
            if (pairs.Count == 0)
                throw new InvalidOperationException("There is no row to learn from: the training data is empty.");
            return (pairs, undecided && encoding == LabelEncoding.Index && rows._indexed ? LabelEncoding.PaletteIndex : encoding);
        }
        catch (InvalidOperationException e)
        {
            throw context.Process(e);
        }
    }

    private TrainingPairs ReadByColour(out LabelEncoding encoding)
    {
        try
        {
            return TryRead(encoding = LabelEncoding.Color, stopAtColours: false)!;
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidOperationException(
                $"{e.Message} (Label images are read by colour because that of {_coloured} has colours that count; if it is the odd one, set LabelEncoding = Index, or PaletteIndex for palette PNGs.)", e.InnerException);
        }
    }

    private TrainingPairs? TryRead(LabelEncoding encoding, bool stopAtColours)
    {
        var pairs = new TrainingPairs(_options.Palette.ChannelCount, _options.Height, _options.Width);
        var column = _options.LabelColumn(_context, _labelColumn, "label", encoding);
        using var cursor = _input.GetRowCursor([_labelColumn, _photoColumn]);
        var labels = column.Reader(cursor, places: 1);
        var getPhoto = cursor.GetGetter<MLImage>(_photoColumn);
        // The producer owns and may recycle this image: one variable for all rows, never disposed here.
        MLImage photo = null!;
        while (cursor.MoveNext())
        {
            _options.CancellationToken.ThrowIfCancellationRequested();
            long row = cursor.Position;
            // A text column of label files is one of the row's texts: its error names the file.
            var hasLabels = _labelColumn.Type is TextDataViewType ? labels.Read(0) : WithTexts(row, () => labels.Read(0));
            photo = WithTexts(row, () =>
            {
                RowErrors.Read(row, _photoColumn.Name, getPhoto, ref photo);
                return photo;
            });
            CheckPair(row, hasLabels ? labels : null, photo);
            var detected = stopAtColours ? labels.Detect() : encoding;
            if (stopAtColours && detected == LabelEncoding.Color)
            {
                _coloured = labels.Source;
                return null;
            }

            _indexed |= detected == LabelEncoding.PaletteIndex;
            pairs.CheckRoomForNext(column.IsSoft);
            var layout = column.Layouts(1);
            labels.Decode(layout, 0);
            layout.AddTo(pairs, PhotoPixels.FromPhoto(photo, _options.Height, _options.Width, _options.PhotoPreprocessing));
        }
        return pairs;
    }

    private T WithTexts<T>(long row, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidOperationException(e.Message + TextsOf(row), e.InnerException);
        }
    }

    /// <summary>The row's texts. LoadImages does not say which file is no image, but its name stands in one of them.</summary>
    private string TextsOf(long row)
    {
        DataViewSchema.Column[] columns = [.. _input.Schema.Where(column => column.Type is TextDataViewType && !column.IsHidden)];
        using var cursor = _input.GetRowCursor(columns);
        var getters = columns.Select(column => cursor.GetGetter<ReadOnlyMemory<char>>(column)).ToArray();
        while (cursor.MoveNext() && cursor.Position < row)
        {
        }
        if (cursor.Position != row || columns.Length == 0)
            return "";

        var texts = columns.Zip(getters, (column, getter) =>
        {
            ReadOnlyMemory<char> text = default;
            getter(ref text);
            return $"{column.Name} '{text[..Math.Min(text.Length, LongestText)]}'";
        });
        return $" The row has {string.Join(", ", texts)}.";
    }

    private void CheckPair(long row, LabelReader? labels, MLImage? photo)
    {
        if (labels is null)
            throw new InvalidOperationException($"{RowErrors.Source(row, _labelColumn.Name)} has no labels. Remove the row, or give it some.");
        if (photo is null)
            throw new InvalidOperationException($"{RowErrors.Source(row, _photoColumn.Name)} has no image. Remove the row, or give it one.");

        double labelAspect = (double)labels.Width / labels.Height, photoAspect = (double)photo.Width / photo.Height;
        if (Math.Abs(labelAspect / photoAspect - 1) > AspectTolerance)
            throw new InvalidOperationException(
                $"{RowErrors.Source(row, _photoColumn.Name, photo.Tag)} is {photo.Width}x{photo.Height}, but its label map"
                + (labels.File is { Length: > 0 } file ? $" '{file}'" : "")
                + $" is {labels.Width}x{labels.Height}: their shapes differ, so pixels cannot be matched. Crop or resize one of them.");
    }
}
