// Paints photos with an exported model in a stock ML.NET pipeline: neither CrnMlNet nor TorchSharp is referenced.
//   crn export model.zip model.onnx
//   dotnet run --project samples/OnnxScoring -- model.onnx LABELS_FOLDER OUTPUT_FOLDER
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Transforms.Image;

if (args is not [var model, var labels, var output])
{
    Console.Error.WriteLine("usage: OnnxScoring MODEL.onnx LABELS_FOLDER OUTPUT_FOLDER");
    return 2;
}

// The model tells which size it paints.
int height, width;
using (var session = new InferenceSession(model))
{
    var metadata = session.ModelMetadata.CustomMetadataMap;
    height = int.Parse(metadata["height"], CultureInfo.InvariantCulture);
    width = int.Parse(metadata["width"], CultureInfo.InvariantCulture);
}

var mlContext = new MLContext();
var files = Directory.GetFiles(labels, "*.png").Order(StringComparer.Ordinal).Select(path => new LabelFile { Path = Path.GetFullPath(path) }).ToList();
var data = mlContext.Data.LoadFromEnumerable(files);
var pipeline = mlContext.Transforms.LoadImages("Labels", imageFolder: "", nameof(LabelFile.Path))
    // Fill is the one way in which ML.NET resizes by nearest neighbour: ids must not be mixed.
    .Append(mlContext.Transforms.ResizeImages("Resized", width, height, "Labels", ImageResizingEstimator.ResizingKind.Fill))
    // In an index image all three colours are the id.
    .Append(mlContext.Transforms.ExtractPixels("ids", "Resized", ImagePixelExtractingEstimator.ColorBits.Red, outputAsFloatArray: false))
    .Append(mlContext.Transforms.ApplyOnnxModel("photo", "ids", model))
    .Append(mlContext.Transforms.ConvertToImage(height, width, "Image", "photo", interleavedColors: false));
using var fitted = pipeline.Fit(data);

Directory.CreateDirectory(output);
var photos = fitted.Transform(data);
foreach (var (file, image) in files.Zip(photos.GetColumn<MLImage>("Image")))
{
    image.Save(Path.Combine(output, Path.GetFileName(file.Path)));
    image.Dispose();
}

Console.WriteLine($"Painted {files.Count} photos of {width}x{height} into {output}");
return 0;

/// <summary>A row to score: an index label image, whose gray values are the palette's ids.</summary>
internal sealed class LabelFile
{
    public string Path { get; set; } = "";
}
