using CrnMlNet.Torch.Networks;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Data;

/// <summary>The columns of photos that are added: one, or one for each of the network's k images.</summary>
internal sealed class OutputColumns
{
    /// <param name="name">The first column's name; the others append <c>.1</c>, <c>.2</c>, ...</param>
    /// <param name="kind">What they hold.</param>
    /// <param name="image">The image that is chosen, from 0; null: each has a column.</param>
    /// <param name="architecture">The network.</param>
    public OutputColumns(string name, OutputKind kind, int? image, SynthesisArchitecture architecture)
    {
        (Kind, Image, Height, Width) = (kind, image, architecture.Height, architecture.Width);
        var count = image is null ? architecture.ImagesPerLayout : 1;
        Names = [.. Enumerable.Range(0, count).Select(column => column == 0 ? name : $"{name}.{column}")];
        Type = kind == OutputKind.Image ? new ImageDataViewType(Height, Width) : new VectorDataViewType(NumberDataViewType.Single, 3, Height, Width);
    }

    public IReadOnlyList<string> Names { get; }

    public int Count => Names.Count;

    public OutputKind Kind { get; }

    /// <summary>The image that is chosen; null: all.</summary>
    public int? Image { get; }

    public int Height { get; }

    public int Width { get; }

    /// <summary>Each column's type.</summary>
    public DataViewType Type { get; }

    /// <summary>Checks what a model is to give.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The network has no such image, or its images are too large for a row of them.</exception>
    public static void Check(int? image, OutputKind kind, SynthesisArchitecture architecture)
    {
        if (image is { } chosen && (chosen < 0 || chosen >= architecture.ImagesPerLayout))
            throw new ArgumentOutOfRangeException(
                nameof(SynthesizeFromLabelsEstimator.Options.OutputImage), image,
                $"OutputImage must be from 0 to {architecture.ImagesPerLayout - 1}: the network synthesizes {architecture.ImagesPerLayout} {(architecture.ImagesPerLayout == 1 ? "image" : "images")} for a layout.");
        long values = 3L * architecture.Height * architecture.Width * (image is null ? architecture.ImagesPerLayout : 1);
        if (values * (kind == OutputKind.Vector ? sizeof(float) : 1) > Array.MaxLength)
            throw new ArgumentOutOfRangeException(
                nameof(SynthesizeFromLabelsEstimator.Options.OutputImage), image,
                $"{architecture.ImagesPerLayout} images of {architecture.Height}x{architecture.Width} are more than 2 GiB in a row. Choose one with OutputImage, or a smaller size.");
    }

    /// <summary>Gives a column of the row that <paramref name="painter"/> paints.</summary>
    public Delegate Getter(IRowPainter painter, int column)
        => Kind == OutputKind.Image ? ImageGetter(painter, column) : VectorGetter(painter, column);

    private static ValueGetter<MLImage> ImageGetter(IRowPainter painter, int column) => (ref MLImage photo) =>
    {
        var place = painter.Paint();
        photo = place < 0 ? null! : painter.Photos.ToImage(place, column);
    };

    private ValueGetter<VBuffer<float>> VectorGetter(IRowPainter painter, int column) => (ref VBuffer<float> photo) =>
    {
        var place = painter.Paint();
        if (place >= 0)
        {
            painter.Photos.CopyTo(place, column, ref photo);
            return;
        }

        var editor = VBufferEditor.Create(ref photo, 3 * Height * Width);
        editor.Values.Fill(float.NaN);
        photo = editor.Commit();
    };
}

/// <summary>Paints the row that a cursor stands at.</summary>
internal interface IRowPainter
{
    /// <summary>What was painted.</summary>
    PhotoBuffer Photos { get; }

    /// <summary>Makes sure that the row's photos are painted, once for each position.</summary>
    /// <returns>Their place in <see cref="Photos"/>, or -1 if the row has no labels.</returns>
    int Paint();
}
