using CrnMlNet;
using CrnMlNet.Data;
using CrnMlNet.Evaluation;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AutoSynthesis;

/// <summary>Trains the network with a trial's settings, and measures how far its photos of other layouts are from the real ones.</summary>
/// <param name="options">All that is not tuned; a new object at each call.</param>
/// <param name="training">Pairs to learn from.</param>
/// <param name="validation">Pairs to measure on.</param>
/// <param name="folder">Where candidates' checkpoints are kept, so that a longer trial goes on where a shorter one ended.</param>
public sealed class SynthesisRunner(
    Func<SynthesizeFromLabelsEstimator.Options> options, IReadOnlyList<LabelPhotoPair> training, IReadOnlyList<LabelPhotoPair> validation, string folder) : ITrialRunner
{
    private static readonly EvaluationOptions Nearest = new() { Measures = Measures.SlicedWasserstein | Measures.Ssim | Measures.Psnr, Resamples = 0 };

    /// <inheritdoc/>
    public string Subject { get; } = Describe(options(), training.Count);

    /// <inheritdoc/>
    public ITrial Run(TrialSettings settings, CancellationToken cancellation)
    {
        var mlContext = new MLContext(seed: 1);
        var tuned = settings.Parameter.ApplyTo(options());
        tuned.Epochs = settings.Epochs;
        tuned.CheckpointFolder = FolderOf(settings.Candidate);
        tuned.KeepCheckpoint = true;
        tuned.CancellationToken = cancellation;
        tuned.OnCancellation = CancellationPolicy.Throw;
        var model = mlContext.Transforms.SynthesizeFromLabels(tuned).Fit(Load(mlContext));
        return new Trial(mlContext, model, Measure(model, validation).SlicedWasserstein);
    }

    /// <inheritdoc/>
    public void Drop(int candidate)
    {
        if (Directory.Exists(FolderOf(candidate)))
            Directory.Delete(FolderOf(candidate), recursive: true);
    }

    /// <summary>Measures a model's photos of some layouts against the real ones.</summary>
    public static Nearness Measure(SynthesizeFromLabelsTransformer model, IEnumerable<LabelPhotoPair> pairs)
        => SynthesisEvaluation.Of(model, RealPairs.For(model, pairs), Nearest).Synthesized;

    private static string Describe(SynthesizeFromLabelsEstimator.Options options, int pairs)
        => FormattableString.Invariant($"{options.Recipe} at {options.Height}x{options.Width}, width {options.WidthFactor:0.####}, on {pairs} pairs");

    private IDataView Load(MLContext mlContext)
    {
        var files = mlContext.Data.LoadFromEnumerable(training.Select(pair => new Row { Labels = pair.LabelPath, PhotoPath = pair.PhotoPath }));
        return mlContext.Transforms.LoadImages("Photo", imageFolder: "", "PhotoPath").Fit(files).Transform(files);
    }

    private string FolderOf(int candidate) => Path.Combine(folder, $"candidate-{candidate}");

    private sealed class Row
    {
        public string Labels { get; set; } = "";

        public string PhotoPath { get; set; } = "";
    }

    private sealed class Trial(MLContext mlContext, SynthesizeFromLabelsTransformer model, double loss) : ITrial
    {
        public double Loss => loss;

        public void Save(string path)
        {
            mlContext.Model.Save(model, inputSchema: null, path + ".new");
            File.Move(path + ".new", path, overwrite: true);
        }

        public void Dispose() => model.Dispose();
    }
}
