using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Rows;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Tests.Pipelines;

/// <summary>The kinds of columns that labels can stand in.</summary>
public enum LabelKind
{
    Image,
    Bytes,
    FlatUshorts,
    Ints,
    Keys,
    Soft,
    SoftWithoutVoid,
    Gray16File,
    PaletteFile,
}

/// <summary>The labels of <see cref="Samples"/> in a column of each kind: they all mean the same classes.</summary>
internal sealed class LabelKinds : IDisposable
{
    private const int Pixels = Samples.Height * Samples.Width;
    private const int Classes = 11;

    private readonly TemporaryFolder _folder = new();

    /// <summary>Pairs of labels and photos.</summary>
    public IDataView Pairs(MLContext mlContext, LabelKind kind, int count = 4) => Rows(mlContext, kind, count, missing: -1, withPhotos: true);

    /// <summary>Rows that can be shuffled, the one called <paramref name="missing"/> without labels.</summary>
    public IDataView Scenes(MLContext mlContext, LabelKind kind, int count = 4, int missing = -1) => Rows(mlContext, kind, count, missing, withPhotos: false);

    public void Dispose() => _folder.Dispose();

    /// <summary>A gray PNG of 16 bits with the labels; ids and classes are the same in CamVid.</summary>
    public string Gray16(int number)
    {
        PngWriter.WriteNumbers(_folder[$"gray{number}.png"], Samples.Width, Samples.Height, 16, [.. Ids(number).Select(id => (ushort)id)]);
        return _folder[$"gray{number}.png"];
    }

    /// <summary>A palette PNG with the labels as indices, in colours that mean nothing.</summary>
    public string Indexed(int number)
    {
        byte[] colors = [.. Enumerable.Range(1, 16).SelectMany(i => new byte[] { (byte)(7 * i), (byte)(11 * i), (byte)(13 * i) })];
        PngWriter.WriteNumbers(_folder[$"indexed{number}.png"], Samples.Width, Samples.Height, 4, [.. Ids(number).Select(id => (ushort)id)], palette: colors);
        return _folder[$"indexed{number}.png"];
    }

    public static byte[] Ids(int number) => [.. Enumerable.Range(0, Pixels).Select(i => Samples.Id(number, i % Samples.Width))];

    public static float[] Shares(int number, int planes)
    {
        var ids = Ids(number);
        return [.. Enumerable.Range(0, planes * Pixels).Select(i => ids[i % Pixels] == i / Pixels ? 1f : 0f)];
    }

    private IDataView Rows(MLContext mlContext, LabelKind kind, int count, int missing, bool withPhotos) => kind switch
    {
        LabelKind.Image => Rows(mlContext, count, missing, withPhotos, (ImageScene row, int i) => row.Labels = Samples.Labels(i), (ImagePair row, MLImage photo) => row.Photo = photo),
        LabelKind.Bytes => Rows(mlContext, count, missing, withPhotos, (ByteScene row, int i) => row.Labels = Ids(i), (BytePair row, MLImage photo) => row.Photo = photo),
        LabelKind.FlatUshorts => Rows(mlContext, count, missing, withPhotos, (UshortScene row, int i) => row.Labels = [.. Ids(i).Select(id => (ushort)id)], (UshortPair row, MLImage photo) => row.Photo = photo),
        LabelKind.Ints => Rows(mlContext, count, missing, withPhotos, (IntScene row, int i) => row.Labels = [.. Ids(i).Select(id => (int)id)], (IntPair row, MLImage photo) => row.Photo = photo),
        LabelKind.Keys => Rows(mlContext, count, missing, withPhotos, (KeyScene row, int i) => row.Labels = [.. Ids(i).Select(id => id + 1u)], (KeyPair row, MLImage photo) => row.Photo = photo),
        LabelKind.Soft => Rows(mlContext, count, missing, withPhotos, (SoftScene row, int i) => row.Labels = Shares(i, Classes + 1), (SoftPair row, MLImage photo) => row.Photo = photo),
        LabelKind.SoftWithoutVoid => Rows(mlContext, count, missing, withPhotos, (SoftClassesScene row, int i) => row.Labels = Shares(i, Classes), (SoftClassesPair row, MLImage photo) => row.Photo = photo),
        LabelKind.Gray16File => Rows(mlContext, count, missing, withPhotos, (FileScene row, int i) => row.Labels = Gray16(i), (FilePair row, MLImage photo) => row.Photo = photo),
        LabelKind.PaletteFile => Rows(mlContext, count, missing, withPhotos, (FileScene row, int i) => row.Labels = Indexed(i), (FilePair row, MLImage photo) => row.Photo = photo),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static IDataView Rows<TScene, TPair>(
        MLContext mlContext, int count, int missing, bool withPhotos, Action<TScene, int> label, Action<TPair, MLImage> photograph)
        where TScene : NumberedScene, new() where TPair : class, TScene, new()
    {
        if (withPhotos)
            return ShufflableRows.From(mlContext, [.. Enumerable.Range(0, count).Select(i =>
            {
                var row = Fill(new TPair(), i);
                photograph(row, Samples.Photo(i));
                return row;
            })]);
        return ShufflableRows.From(mlContext, [.. Enumerable.Range(0, count).Select(i => Fill(new TScene(), i))]);

        T Fill<T>(T row, int i) where T : TScene
        {
            row.Number = 10 * i;
            if (i != missing)
                label(row, i);
            return row;
        }
    }

    internal abstract class NumberedScene
    {
        public int Number { get; set; }
    }

    internal class ImageScene : NumberedScene
    {
        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Labels { get; set; }
    }

    internal sealed class ImagePair : ImageScene
    {
        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Photo { get; set; }
    }

    internal class ByteScene : NumberedScene
    {
        [VectorType(Samples.Height, Samples.Width)]
        public byte[]? Labels { get; set; }
    }

    internal sealed class BytePair : ByteScene
    {
        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Photo { get; set; }
    }

    internal class UshortScene : NumberedScene
    {
        [VectorType(Pixels)]
        public ushort[]? Labels { get; set; }
    }

    internal sealed class UshortPair : UshortScene
    {
        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Photo { get; set; }
    }

    internal class IntScene : NumberedScene
    {
        [VectorType(Samples.Height, Samples.Width)]
        public int[]? Labels { get; set; }
    }

    internal sealed class IntPair : IntScene
    {
        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Photo { get; set; }
    }

    internal class KeyScene : NumberedScene
    {
        [VectorType(Samples.Height, Samples.Width)]
        [KeyType(Classes)]
        public uint[]? Labels { get; set; }
    }

    internal sealed class KeyPair : KeyScene
    {
        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Photo { get; set; }
    }

    internal class SoftScene : NumberedScene
    {
        [VectorType(Classes + 1, Samples.Height, Samples.Width)]
        public float[]? Labels { get; set; }
    }

    internal sealed class SoftPair : SoftScene
    {
        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Photo { get; set; }
    }

    internal class SoftClassesScene : NumberedScene
    {
        [VectorType(Classes, Samples.Height, Samples.Width)]
        public float[]? Labels { get; set; }
    }

    internal sealed class SoftClassesPair : SoftClassesScene
    {
        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Photo { get; set; }
    }

    internal class FileScene : NumberedScene
    {
        public string? Labels { get; set; }
    }

    internal sealed class FilePair : FileScene
    {
        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Photo { get; set; }
    }
}
