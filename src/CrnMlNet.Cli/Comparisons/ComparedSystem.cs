using System.Text.Json;
using System.Text.Json.Nodes;

namespace CrnMlNet.Cli.Comparisons;

/// <summary>What a system's training cost.</summary>
/// <param name="Parameters">Numbers in the network.</param>
/// <param name="Steps">Training steps done.</param>
/// <param name="TrainingSeconds">Time that they took.</param>
/// <param name="PeakBytes">The most memory that training held.</param>
/// <param name="ModelBytes">The model file's size.</param>
/// <param name="SecondsPerLayout">Median time to paint a layout, all its photos.</param>
/// <param name="LossByEpoch">The mean loss of each epoch; of different objectives not to be compared.</param>
/// <param name="Objective">What it minimized.</param>
internal sealed record SystemCost(
    long Parameters, long Steps, double TrainingSeconds, long PeakBytes, long ModelBytes, double SecondsPerLayout, IReadOnlyList<double> LossByEpoch, string Objective);

/// <summary>Why a system has no result.</summary>
/// <param name="ExitCode">Of the command that failed.</param>
/// <param name="Reason">Its last word.</param>
internal sealed record SystemFailure(int ExitCode, string Reason);

/// <summary>The folder of one system: its model, its photos of the layouts, what was measured, what it cost, or why it failed.</summary>
internal sealed class ComparedSystem(string comparisonFolder, string recipe)
{
    public Recipe Recipe { get; } = Recipe.Parse(recipe);

    public string Folder { get; } = Path.Combine(comparisonFolder, recipe);

    public string ModelPath => Path.Combine(Folder, "model.zip");

    public string LogPath => Path.Combine(Folder, "log.txt");

    public string PhotosFolder => Path.Combine(Folder, "photos");

    public string TrainedPath => Path.Combine(Folder, "trained.json");

    public string EvaluationPath => Path.Combine(Folder, "evaluation.json");

    public string CostPath => Path.Combine(Folder, "cost.json");

    public string FailurePath => Path.Combine(Folder, "failure.json");

    public SystemCost? Cost => Read<SystemCost>(CostPath);

    public SystemFailure? Failure => Read<SystemFailure>(FailurePath);

    /// <summary>What <c>crn evaluate --json</c> wrote.</summary>
    public JsonNode? Evaluation => File.Exists(EvaluationPath) ? JsonNode.Parse(File.ReadAllText(EvaluationPath)) : null;

    /// <summary>The photos of a layout, the first one first.</summary>
    public IReadOnlyList<string> PhotosOf(string layout)
    {
        var photos = new List<string>();
        for (string path = PhotoPath(layout, 0); File.Exists(path); path = PhotoPath(layout, photos.Count))
            photos.Add(path);
        return photos;
    }

    public string PhotoPath(string layout, int image) => Path.Combine(PhotosFolder, PhotoNames.File(layout, image));

    private static T? Read<T>(string path) where T : class => File.Exists(path) ? JsonSerializer.Deserialize<T>(File.ReadAllText(path), ScriptJson.Options) : null;
}
