using CrnMlNet.Data;
using CrnMlNet.Torch.Backend;
using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>Real photos of one size and their layouts, with which synthesized photos are compared.</summary>
public sealed class RealPairs
{
    /// <summary>Makes pairs of what is in memory; nothing is copied.</summary>
    /// <param name="photos">The photos, at least one, all of one size.</param>
    /// <param name="layouts">For each photo the class of every pixel <c>[H, W]</c>, row by row; one more than the last class is void.</param>
    /// <param name="classes">The names of the classes, in the order of their ids; void is none of them.</param>
    /// <exception cref="ArgumentException">There is no photo, or numbers, sizes or ids do not fit.</exception>
    public RealPairs(IReadOnlyList<RgbImage> photos, IReadOnlyList<byte[]> layouts, IReadOnlyList<string> classes) : this(photos)
    {
        if (layouts.Count != photos.Count)
            throw new ArgumentException($"Each photo needs its layout, got {photos.Count} photos and {layouts.Count} layouts.", nameof(layouts));
        for (int i = 0; i < layouts.Count; i++)
        {
            if (layouts[i].Length != Height * Width)
                throw new ArgumentException($"A layout of {Height}x{Width} has that many classes, got {layouts[i].Length} in layout {i}.", nameof(layouts));
            if (layouts[i].Max() > classes.Count)
                throw new ArgumentException($"Layout {i} has the id {layouts[i].Max()}; of {classes.Count} classes ids are at most {classes.Count}, void's.", nameof(layouts));
        }
        (Layouts, Classes) = (layouts, classes);
    }

    /// <summary>Makes pairs of photos whose layouts are not known: what needs layouts is not measured then.</summary>
    /// <param name="photos">The photos, at least one, all of one size.</param>
    /// <exception cref="ArgumentException">There is no photo, or sizes differ.</exception>
    public RealPairs(IReadOnlyList<RgbImage> photos)
    {
        if (photos.Count == 0)
            throw new ArgumentException("There is no pair to compare.", nameof(photos));
        foreach (var photo in photos)
            RgbImage.CheckSameSize(photos[0], photo);
        Photos = photos;
    }

    /// <summary>The photos.</summary>
    public IReadOnlyList<RgbImage> Photos { get; }

    /// <summary>For each photo the class of every pixel; null: not known.</summary>
    public IReadOnlyList<byte[]>? Layouts { get; }

    /// <summary>The names of the classes; none where layouts are not known.</summary>
    public IReadOnlyList<string> Classes { get; } = [];

    /// <summary>How many there are.</summary>
    public int Count => Photos.Count;

    /// <summary>The photos' height in pixels.</summary>
    public int Height => Photos[0].Height;

    /// <summary>The photos' width in pixels.</summary>
    public int Width => Photos[0].Width;

    /// <summary>Reads a data view.</summary>
    /// <param name="mlContext">The context.</param>
    /// <param name="data">Labels and photos.</param>
    /// <param name="columns">Which columns, of which classes, and to what size they are brought.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>The pairs; of soft labels the likeliest class of each pixel.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range, or a column is missing.</exception>
    /// <exception cref="InvalidOperationException">There is no row, or a row cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static RealPairs Read(MLContext mlContext, IDataView data, PairColumns columns, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        ArgumentNullException.ThrowIfNull(data);
        TorchBackend.Start();
        var pairs = columns.Read(mlContext, data, cancellation);
        var photos = new RgbImage[pairs.Count];
        var layouts = new byte[pairs.Count][];
        for (int i = 0; i < pairs.Count; i++)
        {
            using var scope = NewDisposeScope();
            var (shares, photo) = pairs.Batch([i], [false], CPU);
            layouts[i] = Bytes(shares.argmax(1));
            photos[i] = new RgbImage(columns.Height, columns.Width, Bytes(photo));
        }
        return new RealPairs(photos, layouts, [.. columns.Palette.Classes.Select(label => label.Name)]);
    }

    /// <summary>Reads pairs as a model has read those that it was trained on: its size, its classes, its treatment of photos.</summary>
    /// <param name="model">The model.</param>
    /// <param name="pairs">Label maps and photos, at least one pair. They are read one at a time and not disposed.</param>
    /// <exception cref="ArgumentException">There is no pair.</exception>
    /// <exception cref="InvalidOperationException">A label map has ids or colours that the palette lacks.</exception>
    public static RealPairs For(SynthesizeFromLabelsTransformer model, IEnumerable<(LabelMap Labels, MLImage Photo)> pairs)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(pairs);
        var (height, width) = (model.Architecture.Height, model.Architecture.Width);
        List<byte[]> layouts = [];
        List<RgbImage> photos = [];
        foreach (var (labels, photo) in pairs)
        {
            layouts.Add(model.ReadLabels(labels));
            photos.Add(RgbImage.From(photo, height, width, model.Training.PhotoPreprocessing));
        }
        return new RealPairs(photos, layouts, [.. model.Palette.Classes.Select(label => label.Name)]);
    }

    /// <summary>Reads pairs of files as a model has read those that it was trained on; see the other overload.</summary>
    /// <param name="model">The model.</param>
    /// <param name="pairs">The files, at least one pair; they are read one at a time.</param>
    /// <exception cref="ArgumentException">There is no pair.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    /// <exception cref="InvalidDataException">A file is no image, or is damaged.</exception>
    /// <exception cref="InvalidOperationException">A label map has ids or colours that the palette lacks.</exception>
    public static RealPairs For(SynthesizeFromLabelsTransformer model, IEnumerable<LabelPhotoPair> pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        return For(model, Load());

        IEnumerable<(LabelMap Labels, MLImage Photo)> Load()
        {
            foreach (var pair in pairs)
            {
                using var photo = ImageFile.Load(pair.PhotoPath);
                yield return (LabelMap.Load(pair.LabelPath), photo);
            }
        }
    }

    internal static byte[] Bytes(Tensor values)
    {
        using var bytes = values.to(ScalarType.Byte).cpu().contiguous();
        return bytes.bytes.ToArray();
    }
}
