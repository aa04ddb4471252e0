using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace CrnMlNet.Tests.Rows;

/// <summary>What ML.NET demands of every data view (docs/code/IDataViewImplementation.md, DataViewRowCursor.md).</summary>
public class CursorTests(TrainedModel model)
{
    [Fact]
    public void Nothing_is_computed_before_a_photo_is_asked_for()
    {
        var source = new WatchedView(model.Scenes());

        var photos = model.Transformer.Transform(source);
        Assert.Empty(source.Cursors);

        using (var cursor = photos.GetRowCursor([photos.Schema["Number"]]))
        {
            var getNumber = cursor.GetGetter<int>(photos.Schema["Number"]);
            var numbers = new List<int>();
            while (cursor.MoveNext())
            {
                int number = 0;
                getNumber(ref number);
                numbers.Add(number);
            }

            Assert.Equal([100, 101, 102, 103], numbers);
        }

        Assert.Equal([["Number"]], source.Cursors);
        Assert.DoesNotContain("Labels", source.Reads.Keys);
        Assert.Equal(0, source.Open);
    }

    [Fact]
    public void Only_the_rows_whose_photo_is_asked_for_are_painted()
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

        Assert.Equal([["Labels"]], source.Cursors);
        Assert.Equal(1, source.Reads["Labels"]);
        Assert.Equal(0, source.Open);
    }

    [Fact]
    public void A_cursor_is_of_its_view_and_begins_and_ends_where_ML_NET_says()
    {
        var photos = model.Transformer.Transform(model.Scenes(2));

        using var cursor = photos.GetRowCursor([photos.Schema["Synthesized"], photos.Schema["Number"]]);

        Assert.Same(photos.Schema, cursor.Schema);
        Assert.Equal(-1, cursor.Position);
        Assert.True(cursor.MoveNext());
        Assert.Equal((0, 0), (cursor.Position, cursor.Batch));
        Assert.True(cursor.MoveNext());
        Assert.Equal(1, cursor.Position);
        Assert.False(cursor.MoveNext());
        Assert.Equal(-1, cursor.Position);
        Assert.False(cursor.MoveNext());
    }

    [Fact]
    public void Only_active_columns_have_getters_and_only_of_their_type()
    {
        var photos = model.Transformer.Transform(model.Scenes(1));

        using var cursor = photos.GetRowCursor([photos.Schema["Synthesized"]]);

        Assert.True(cursor.IsColumnActive(photos.Schema["Synthesized"]));
        Assert.False(cursor.IsColumnActive(photos.Schema["Labels"]));
        Assert.False(cursor.IsColumnActive(photos.Schema["Number"]));
        var inactive = Assert.ThrowsAny<Exception>(() => cursor.GetGetter<int>(photos.Schema["Number"]));
        Assert.Contains("Number", inactive.Message);
        Assert.ThrowsAny<Exception>(() => cursor.GetGetter<MLImage>(photos.Schema["Labels"]));
        var wrongType = Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<float>(photos.Schema["Synthesized"]));
        Assert.Contains("Synthesized", wrongType.Message);
    }

    [Fact]
    public void A_column_of_another_schema_is_refused()
    {
        var photos = model.Transformer.Transform(model.Scenes(1));
        var wide = model.MLContext.Data.LoadFromEnumerable([new Wide()]).Schema["F"];

        using var cursor = photos.GetRowCursor(photos.Schema);

        Assert.ThrowsAny<ArgumentException>(() => cursor.IsColumnActive(wide));
        Assert.ThrowsAny<ArgumentException>(() => cursor.GetGetter<int>(wide));
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
        using var folder = new Data.TemporaryFolder();
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

    [Fact]
    public void Taking_two_rows_paints_two_photos()
    {
        var source = new WatchedView(model.Scenes(5));
        var all = Samples.ReadPhotos(model.Transformer.Transform(model.Scenes(5)));

        var photos = Samples.ReadPhotos(model.MLContext.Data.TakeRows(model.Transformer.Transform(source), 2));

        Assert.Equal(all[..2], photos);
        Assert.Equal(2, source.Reads["Labels"]);
    }

    [Fact]
    public void Cursors_side_by_side_and_on_several_threads_give_the_same_photos()
    {
        var photos = model.Transformer.Transform(model.Scenes());
        var expected = Samples.ReadPhotos(photos);

        var read = new List<byte[]>[4];
        Parallel.For(0, read.Length, i => read[i] = Samples.ReadPhotos(photos));

        Assert.All(read, actual => Assert.Equal(expected, actual));
    }

    [Fact]
    public void A_set_of_cursors_goes_over_every_row_once()
    {
        var photos = model.Transformer.Transform(model.Scenes());

        var cursors = photos.GetRowCursorSet([photos.Schema["Number"]], 3);

        Assert.Equal(4, cursors.Sum(cursor =>
        {
            using (cursor)
            {
                int rows = 0;
                while (cursor.MoveNext())
                    rows++;
                return rows;
            }
        }));
    }

    [Fact]
    public void The_mapper_is_of_the_schema_it_was_asked_for()
    {
        var scenes = model.Scenes(1);

        var mapper = model.Transformer.GetRowToRowMapper(scenes.Schema);

        Assert.True(model.Transformer.IsRowToRowMapper);
        Assert.Same(scenes.Schema, mapper.InputSchema);
        Assert.Equal(["Labels"], mapper.GetDependencies([mapper.OutputSchema["Synthesized"]]).Select(c => c.Name));
        Assert.Equal(["Number"], mapper.GetDependencies([mapper.OutputSchema["Number"]]).Select(c => c.Name));
        Assert.Empty(mapper.GetDependencies([]));
        var other = model.Scenes(1);
        using var foreign = other.GetRowCursor(other.Schema);
        Assert.Throws<ArgumentException>(() => mapper.GetRow(foreign, mapper.OutputSchema));
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

    private sealed class Wide
    {
        public int A { get; set; }

        public int B { get; set; }

        public int C { get; set; }

        public int D { get; set; }

        public int E { get; set; }

        public int F { get; set; }
    }
}
