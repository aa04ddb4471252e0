using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Rows;

/// <summary>What rows and orders the photos have, beside what <see cref="Conformance.ComponentConformance"/> checks.</summary>
public class CursorTests(TrainedModel model)
{
    [Fact]
    public void Rows_before_the_first_whose_photo_is_asked_for_are_not_painted()
    {
        var source = new WatchedView(model.Scenes());
        var photos = model.Transformer.Transform(source);

        using (var cursor = photos.GetRowCursor([photos.Schema["Synthesized"]]))
        {
            var getPhoto = cursor.GetGetter<MLImage>(photos.Schema["Synthesized"]);
            Assert.True(cursor.MoveNext() && cursor.MoveNext());
            MLImage photo = null!;
            getPhoto(ref photo);
            photo.Dispose();
        }

        Assert.Equal([[], ["Labels"]], source.Cursors);
        Assert.Equal(1, source.Reads["Labels"]);
        Assert.Equal(0, source.Open);
    }

    [Fact]
    public void Row_ids_are_those_of_the_source()
    {
        var source = model.MLContext.Data.ShuffleRows(model.MLContext.Data.LoadFromEnumerable(Enumerable.Range(0, 9).Select(i => new Files { LabelPath = $"{i}" })), seed: 3);
        var scenes = model.MLContext.Transforms.LoadImages("Labels", "", "LabelPath").Fit(source).Transform(source);

        Assert.Equal(Ids(scenes), Ids(model.Transformer.Transform(scenes)));
    }

    [Fact]
    public void Shuffled_rows_get_the_photos_of_their_own_labels()
    {
        using var folder = new TemporaryFolder();
        var files = Samples.WriteFiles(folder, 6);
        var mlContext = new MLContext();
        var load = mlContext.Transforms.LoadImages("Labels", folder.Path, "LabelPath");
        var rows = mlContext.Data.LoadFromEnumerable(files);
        var shuffled = mlContext.Data.ShuffleRows(rows, seed: 5);
        var inOrder = Samples.ReadPhotos(model.Transformer.Transform(load.Fit(rows).Transform(rows)));

        var photos = model.Transformer.Transform(load.Fit(shuffled).Transform(shuffled));

        var order = shuffled.GetColumn<string>("LabelPath").Select(path => files.FindIndex(f => f.LabelPath == path)).ToList();
        Assert.NotEqual(order.Order(), order);
        Assert.Equal(order.Select(i => inOrder[i]), Samples.ReadPhotos(photos));
        Assert.Equal(order.Select(i => inOrder[i]), Samples.ReadPhotos(photos));
    }

    private static List<DataViewRowId> Ids(IDataView data)
    {
        var ids = new List<DataViewRowId>();
        using var cursor = data.GetRowCursor([]);
        var getter = cursor.GetIdGetter();
        while (cursor.MoveNext())
        {
            DataViewRowId id = default;
            getter(ref id);
            ids.Add(id);
        }

        return ids;
    }
}
