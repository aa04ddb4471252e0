using System.Text.Json;
using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Cli.Comparisons;

/// <summary>What is compared, and on what: all that the results depend on. It stands beside them, so that a comparison goes on as it began.</summary>
internal sealed record ComparisonPlan
{
    public const string FileName = "plan.json";

    /// <summary>The systems' names, in the order in which they are trained.</summary>
    public required IReadOnlyList<string> Recipes { get; init; }

    /// <summary>Full paths of the folders to learn from.</summary>
    public required string Labels { get; init; }

    public required string Photos { get; init; }

    /// <summary>Full paths of the folders to measure on.</summary>
    public required string ValidationLabels { get; init; }

    public required string ValidationPhotos { get; init; }

    /// <summary>A built-in palette's name, or a JSON file's full path.</summary>
    public required string Palette { get; init; }

    public required UnknownLabelPolicy UnknownLabels { get; init; }

    public required int Height { get; init; }

    public required int Width { get; init; }

    public required double WidthFactor { get; init; }

    /// <summary>How long each system learns, in seconds; null: until <see cref="Epochs"/> are done.</summary>
    public required double? Seconds { get; init; }

    /// <summary>How often each system sees each pair, at most.</summary>
    public required int Epochs { get; init; }

    public required int SegmenterEpochs { get; init; }

    public required int Seed { get; init; }

    /// <summary>The layouts on the page.</summary>
    public required int Layouts { get; init; }

    /// <summary>Keeps the plan in its folder; where there is one already, it must be the same.</summary>
    /// <exception cref="InvalidOperationException">The folder has results of another plan.</exception>
    public void Settle(string folder)
    {
        string path = Path.Combine(folder, FileName);
        string text = JsonSerializer.Serialize(this, ScriptJson.Options);
        if (File.Exists(path))
        {
            string before = File.ReadAllText(path);
            if (before != text)
                throw new InvalidOperationException(
                    $"'{folder}' has results of another comparison, {Difference(before, text)}. Name another folder, or add --fresh to begin anew.");
            return;
        }
        AtomicFile.Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
    }

    private static string Difference(string before, string now)
    {
        var (there, here) = (Properties(before), Properties(now));
        return here.Keys.FirstOrDefault(name => there.GetValueOrDefault(name) != here[name]) is { } changed
            ? $"in which {changed} was {there.GetValueOrDefault(changed, "unknown")} and not {here[changed]}"
            : "of another version";
    }

    private static Dictionary<string, string> Properties(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.EnumerateObject().ToDictionary(property => property.Name, property => property.Value.GetRawText());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return [];
        }
    }
}
