using CrnMlNet;
using Microsoft.ML;
using QuickStart;

namespace PaintToPhoto;

/// <summary>
/// The sample's own model, of the quick start's street scenes. As the paper's authors did, it is trained at a small size first and then
/// grown: the small network goes on as the one that paints previews.
/// </summary>
/// <param name="folder">Where scenes and models are kept.</param>
/// <param name="scenes">How many scenes to learn from.</param>
/// <param name="epochs">How often each is seen at the small size.</param>
internal sealed class StreetModel(string folder, int scenes, int epochs)
{
    private const int Height = 128, Width = 256, ExampleScenes = 8;

    public string ModelPath => Path.Combine(folder, "model.zip");

    public string PreviewModelPath => Path.Combine(folder, "preview.zip");

    /// <summary>Label images of scenes that are not learned from.</summary>
    public string ExamplesFolder => Path.Combine(ExampleData, "labels");

    public bool IsTrained => File.Exists(ModelPath);

    private string ExampleData => Path.Combine(folder, "examples");

    /// <summary>Trains what is not there yet. What was begun in an earlier process is continued.</summary>
    /// <param name="tell">Is told of what is being done.</param>
    /// <param name="stop">Ends it; a checkpoint is kept.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> was cancelled.</exception>
    public void Train(Action<TrainingNews> tell, CancellationToken stop)
    {
        tell(new TrainingNews("Drawing street scenes to learn from", 0, TimeSpan.Zero, null));
        StreetScenes.Draw(ExampleData, ExampleScenes, Height, Width, seed: 2);
        if (!File.Exists(PreviewModelPath))
            Train(PreviewModelPath, "Step 1 of 2: learning to paint previews", 2, epochs, begin: null, tell, stop);
        Train(ModelPath, "Step 2 of 2: learning to paint photos", 1, Math.Max(1, epochs / 2), PreviewModelPath, tell, stop);
    }

    private void Train(string path, string what, int shrink, int times, string? begin, Action<TrainingNews> tell, CancellationToken stop)
    {
        string data = Path.Combine(folder, $"scenes-{Height / shrink}x{Width / shrink}");
        StreetScenes.Draw(data, scenes, Height / shrink, Width / shrink);
        stop.ThrowIfCancellationRequested();

        using var example = ImageFile.Load(Path.Combine(ExamplesFolder, "000.png"));
        long told = 0;
        var mlContext = new MLContext(seed: 1);
        var pairs = mlContext.Data.LoadFromEnumerable(
            Enumerable.Range(0, scenes).Select(i => new Pair { LabelPath = $"labels/{i:D3}.png", PhotoPath = $"photos/{i:D3}.png" }));
        var images = mlContext.Transforms.LoadImages("Labels", data, nameof(Pair.LabelPath))
            .Append(mlContext.Transforms.LoadImages("Photo", data, nameof(Pair.PhotoPath)))
            .Fit(pairs).Transform(pairs);
        using var model = mlContext.Transforms.SynthesizeFromLabels(new SynthesizeFromLabelsEstimator.Options
        {
            Palette = LabelPalette.Load(Path.Combine(data, "palette.json")),
            Height = Height / shrink,
            Width = Width / shrink,
            WidthFactor = 1.0 / 16,
            Epochs = times,
            WarmStartModelPath = begin,
            CheckpointFolder = path + ".checkpoints",
            CheckpointInterval = TimeSpan.FromSeconds(30),
            CancellationToken = stop,
            OnCancellation = CancellationPolicy.Throw,
            Progress = Report,
        }).Fit(images);
        mlContext.Model.Save(model, null, path + ".tmp");
        File.Move(path + ".tmp", path, overwrite: true);

        void Report(SynthesisProgress progress)
        {
            var training = progress.Training;
            bool last = training.Step == training.Steps;
            // Twice a second, and a picture of how far it has come with it.
            if (!last && Environment.TickCount64 - told < 500)
                return;
            told = Environment.TickCount64;
            using var picture = progress.Preview(example);
            tell(new TrainingNews(what, (double)training.Step / training.Steps, training.Remaining, Painter.Png([picture])));
        }
    }

    private sealed class Pair
    {
        public string LabelPath { get; set; } = "";

        public string PhotoPath { get; set; } = "";
    }
}

/// <summary>How far a training has come.</summary>
/// <param name="What">What is being done, for people.</param>
/// <param name="Done">The share of it that is done, 0 to 1.</param>
/// <param name="Remaining">How long it will take still.</param>
/// <param name="Picture">A PNG of what the network paints by now; null: nothing yet.</param>
internal sealed record TrainingNews(string What, double Done, TimeSpan Remaining, byte[]? Picture);
