using System.Reflection;
using CrnMlNet.Persistence;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Microsoft.ML.SchemaShape.Column;

namespace CrnMlNet.Tests.Persistence;

public class MLNetInternalsTests
{
    private static readonly MLContext MLContext = new(seed: 7);

    [Fact]
    public void The_environment_of_a_catalog_is_that_of_its_context()
    {
        var mlContext = new MLContext(seed: 11) { GpuDeviceId = 3, FallbackToCpu = false, TempFilePath = Path.Combine(Path.GetTempPath(), "crn") };

        var env = MLNetInternals.GetEnvironment(mlContext.Transforms);

        Assert.Equal(11, MLNetInternals.Seed(env));
        Assert.Equal(3, MLNetInternals.GpuDeviceId(env));
        Assert.False(MLNetInternals.FallbackToCpu(env));
        Assert.Equal(mlContext.TempFilePath, MLNetInternals.TempFilePath(env));
    }

    [Fact]
    public void A_context_without_choices_has_ML_NETs_defaults()
    {
        var mlContext = new MLContext();

        var env = MLNetInternals.GetEnvironment(mlContext.Transforms);

        Assert.Null(MLNetInternals.Seed(env));
        Assert.Null(MLNetInternals.GpuDeviceId(env));
        Assert.Equal(mlContext.FallbackToCpu, MLNetInternals.FallbackToCpu(env));
        Assert.Equal(Path.GetTempPath(), MLNetInternals.TempFilePath(env));
    }

    [Fact]
    public void A_registered_host_keeps_what_the_user_chose()
    {
        var mlContext = new MLContext(seed: 11) { GpuDeviceId = 3, FallbackToCpu = false };

        var host = MLNetInternals.GetEnvironment(mlContext.Transforms).Register("Synthesize");

        Assert.Equal(3, MLNetInternals.GpuDeviceId(host));
        Assert.False(MLNetInternals.FallbackToCpu(host));
    }

    [Fact]
    public void Messages_sent_through_the_environment_reach_the_log_of_the_context()
    {
        var mlContext = new MLContext();
        var messages = new List<string>();
        mlContext.Log += (_, e) => messages.Add(e.RawMessage);

        using (var channel = MLNetInternals.GetEnvironment(mlContext.Transforms).Register("Synthesize").Start("Fit"))
            channel.Info(MessageSensitivity.None, "epoch 1");

        Assert.Contains("epoch 1", messages);
    }

    [Fact]
    public void No_catalog_is_an_argument_error()
        => Assert.Throws<ArgumentNullException>(() => MLNetInternals.GetEnvironment((TransformsCatalog)null!));

    [Fact]
    public void Cancelling_the_context_stops_its_hosts()
    {
        var mlContext = new MLContext();
        var host = MLNetInternals.GetEnvironment(mlContext.Transforms).Register("Synthesize");
        MLNetInternals.CheckAlive(host);

        // Internal to ML.NET: AutoML calls it when a trial is to end.
        typeof(MLContext).GetMethod("CancelExecution", BindingFlags.Instance | BindingFlags.NonPublic)!.Invoke(mlContext, null);

        Assert.Throws<OperationCanceledException>(() => MLNetInternals.CheckAlive(host));
    }

    [Fact]
    public void A_shape_has_the_columns_of_the_schema()
    {
        var rows = MLContext.Data.LoadFromEnumerable([new Row { Path = "a.png", Sizes = [1, 2, 3] }]);
        var data = MLContext.Transforms.Conversion.MapValueToKey("Key", "Path").Fit(rows).Transform(rows);

        var shape = MLNetInternals.CreateShape(data.Schema);

        Assert.True(MLNetInternals.TryFindColumn(shape, "Path", out var path));
        Assert.Equal((VectorKind.Scalar, (DataViewType)TextDataViewType.Instance, false), (path.Kind, path.ItemType, path.IsKey));
        Assert.True(MLNetInternals.TryFindColumn(shape, "Sizes", out var sizes));
        Assert.Equal((VectorKind.Vector, (DataViewType)NumberDataViewType.Int32, false), (sizes.Kind, sizes.ItemType, sizes.IsKey));
        Assert.True(MLNetInternals.TryFindColumn(shape, "Key", out var key));
        Assert.Equal((VectorKind.Scalar, (DataViewType)NumberDataViewType.UInt32, true), (key.Kind, key.ItemType, key.IsKey));
        Assert.Contains(key.Annotations, c => c.Name == "KeyValues");
        Assert.False(MLNetInternals.TryFindColumn(shape, "Photo", out _));
    }

    [Fact]
    public void A_made_column_says_what_it_was_made_of()
    {
        var names = MLNetInternals.CreateColumn("KeyValues", VectorKind.Vector, TextDataViewType.Instance);

        var column = MLNetInternals.CreateColumn("Labels", VectorKind.Vector, NumberDataViewType.UInt32, isKey: true, new SchemaShape([names]));

        Assert.Equal(("Labels", VectorKind.Vector, true), (column.Name, column.Kind, column.IsKey));
        Assert.Equal("KeyValues", Assert.Single(column.Annotations).Name);
        Assert.Equal("Vector<Key<UInt32>>", MLNetInternals.TypeString(column));
    }

    [Fact]
    public void Schema_mismatches_read_as_those_of_ML_NET_do()
    {
        var empty = MLContext.Data.LoadFromEnumerable([new Empty()]);
        var theirs = Assert.Throws<ArgumentOutOfRangeException>(() => MLContext.Transforms.Conversion.ConvertType("Labels").Fit(empty));
        var env = MLNetInternals.GetEnvironment(MLContext.Transforms);

        var missing = Assert.IsType<ArgumentOutOfRangeException>(MLNetInternals.SchemaMismatch(env, "inputSchema", "input", "Labels"));
        var wrong = MLNetInternals.SchemaMismatch(env, "inputSchema", "label", "Labels", "Image", "Single");

        Assert.Equal(theirs.Message, missing.Message);
        Assert.Equal(theirs.Data.Contains("ML_IsMarked"), missing.Data.Contains("ML_IsMarked"));
        Assert.StartsWith("Schema mismatch for label column 'Labels': expected Image, got Single", wrong.Message);
    }

    private sealed class Row
    {
        public string Path { get; set; } = "";

        [VectorType(3)]
        public int[] Sizes { get; set; } = [];
    }

    private sealed class Empty
    {
        public float Nothing { get; set; }
    }
}
