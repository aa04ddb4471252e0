using CrnMlNet.Persistence;
using CrnMlNet.Tests.Rows;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace CrnMlNet.Tests.Conformance;

/// <summary>
/// What ML.NET checks of its own components (TestDataPipeBase's TestEstimatorCore and CheckSameValues; the contract in
/// docs/code/IDataViewImplementation.md and DataViewRowCursor.md), for any estimator and transformer. Images are compared
/// pixel by pixel, which ML.NET does not. A component's test class derives from this one.
/// </summary>
public abstract class ComponentConformance
{
    /// <summary>The context of everything below.</summary>
    protected abstract MLContext MLContext { get; }

    /// <summary>What <see cref="Estimator"/> makes of <see cref="TrainingData"/>. Stays the derived class's to dispose.</summary>
    protected abstract ITransformer Transformer { get; }

    /// <summary>Data to fit.</summary>
    protected abstract IDataView TrainingData { get; }

    /// <summary>Four rows or more with all that scoring needs and nothing that only training does. It can be shuffled.</summary>
    protected abstract IDataView ScoringData { get; }

    /// <summary>Data whose schema is wrong for training and for scoring.</summary>
    protected abstract IEnumerable<IDataView> InvalidData { get; }

    /// <summary>The columns that the component adds.</summary>
    protected abstract string[] OutputColumns { get; }

    /// <summary>A new estimator.</summary>
    protected abstract IEstimator<ITransformer> Estimator();

    [Fact]
    public void Schemas_are_checked_by_the_estimator_the_transformer_and_the_loaded_transformer()
    {
        using var loaded = SaveAndLoad();
        Estimator().GetOutputSchema(MLNetInternals.CreateShape(TrainingData.Schema));
        foreach (var transformer in new[] { Transformer, loaded.Transformer })
        {
            transformer.GetOutputSchema(ScoringData.Schema);
            transformer.Transform(ScoringData);
        }

        Assert.All(InvalidData, data => Assert.All<Action>(
            [
                () => Estimator().GetOutputSchema(MLNetInternals.CreateShape(data.Schema)),
                () => Estimator().Fit(data),
                () => Transformer.GetOutputSchema(data.Schema),
                () => Transformer.Transform(data),
                () => Transformer.GetRowToRowMapper(data.Schema),
                () => loaded.Transformer.GetOutputSchema(data.Schema),
                () => loaded.Transformer.Transform(data),
                () => loaded.Transformer.GetRowToRowMapper(data.Schema),
            ],
            use => Assert.IsType<ArgumentOutOfRangeException>(Record.Exception(use))));
    }

    [Fact]
    public void Null_is_refused_as_such()
    {
        Assert.Throws<ArgumentNullException>(() => Estimator().GetOutputSchema(null!));
        Assert.Throws<ArgumentNullException>(() => Estimator().Fit(null!));
        Assert.Throws<ArgumentNullException>(() => Transformer.GetOutputSchema(null!));
        Assert.Throws<ArgumentNullException>(() => Transformer.Transform(null!));
        Assert.Throws<ArgumentNullException>(() => Transformer.GetRowToRowMapper(null!));
        var mapper = Transformer.GetRowToRowMapper(ScoringData.Schema);
        Assert.Throws<ArgumentNullException>(() => mapper.GetRow(null!, []));
    }

