// Paints the label maps of a folder, or every COUNT-th of them beginning with INDEX: what `crn synthesize` does, as an IDataView.
// Rows are found, painted and written one after the other, so that memory is the same for ten maps and for ten million.
//   dotnet run -c Release --project samples/BatchScoring -- model.zip LABELS_FOLDER OUTPUT_FOLDER [INDEX COUNT]
using System.Globalization;
using CrnMlNet;
using Microsoft.ML;
using Microsoft.ML.Data;

if (args is not [var modelPath, var labels, var output, .. var shard] || shard.Length is not (0 or 2))
{
    Console.Error.WriteLine("usage: BatchScoring model.zip LABELS_FOLDER OUTPUT_FOLDER [INDEX COUNT]");
    return 2;
}

var (index, count) = shard is [var first, var second] ? (int.Parse(first, CultureInfo.InvariantCulture), int.Parse(second, CultureInfo.InvariantCulture)) : (0, 1);
Directory.CreateDirectory(output);

// The source: paths, while they are asked for. Which are a shard's follows from their order, so the folder must stay as it is until all
// shards are done. What has a photo is done, because photos appear whole or not at all; delete what is to be painted again.
var rows = Directory.EnumerateFiles(labels, "*.png").Order(StringComparer.Ordinal)
    .Where((_, row) => row % count == index)
    .Where(path => !File.Exists(PhotoOf(path)))
    .Select(path => new LabelFile { Path = path });

// The transformer. A text column with paths of label files will do for labels, whatever the model learned from.
var mlContext = new MLContext();
var model = mlContext.Model.Load(modelPath, out _);
using var network = model as SynthesizeFromLabelsTransformer ?? ((IEnumerable<ITransformer>)model).OfType<SynthesizeFromLabelsTransformer>().Single();
var data = mlContext.Data.LoadFromEnumerable(rows);
var photos = network.Transform(mlContext.Transforms.CopyColumns(network.InputColumnName, nameof(LabelFile.Path)).Fit(data).Transform(data));

// The sink: while the next photo is painted, the one before is written.
long painted = 0, failed = 0;
var (pathColumn, photoColumn) = (photos.Schema[nameof(LabelFile.Path)], photos.Schema[network.OutputColumnName]);
using var cursor = photos.GetRowCursor([pathColumn, photoColumn]);
var getPath = cursor.GetGetter<ReadOnlyMemory<char>>(pathColumn);
var getPhoto = cursor.GetGetter<MLImage>(photoColumn);
var writing = Task.CompletedTask;
while (cursor.MoveNext())
{
    ReadOnlyMemory<char> path = default;
    MLImage photo = null!;
    getPath(ref path);
    try
    {
        getPhoto(ref photo);
    }
    catch (InvalidOperationException e)
    {
        // A map that cannot be read is listed, and the cursor goes on to the next row.
        File.AppendAllText(Path.Combine(output, $"failures.{index}-of-{count}.txt"), $"{path}: {e.Message}\n");
        failed++;
        continue;
    }

    await writing;
    var file = PhotoOf(path.ToString());
    writing = Task.Run(() =>
    {
        using (photo)
            ImageFile.Save(photo, file);
    });
    painted++;
}

await writing;
Console.WriteLine($"Painted {painted} photos into {output}; {failed} label maps failed");
return failed == 0 ? 0 : 1;

string PhotoOf(string path) => Path.Combine(output, Path.GetFileName(path));

/// <summary>A row to score.</summary>
internal sealed class LabelFile
{
    public string Path { get; set; } = "";
}
