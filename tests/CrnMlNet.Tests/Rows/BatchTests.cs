using CrnMlNet.Tests.Conformance;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Tests.Rows;

/// <summary>Painting several photos at once: who asks row by row must not notice, but for the time.</summary>
public sealed class BatchTests(TrainedModel model) : IDisposable
{
    private readonly SynthesizeFromLabelsTransformer _transformer = (SynthesizeFromLabelsTransformer)model.Load();

    public void Dispose() => _transformer.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(SynthesizeFromLabelsTransformer.LargestScoringBatchSize)]
    public void Photos_do_not_depend_on_how_many_are_painted_at_once(int size)
    {
        var scenes = Shufflable(19);
        _transformer.ScoringBatchSize = 1;
        var oneByOne = RowValues.Read(_transformer.Transform(scenes));

        _transformer.ScoringBatchSize = size;

        Assert.Equal(oneByOne, RowValues.Read(_transformer.Transform(scenes)));
        var photos = _transformer.Transform(scenes);
        Assert.Equal(oneByOne, RowValues.Read(photos, [.. photos.Schema], new Random(3)).OrderBy(row => row.Id.Low));
    }

    [Fact]
    public void The_order_of_a_seed_does_not_depend_on_how_many_are_painted_at_once()
    {
        var scenes = Shufflable(9);
        var orders = new[] { 1, 4 }.Select(size =>
        {
            _transformer.ScoringBatchSize = size;
            var photos = _transformer.Transform(scenes);
            return RowValues.Read(photos, [.. photos.Schema], new Random(11));
        }).ToList();

        Assert.Equal(orders[0], orders[1]);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 3)]
    [InlineData(4, 7)]
    [InlineData(7, 7)]
    [InlineData(8, 11)]
    public void The_first_rows_do_not_pay_for_all_that_follow(int taken, int painted)
    {
        var source = new WatchedView(model.Scenes(30));
        var all = Samples.ReadPhotos(_transformer.Transform(model.Scenes(30)));
        _transformer.ScoringBatchSize = 4;

        var photos = Samples.ReadPhotos(model.MLContext.Data.TakeRows(_transformer.Transform(source), taken));

        Assert.Equal(all[..taken], photos);
        Assert.Equal(painted, source.Reads["Labels"]);
    }

    [Fact]
    public void Who_leaves_rows_out_does_not_pay_for_them()
    {
        var source = new WatchedView(model.Scenes(12));
        var all = Samples.ReadPhotos(_transformer.Transform(model.Scenes(12)));
        var photos = _transformer.Transform(source);

        using var cursor = photos.GetRowCursor([photos.Schema["Synthesized"]]);
        var getPhoto = cursor.GetGetter<MLImage>(photos.Schema["Synthesized"]);
        while (cursor.MoveNext())
        {
            if (cursor.Position % 3 != 1)
                continue;
            MLImage photo = null!;
            getPhoto(ref photo);
            Assert.Equal(all[(int)cursor.Position], photo.Pixels());
        }

        Assert.Equal(4, source.Reads["Labels"]);
    }

    [Fact]
    public void A_photo_that_is_asked_for_twice_is_painted_once_and_two_images()
    {
        var source = new WatchedView(model.Scenes(1));
        var photos = _transformer.Transform(source);
        using var cursor = photos.GetRowCursor(photos.Schema);
        var getPhoto = cursor.GetGetter<MLImage>(photos.Schema["Synthesized"]);
        Assert.True(cursor.MoveNext());
        MLImage first = null!, second = null!;

        getPhoto(ref first);
        getPhoto(ref second);

        Assert.NotSame(first, second);
        var pixels = first.Pixels();
        first.Dispose();
        Assert.Equal(pixels, second.Pixels());
        Assert.Equal(1, source.Reads["Labels"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    public void A_bad_row_is_told_at_that_row_and_the_others_are_painted(int size)
    {
        using var folder = new TemporaryFolder();
        PngWriter.Write(folder["odd.png"], 32, 24, PngWriter.Gray, [.. Enumerable.Repeat((byte)77, 32 * 24)]);
        var files = Samples.WriteFiles(folder, 9);
        var expected = files.Select(row => row.LabelPath).ToList();
        files.Insert(5, new Files { LabelPath = "odd.png" });
        files.Insert(6, new Files { LabelPath = "missing.png" });
        var rows = model.MLContext.Data.LoadFromEnumerable(files);
        _transformer.ScoringBatchSize = size;
        var photos = _transformer.Transform(model.MLContext.Transforms.LoadImages("Labels", folder.Path, "LabelPath").Fit(rows).Transform(rows));

        var errors = new List<string>();
        var painted = new List<string>();
        using var cursor = photos.GetRowCursor(photos.Schema);
        var getPhoto = cursor.GetGetter<MLImage>(photos.Schema["Synthesized"]);
        var getPath = cursor.GetGetter<ReadOnlyMemory<char>>(photos.Schema["LabelPath"]);
        ReadOnlyMemory<char> path = default;
        while (cursor.MoveNext())
        {
            MLImage photo = null!;
            getPath(ref path);
            if (Record.Exception(() => getPhoto(ref photo)) is { } error)
            {
                errors.Add(Assert.IsType<InvalidOperationException>(error).Message);
                continue;
            }

            painted.Add(path.ToString());
            photo.Dispose();
        }

        Assert.Equal(expected, painted);
        Assert.Equal(2, errors.Count);
        Assert.StartsWith("row 5, column 'Labels'", errors[0]);
        Assert.Contains("odd.png", errors[0]);
        Assert.StartsWith("row 6, column 'Labels'", errors[1]);
        Assert.Contains("missing.png", errors[1]);
    }

    [Fact]
    public void Data_that_can_be_read_only_once_is_read_once()
    {
        var queue = new Queue<Scene>(Samples.Scenes(7));
        IEnumerable<Scene> Once()
        {
            while (queue.TryDequeue(out var scene))
                yield return scene;
        }

        var photos = _transformer.Transform(model.MLContext.Data.LoadFromEnumerable(Once()));
        var list = model.MLContext.Data.CreateEnumerable<Synthesis>(photos, reuseRowObject: false).ToList();

        Assert.Equal(Samples.Scenes(7).Select(scene => scene.Number), list.Select(row => row.Number));
        Assert.Equal(Samples.ReadPhotos(_transformer.Transform(model.Scenes(7))), list.Select(row => row.Synthesized!.Pixels()));
    }

    [Fact]
    public void Data_that_changes_its_order_is_found_out()
    {
        var photos = _transformer.Transform(new Unsteady(Shufflable(9)));

        var error = Assert.Throws<InvalidOperationException>(() => RowValues.Read(photos));

        Assert.Contains("two cursors different rows", error.Message);
        Assert.Contains("ScoringBatchSize = 1", error.Message);
        _transformer.ScoringBatchSize = 1;
        Assert.Equal(9, RowValues.Read(_transformer.Transform(new Unsteady(Shufflable(9)))).Count);
    }

    [Fact]
    public void Data_that_loses_rows_meanwhile_is_found_out()
    {
        var scenes = Samples.Scenes(9);
        var photos = _transformer.Transform(ShufflableRows.From(model.MLContext, scenes));
        using var reader = new RowReader(photos, [.. photos.Schema]);
        Assert.NotNull(reader.Next());
        Assert.NotNull(reader.Next());

        scenes.RemoveRange(2, 7);

        var error = Assert.Throws<InvalidOperationException>(reader.Next);
        Assert.Contains("one had 2 rows, the other more", error.Message);
    }

    [Fact]
    public void A_cursor_that_cannot_be_opened_leaves_none_open()
    {
        var source = new WatchedView(model.Scenes()) { Broken = "Labels" };
        var photos = _transformer.Transform(source);

        Assert.Throws<IOException>(() => photos.GetRowCursor([photos.Schema["Synthesized"], photos.Schema["Number"]]));

        Assert.Equal([["Number"]], source.Cursors);
        Assert.Equal(0, source.Open);
    }

    [Fact]
    public void Photos_painted_ahead_are_gone_with_the_transformer()
    {
        var photos = _transformer.Transform(model.Scenes(9));
        using var cursor = photos.GetRowCursor(photos.Schema);
        var getPhoto = cursor.GetGetter<MLImage>(photos.Schema["Synthesized"]);
        MLImage photo = null!;
        Assert.True(cursor.MoveNext());
        getPhoto(ref photo);
        Assert.True(cursor.MoveNext());
        getPhoto(ref photo);
        var pixels = photo.Pixels();

        _transformer.Dispose();

        Assert.True(cursor.MoveNext());
        Assert.Throws<ObjectDisposedException>(() => getPhoto(ref photo));
        Assert.Equal(pixels, photo.Pixels());
    }

    [Fact]
    public void There_is_no_photo_before_the_first_row_and_behind_the_last()
    {
        var photos = _transformer.Transform(model.Scenes(2));
        using var cursor = photos.GetRowCursor(photos.Schema);
        var getPhoto = cursor.GetGetter<MLImage>(photos.Schema["Synthesized"]);
        MLImage photo = null!;

        Assert.ThrowsAny<Exception>(() => getPhoto(ref photo));
        while (cursor.MoveNext())
            getPhoto(ref photo);
        Assert.ThrowsAny<Exception>(() => getPhoto(ref photo));
    }

    [Fact]
    public void The_size_is_an_option_that_is_not_saved()
    {
        var options = Samples.TinyOptions();
        options.ScoringBatchSize = 2;
        using var trained = Samples.Train(options);
        using var stream = new MemoryStream();
        var mlContext = new MLContext();

        mlContext.Model.Save(trained, null, stream);
        stream.Position = 0;
        using var loaded = (SynthesizeFromLabelsTransformer)mlContext.Model.Load(stream, out _);

        Assert.Equal(2, trained.ScoringBatchSize);
        Assert.Equal(new SynthesizeFromLabelsEstimator.Options().ScoringBatchSize, loaded.ScoringBatchSize);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-4)]
    [InlineData(SynthesizeFromLabelsTransformer.LargestScoringBatchSize + 1)]
    public void A_size_out_of_range_is_refused(int size)
    {
        var options = Samples.TinyOptions();
        options.ScoringBatchSize = size;

        var refused = Assert.Throws<ArgumentOutOfRangeException>(() => model.MLContext.Transforms.SynthesizeFromLabels(options));
        Assert.Contains("ScoringBatchSize must be from 1 to 15", refused.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => _transformer.ScoringBatchSize = size);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Columns_of_any_type_pass_through(int size)
    {
        var rows = ShufflableRows.From(model.MLContext, Enumerable.Range(0, 9).Select(i => new Anything
        {
            Flag = i % 2 == 0,
            Byte = (byte)(200 + i),
            Long = -1L << i,
            Double = i == 3 ? double.NaN : 1.0 / (i + 1),
            Time = new DateTime(2017, 10, 22).AddHours(i),
            Span = TimeSpan.FromSeconds(i),
            Key = (uint)(i % 5),
            Ragged = [.. Enumerable.Range(0, i % 4).Select(j => i + j / 2f)],
            Labels = Samples.Labels(i),
        }).ToList());
        _transformer.ScoringBatchSize = size;
        var photos = _transformer.Transform(rows);
        var passing = photos.Schema.Take(rows.Schema.Count).ToArray();

        Assert.Equal(rows.Schema.Select(column => (column.Name, column.Type)), passing.Select(column => (column.Name, column.Type)));
        Assert.Equal(RowValues.Read(rows), RowValues.Read(photos).Select(row => row.Only(passing)));
        Assert.Equal(RowValues.Read(rows, [.. rows.Schema], new Random(5)).Count, RowValues.Read(photos, [.. photos.Schema], new Random(5)).Intersect(RowValues.Read(photos)).Count());
    }

    private sealed class Anything
    {
        public bool Flag { get; set; }

        public byte Byte { get; set; }

        public long Long { get; set; }

        public double Double { get; set; }

        public DateTime Time { get; set; }

        public TimeSpan Span { get; set; }

        [KeyType(5)]
        public uint Key { get; set; }

        public float[] Ragged { get; set; } = [];

        [ImageType(Samples.Height, Samples.Width)]
        public MLImage? Labels { get; set; }
    }

    private IDataView Shufflable(int count) => ShufflableRows.From(model.MLContext, Samples.Scenes(count));

    /// <summary>Gives each cursor another order, whatever is asked for.</summary>
    private sealed class Unsteady(IDataView source) : IDataView
    {
        private int _cursors;

        public DataViewSchema Schema => source.Schema;

        public bool CanShuffle => true;

        public long? GetRowCount() => source.GetRowCount();

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
            => source.GetRowCursor(columnsNeeded, new Random(_cursors++));

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
            => [GetRowCursor(columnsNeeded, rand)];
    }
}
