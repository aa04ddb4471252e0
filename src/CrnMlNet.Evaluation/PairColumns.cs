using CrnMlNet.Data;
using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace CrnMlNet.Evaluation;

/// <summary>Where in a data view labels and real photos are, what they mean, and to what size they are brought.</summary>
public sealed record PairColumns
{
    /// <summary>The column of labels; see <see cref="SynthesizeFromLabelsEstimator.Options.InputColumnName"/>.</summary>
    public string LabelColumnName { get; init; } = "Labels";

    /// <summary>The column of real photos.</summary>
    public string PhotoColumnName { get; init; } = "Photo";

    /// <summary>The classes and how label images show them.</summary>
    public LabelPalette Palette { get; init; } = LabelPalette.CamVid;

    /// <summary>How label images show classes.</summary>
    public LabelEncoding LabelEncoding { get; init; } = LabelEncoding.Auto;

    /// <summary>What becomes of ids and colours that the palette lacks: an error, or void.</summary>
    public UnknownLabelPolicy UnknownLabels { get; init; } = UnknownLabelPolicy.Error;

    /// <summary>What is done to photos once they have the working size: what was done to the model's training photos.</summary>
    public PhotoPreprocessing PhotoPreprocessing { get; init; } = PhotoPreprocessing.None;

    /// <summary>The height in pixels to which layouts are brought by nearest neighbour and photos by area averaging, 16 to 8192.</summary>
    public int Height { get; init; } = 96;

    /// <summary>The width in pixels, 16 to 8192.</summary>
    public int Width { get; init; } = 128;

    /// <summary>Reads and checks all pairs.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range, or a column is missing.</exception>
    /// <exception cref="InvalidOperationException">There is no row, or a row cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal TrainingPairs Read(MLContext mlContext, IDataView data, CancellationToken cancellation)
    {
        foreach (var column in new[] { LabelColumnName, PhotoColumnName })
            Check(data.Schema, column);
        var options = new SynthesizeFromLabelsEstimator.Options
        {
            InputColumnName = LabelColumnName,
            PhotoColumnName = PhotoColumnName,
            Palette = Palette,
            LabelEncoding = LabelEncoding,
            UnknownLabels = UnknownLabels,
            PhotoPreprocessing = PhotoPreprocessing,
            Height = Height,
            Width = Width,
            CancellationToken = cancellation,
        };
        options.Validate(mlContext);
        return TrainingRows.Read(mlContext, data, options).Pairs;
    }

    /// <exception cref="ArgumentOutOfRangeException">The column is missing.</exception>
    internal static void Check(DataViewSchema schema, string column)
    {
        if (schema.GetColumnOrNull(column) is null)
            throw new ArgumentOutOfRangeException(nameof(schema), $"The data has no column '{column}'; it has {string.Join(", ", schema.Select(other => $"'{other.Name}'"))}.");
    }
}
