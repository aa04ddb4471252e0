using CrnMlNet.Data;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Cli;

/// <summary>
/// Pairs of files as a data view. ML.NET's own <c>LoadImages</c> takes a truncated picture for a whole one and loses 16-bit ids and
/// palette indices, so label files are given by their paths, and photos load with <see cref="ImageFile"/>; each lives until the next row.
/// </summary>
internal static class TrainingData
{
    /// <param name="mlContext">The context.</param>
    /// <param name="pairs">The pairs.</param>
    /// <param name="read">Is told how many rows have been read.</param>
    public static IDataView Load(MLContext mlContext, IReadOnlyList<LabelPhotoPair> pairs, Action<int> read)
    {
        // Instead of [ImageType] at the columns, which without a size throws in ML.NET 5.0.1.
        DataViewTypeManager.Register(new ImageDataViewType(), typeof(MLImage));
        return mlContext.Data.LoadFromEnumerable(Rows(pairs, read));
    }

    private static IEnumerable<Row> Rows(IReadOnlyList<LabelPhotoPair> pairs, Action<int> read)
    {
        for (int i = 0; i < pairs.Count; i++)
        {
            using var row = new Row(pairs[i]);
            yield return row;
            read(i + 1);
        }
    }

    /// <summary>The columns have the names that <see cref="SynthesizeFromLabelsEstimator.Options"/> expects by default.</summary>
    private sealed class Row(LabelPhotoPair pair) : IDisposable
    {
        private MLImage? _photo;

        public string Labels => pair.LabelPath;

        public MLImage Photo => _photo ??= ImageFile.Load(pair.PhotoPath);

        public void Dispose() => _photo?.Dispose();
    }
}