    [Fact]
    public void What_only_training_needs_is_absent_at_scoring()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Estimator().Fit(ScoringData));
        Assert.NotEmpty(RowValues.Read(Transformer.Transform(ScoringData)));
    }

    [Fact]
    public void What_the_estimator_promises_is_delivered_and_no_more()
    {
        var promised = Estimator().GetOutputSchema(MLNetInternals.CreateShape(TrainingData.Schema));

        var delivered = MLNetInternals.CreateShape(Transformer.Transform(TrainingData).Schema);
        var said = MLNetInternals.CreateShape(Transformer.GetOutputSchema(TrainingData.Schema));

        Assert.Equal(Columns(promised), Columns(delivered));
        Assert.Equal(Columns(promised), Columns(said));
        Assert.Equal(Columns(promised).Select(c => c.Name).Except(TrainingData.Schema.Select(c => c.Name)).Order(), OutputColumns.Except(TrainingData.Schema.Select(c => c.Name)).Order());
    }

    [Fact]
    public void A_saved_and_loaded_transformer_gives_the_same_schema_and_values()
    {
        using var loaded = SaveAndLoad();

        var before = Transformer.Transform(ScoringData);
        var after = loaded.Transformer.Transform(ScoringData);

        Assert.Equal(Columns(MLNetInternals.CreateShape(before.Schema)), Columns(MLNetInternals.CreateShape(after.Schema)));
        Assert.Equal(RowValues.Read(before), RowValues.Read(after));
        // ML.NET saves what it can of the schema, which is no image: dotnet/machinelearning, SaveDataCommand.cs.
        Assert.Equal(
            ScoringData.Schema.Where(column => column.Type is not ImageDataViewType).Select(column => (column.Name, column.Type)),
            loaded.Schema.Select(column => (column.Name, column.Type)));
    }

    [Fact]
    public void The_row_mapper_gives_what_the_data_view_does()
    {
        var data = ScoringData;
        var view = Transformer.Transform(data);
        Assert.True(Transformer.IsRowToRowMapper);

        var mapper = Transformer.GetRowToRowMapper(data.Schema);

        Assert.Same(data.Schema, mapper.InputSchema);
        Assert.Equal(Columns(MLNetInternals.CreateShape(view.Schema)), Columns(MLNetInternals.CreateShape(mapper.OutputSchema)));
        Assert.Equal(RowValues.Read(view), RowValues.ReadByMapper(mapper, data));
        Assert.Empty(mapper.GetDependencies([]));
        Assert.All(data.Schema, column => Assert.Equal([column.Index], mapper.GetDependencies([mapper.OutputSchema[column.Index]]).Select(c => c.Index)));
        var other = InvalidData.First();
        using var foreign = other.GetRowCursor(other.Schema);
        Assert.Throws<ArgumentException>(() => mapper.GetRow(foreign, mapper.OutputSchema));
    }

    [Fact]
    public void Every_subset_of_columns_has_the_values_that_all_together_have()
    {
        var view = Transformer.Transform(ScoringData);
        var all = RowValues.Read(view);

        for (var subset = 0; subset < 1 << view.Schema.Count; subset++)
        {
            var columns = view.Schema.Where(column => (subset >> column.Index & 1) == 1).ToArray();

            var some = RowValues.Read(view, columns);

            Assert.Equal(all.Select(row => row.Only(columns)), some);
        }
    }

    [Fact]
    public void Columns_that_pass_through_are_those_of_the_source()
    {
        var data = ScoringData;
        var view = Transformer.Transform(data);

        Assert.Equal(data.Schema.Select(c => (c.Name, c.Type)), view.Schema.Take(data.Schema.Count).Select(c => (c.Name, c.Type)));
        Assert.Equal(RowValues.Read(data), RowValues.Read(view, [.. view.Schema.Take(data.Schema.Count)]));
        Assert.True(view.GetRowCount() is null || view.GetRowCount() == data.GetRowCount());
    }

    [Fact]
    public void A_cursor_for_each_column_may_be_open_beside_one_for_all()
    {
        var view = Transformer.Transform(ScoringData);
        var all = RowValues.Read(view);

        using var whole = new RowReader(view, [.. view.Schema]);
        var single = view.Schema.Select(column => new RowReader(view, [column])).ToList();
        for (var row = 0; row < all.Count; row++)
        {
            Assert.Equal(all[row], whole.Next());
            foreach (var reader in single)
                Assert.Equal(all[row].Only(reader.Columns), reader.Next());
        }

        Assert.Null(whole.Next());
        Assert.All(single, reader => Assert.Null(reader.Next()));
        single.ForEach(reader => reader.Dispose());
    }

    [Fact]
    public void Several_threads_read_what_one_does()
    {
        var view = Transformer.Transform(ScoringData);
        var expected = RowValues.Read(view);

        var read = new IReadOnlyList<RowValues>[8];
        Parallel.For(0, read.Length, new ParallelOptions { MaxDegreeOfParallelism = read.Length }, i => read[i] = RowValues.Read(view));

        Assert.All(read, actual => Assert.Equal(expected, actual));
    }

    [Fact]
    public void Row_ids_are_unique_and_those_of_the_source()
    {
        var data = ScoringData;

        var ids = RowValues.Read(Transformer.Transform(data), []).Select(row => row.Id).ToList();

        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.Equal(RowValues.Read(data, []).Select(row => row.Id), ids);
    }

    [Fact]
    public void The_same_seed_gives_the_same_order_and_each_row_keeps_its_values()
    {
        var view = Transformer.Transform(ScoringData);
        var inOrder = RowValues.Read(view);
        Assert.True(view.CanShuffle);

        var shuffled = RowValues.Read(view, [.. view.Schema], new Random(7));

        Assert.Equal(shuffled, RowValues.Read(view, [.. view.Schema], new Random(7)));
        Assert.NotEqual(inOrder, shuffled);
        Assert.Equal(inOrder, shuffled.OrderBy(row => inOrder.ToList().FindIndex(r => r.Id.Equals(row.Id))));
        foreach (var column in view.Schema)
            Assert.Equal(shuffled.Select(row => row.Only([column])), RowValues.Read(view, [column], new Random(7)));
    }

    [Fact]
    public void What_cannot_be_shuffled_stays_in_order()
    {
        var view = Transformer.Transform(new WatchedView(ScoringData) { CanShuffle = false });

        Assert.False(view.CanShuffle);
        Assert.Equal(RowValues.Read(view), RowValues.Read(view, [.. view.Schema], new Random(7)));
    }

    [Fact]
    public void A_cursor_is_of_its_view_and_begins_and_ends_where_ML_NET_says()
    {
        var view = Transformer.Transform(ScoringData);

        using var cursor = view.GetRowCursor(view.Schema);

        Assert.Same(view.Schema, view.Schema);
        Assert.Same(view.Schema, cursor.Schema);
        Assert.Equal(-1, cursor.Position);
        long rows = 0, batch = 0;
        while (cursor.MoveNext())
        {
            Assert.Equal(rows++, cursor.Position);
            Assert.True(cursor.Batch >= batch);
            batch = cursor.Batch;
        }

        Assert.Equal(RowValues.Read(ScoringData, []).Count, rows);
        Assert.Equal(-1, cursor.Position);
        Assert.False(cursor.MoveNext());
    }

    [Fact]
    public void Only_active_columns_of_the_view_have_getters_and_only_of_their_type()
    {
        var view = Transformer.Transform(ScoringData);
        var wide = MLContext.Data.LoadFromEnumerable([new Wide()]).Schema;
        foreach (var active in view.Schema)
        {
            using var cursor = view.GetRowCursor([active]);

            Assert.All(view.Schema, column => Assert.Equal(column.Index == active.Index, cursor.IsColumnActive(column)));
            Assert.All(view.Schema.Where(column => column.Index != active.Index), column =>
                AssertRefused(() => RowReader.Getter(cursor, column)));
            AssertRefused(() => cursor.GetGetter<Wide>(active));
            Assert.ThrowsAny<ArgumentException>(() => cursor.IsColumnActive(wide[view.Schema.Count]));
            Assert.ThrowsAny<ArgumentException>(() => cursor.GetGetter<int>(wide[view.Schema.Count]));
        }

        static void AssertRefused(Action use)
            => Assert.True(Record.Exception(use) is ArgumentException or InvalidOperationException);
    }

    [Fact]
    public void A_set_of_cursors_goes_over_every_row_once()
    {
        var view = Transformer.Transform(ScoringData);

        var ids = view.GetRowCursorSet(view.Schema, 3).SelectMany(cursor =>
        {
            using var reader = new RowReader(cursor, []);
            return reader.Rest();
        }).Select(row => row.Id);

        Assert.Equal(RowValues.Read(view, []).Select(row => row.Id).ToHashSet(), [.. ids]);
    }

    [Fact]
    public void Nothing_is_read_before_a_value_is_asked_for_and_all_cursors_are_closed()
    {
        var source = new WatchedView(ScoringData);

        var view = Transformer.Transform(source);
        Assert.Empty(source.Cursors);
        using (var cursor = view.GetRowCursor(view.Schema))
        {
            var getters = view.Schema.Select(column => RowReader.Getter(cursor, column)).ToList();
            while (cursor.MoveNext())
            {
            }
        }

        Assert.Empty(source.Reads);
        Assert.Equal(0, source.Open);
        RowValues.Read(view);
        Assert.Equal(0, source.Open);
        using (var cursor = view.GetRowCursor(view.Schema))
            Assert.True(cursor.MoveNext());
        Assert.Equal(0, source.Open);
    }

    [Fact]
    public void Where_no_new_column_is_wanted_nothing_more_is_read_of_the_source()
    {
        var source = new WatchedView(ScoringData);
        var view = Transformer.Transform(source);

        foreach (var column in source.Schema)
        {
            source.Cursors.Clear();
            RowValues.Read(view, [view.Schema[column.Index]]);

            Assert.Equal([[column.Name]], source.Cursors);
        }
    }

    private static List<(string Name, string Type, string Annotations)> Columns(SchemaShape shape)
        => [.. shape.Select(column => (column.Name, TypeOf(column), string.Join("; ", column.Annotations.Select(a => $"{a.Name}: {TypeOf(a)}").Order()))).OrderBy(c => c.Name)];

    private static string TypeOf(SchemaShape.Column column) => $"{column.Kind} {column.ItemType} {(column.IsKey ? "key" : "")}";

    private Loaded SaveAndLoad()
    {
        using var stream = new MemoryStream();
        MLContext.Model.Save(Transformer, ScoringData.Schema, stream);
        stream.Position = 0;
        return new Loaded(new MLContext().Model.Load(stream, out var schema), schema);
    }

    private sealed record Loaded(ITransformer Transformer, DataViewSchema Schema) : IDisposable
    {
        public void Dispose() => (Transformer as IDisposable)?.Dispose();
    }

    private sealed class Wide
    {
        public int A { get; set; }

        public int B { get; set; }

        public int C { get; set; }

        public int D { get; set; }

        public int E { get; set; }

        public int F { get; set; }

        public int G { get; set; }

        public int H { get; set; }
    }
}
