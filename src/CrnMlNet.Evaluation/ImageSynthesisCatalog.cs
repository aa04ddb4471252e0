using CrnMlNet;
using CrnMlNet.Data;
using CrnMlNet.Evaluation;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML;

/// <summary>Adds image synthesis to the tasks of <see cref="MLContext"/>.</summary>
public static class ImageSynthesisExtensions
{
    /// <summary>The task of synthesizing images.</summary>
    /// <param name="mlContext">The context.</param>
    public static ImageSynthesisCatalog ImageSynthesis(this MLContext mlContext)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        return new ImageSynthesisCatalog(mlContext);
    }
}

/// <summary>Evaluates synthesized images, as ML.NET's catalogs do for their tasks: <c>mlContext.ImageSynthesis().Evaluate(model.Transform(test))</c>.</summary>
public sealed class ImageSynthesisCatalog
{
    private readonly MLContext _mlContext;

    internal ImageSynthesisCatalog(MLContext mlContext) => _mlContext = mlContext;

    /// <summary>Compares a column of synthesized photos with the real ones of the same rows.</summary>
    /// <param name="data">Labels, real photos and synthesized photos: what <see cref="SynthesizeFromLabelsTransformer.Transform"/> gives for rows with photos.</param>
    /// <param name="synthesizedColumnName">
    /// The column of synthesized photos, images or vectors <c>[3, H, W]</c> of known size; those of more photos of the same layout are found by their names,
    /// <c>NAME.1</c>, <c>NAME.2</c> and so on.
    /// </param>
    /// <param name="columns">
    /// The columns of labels and real photos, and what they mean; null: those that <see cref="SynthesizeFromLabelsEstimator.Options"/> expects by default. Height and width
    /// are the synthesized photos', whatever stands there.
    /// </param>
    /// <param name="options">What is measured; null: everything that needs neither segmenter nor training photos.</param>
    /// <exception cref="ArgumentNullException"><paramref name="data"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of a type that is not read, or a value is out of its range.</exception>
    /// <exception cref="InvalidOperationException">There is no row, or a row cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <example>
    /// <code>
    /// using var segmenter = Segmenter.Load("segmenter.safetensors");
    /// var evaluation = mlContext.ImageSynthesis().Evaluate(model.Transform(test), options: new EvaluationOptions { Segmenter = segmenter });
    /// Console.WriteLine(evaluation.Synthesized.VoidIgnored.Scores.MeanIoU / evaluation.RealVoidIgnored.Scores.MeanIoU);
    /// </code>
    /// </example>
    public SynthesisEvaluation Evaluate(IDataView data, string synthesizedColumnName = "Synthesized", PairColumns? columns = null, EvaluationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        var cancellation = options?.CancellationToken ?? CancellationToken.None;
        var column = new SynthesizedColumns(data, synthesizedColumnName);
        var real = RealPairs.Read(_mlContext, data, (columns ?? new PairColumns()) with { Height = column.Height, Width = column.Width }, cancellation);
        return SynthesisEvaluation.Of(column.Read(cancellation), real, options);
    }

    /// <summary>The columns of synthesized photos.</summary>
    private sealed class SynthesizedColumns
    {
        private readonly IDataView _data;
        private readonly DataViewSchema.Column[] _columns;

        public SynthesizedColumns(IDataView data, string name)
        {
            PairColumns.Check(data.Schema, name);
            List<DataViewSchema.Column> columns = [data.Schema[name]];
            while (data.Schema.GetColumnOrNull($"{name}.{columns.Count}") is { } more)
                columns.Add(more);
            (_data, _columns) = (data, [.. columns]);
            (Height, Width) = SizeOf(columns[0]);
            if (columns.FirstOrDefault(column => SizeOf(column) != (Height, Width)) is { Name: { } odd })
                throw new ArgumentOutOfRangeException(nameof(data), $"Column '{odd}' is {data.Schema[odd].Type}, and '{name}' is {columns[0].Type}: all must have one size.");
        }

        public int Height { get; }

        public int Width { get; }

        /// <summary>Reads all rows: for each the photos of its columns.</summary>
        public IReadOnlyList<IReadOnlyList<RgbImage>> Read(CancellationToken cancellation)
        {
            List<RgbImage[]> photos = [];
            using var cursor = _data.GetRowCursor(_columns);
            Func<RgbImage>[] readers = [.. _columns.Select(column => Reader(cursor, column))];
            while (cursor.MoveNext())
            {
                cancellation.ThrowIfCancellationRequested();
                photos.Add([.. readers.Select(read => read())]);
            }
            return photos;
        }

        private Func<RgbImage> Reader(DataViewRowCursor cursor, DataViewSchema.Column column)
        {
            if (column.Type is ImageDataViewType)
            {
                var getImage = cursor.GetGetter<MLImage>(column);
                // The producer owns and may recycle this image: one variable for all rows, never disposed here.
                MLImage image = null!;
                return () =>
                {
                    RowErrors.Read(cursor.Position, column.Name, getImage, ref image);
                    return image is null ? throw Missing(cursor.Position, column.Name) : RgbImage.From(image, Height, Width);
                };
            }

            var getVector = cursor.GetGetter<VBuffer<float>>(column);
            VBuffer<float> vector = default;
            return () =>
            {
                RowErrors.Read(cursor.Position, column.Name, getVector, ref vector);
                float[] values = [.. vector.DenseValues()];
                if (values.Any(float.IsNaN))
                    throw Missing(cursor.Position, column.Name);
                return new RgbImage(Height, Width, [.. values.Select(value => (byte)Math.Clamp(MathF.Round(value), 0, 255))]);
            };
        }

        private static InvalidOperationException Missing(long row, string column) => new($"{RowErrors.Source(row, column)} has no photo. Remove the row.");

        private static (int Height, int Width) SizeOf(DataViewSchema.Column column) => column.Type switch
        {
            ImageDataViewType { Height: > 0 and var height, Width: > 0 and var width } => (height, width),
            VectorDataViewType { ItemType.RawType: var item, Dimensions: [3, > 0 and var height, > 0 and var width] } when item == typeof(float) => (height, width),
            var other => throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' is {other}; synthesized photos are images of known size, or vectors of Single [3, H, W]."),
        };
    }
}
