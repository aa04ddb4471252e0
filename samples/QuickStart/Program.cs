using System.Diagnostics;
using CrnMlNet;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using QuickStart;

// Draws a data set, trains on it for less than two minutes on two cores, and saves the model. Then it starts itself a second
// time, as any other program would: that process loads the model and paints layouts that the network has never seen.
const int Height = 96, Width = 128, TrainingScenes = 160, NewScenes = 8;

string folder = Path.GetFullPath(args is ["paint", var given] ? given : args.FirstOrDefault() ?? "quickstart-output");
string trainingFolder = Path.Combine(folder, "training"), newFolder = Path.Combine(folder, "new");
string modelPath = Path.Combine(folder, "model.zip"), sheetPath = Path.Combine(folder, "sheet.png");
if (args is ["paint", _])
    Paint();
else
    Train();

void Train()
{
    Console.WriteLine($"Drawing {TrainingScenes} street scenes to learn from, and {NewScenes} new ones ...");
    StreetScenes.Draw(trainingFolder, TrainingScenes, Height, Width, seed: 1);
    StreetScenes.Draw(newFolder, NewScenes, Height, Width, seed: 2);

    var mlContext = new MLContext(seed: 1);
    var trainingData = mlContext.Data.LoadFromEnumerable(
        Enumerable.Range(0, TrainingScenes).Select(i => new Pair { LabelPath = $"labels/{i:D3}.png", PhotoPath = $"photos/{i:D3}.png" }));

    var pipeline = mlContext.Transforms.LoadImages("Labels", trainingFolder, "LabelPath")
        .Append(mlContext.Transforms.LoadImages("Photo", trainingFolder, "PhotoPath"))
        .Append(mlContext.Transforms.SynthesizeFromLabels(new SynthesizeFromLabelsEstimator.Options
        {
            Palette = LabelPalette.Load(Path.Combine(trainingFolder, "palette.json")),
            Height = Height,
            Width = Width,
            WidthFactor = 1.0 / 16,
            Epochs = 3,
            TimeBudget = TimeSpan.FromSeconds(90),
            LearningRate = 1e-3,
            Progress = ShowProgress,
        }));
    ITransformer model = pipeline.Fit(trainingData);
    Console.WriteLine();

    mlContext.Model.Save(model, trainingData.Schema, modelPath);
    Console.WriteLine($"Saved {modelPath}. A second process loads it and paints new layouts ...");
    using var second = Process.Start(SecondProcess())!;
    second.WaitForExit();
    Environment.ExitCode = second.ExitCode;
}

void Paint()
{
    var mlContext = new MLContext();
    var model = mlContext.Model.Load(modelPath, out _);
    // The saved pipeline loads photos, too, as it did for training; here the network's own part of it is enough.
    var network = ((TransformerChain<ITransformer>)model).OfType<SynthesizeFromLabelsTransformer>().Single();
    var newData = mlContext.Data.LoadFromEnumerable(Enumerable.Range(0, NewScenes).Select(i => new Pair { LabelPath = $"labels/{i:D3}.png" }));
    var labels = mlContext.Transforms.LoadImages("Labels", newFolder, "LabelPath").Fit(newData).Transform(newData);
    MLImage[] painted = [.. mlContext.Data.CreateEnumerable<Painted>(network.Transform(labels), reuseRowObject: false).Select(row => row.Synthesized!)];

    Sheet.Save(sheetPath, network.Palette, newFolder, painted);
    Console.WriteLine($"Look at {sheetPath}: the layout, the photo drawn for it, and what the network paints.");
}

ProcessStartInfo SecondProcess()
{
    // Under `dotnet QuickStart.dll` the process is dotnet's own, and the program its first argument.
    string process = Environment.ProcessPath!, program = typeof(StreetScenes).Assembly.Location;
    return Path.GetFileNameWithoutExtension(process) == "dotnet"
        ? new ProcessStartInfo(process, [program, "paint", folder])
        : new ProcessStartInfo(process, ["paint", folder]);
}

void ShowProgress(SynthesisProgress progress)
{
    var training = progress.Training;
    if (training.Step % 10 == 0 || training.Step == training.Steps)
        Console.Write($"\rTraining: step {training.Step} of {training.Steps}, loss {training.Loss:F1}, {training.ImagesPerSecond:F1} images/s, {training.Remaining:m\\:ss} left   ");
}

internal sealed class Pair
{
    public string LabelPath { get; set; } = "";

    public string PhotoPath { get; set; } = "";
}

internal sealed class Painted
{
    [ImageType(96, 128)]
    public MLImage? Synthesized { get; set; }
}
