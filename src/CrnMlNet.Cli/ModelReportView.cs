using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using CrnMlNet.Torch.Networks;
using Spectre.Console;
using static System.FormattableString;

namespace CrnMlNet.Cli;

/// <summary>Shows what a model is and how it was trained.</summary>
internal static class ModelReportView
{
    private const int MostEpochs = 20;

    public static void Write(SynthesizeFromLabelsTransformer model, string path)
    {
        var (network, training) = (model.Architecture, model.Training);
        Line("Model", path);
        Line("Paints", Invariant($"photos of {network.Height}x{network.Width} from column '{model.InputColumnName}' into '{model.OutputColumnName}'"));
        Line("Recipe", $"{training.Recipe}: {training.Objective}");
        Line("Network", string.Join(", ", Network(network, training)));
        Line("Palette", $"{model.Palette}: {string.Join(", ", model.Palette.Classes.Select(label => $"{label.Id} {label.Name}"))}");
        Line("Training", string.Join(", ", Training(training)));
        Line("Photos", training.PhotoPreprocessing == PhotoPreprocessing.Vivid ? "in vivid tones" : "as they are");
        if (training.WarmStart is { } start)
            Line("Started from", start);
        Line("Perception", training.Perception);
        AnsiConsole.Write(LayerWeights(training));
        if (training.LossByEpoch.Count > 0)
            AnsiConsole.Write(Losses(training));
    }

    public static string ToJson(SynthesizeFromLabelsTransformer model) => JsonSerializer.Serialize(
        new
        {
            InputColumn = model.InputColumnName,
            OutputColumn = model.OutputColumnName,
            Network = model.Architecture,
            Parameters = model.Architecture.ParameterCount(),
            Palette = JsonNode.Parse(model.Palette.ToJson()),
            model.Training,
        },
        ScriptJson.Options);

    private static void Line(string name, string text) => Console.WriteLine($"{name,-14}{text}");

    private static IEnumerable<string> Network(SynthesisArchitecture network, TrainingRecord training)
    {
        yield return network.Kind.ToString();
        yield return Invariant($"{network.ParameterCount():N0} parameters");
        yield return Invariant($"width factor {network.WidthFactor}");
        yield return Invariant($"{network.NoiseChannels} noise channels{(training.NoiseSamples > 0 ? $" of {training.NoiseSamples} samples" : "")}");
        yield return Invariant($"{network.ImagesPerLayout} image(s) per layout");
        if (network is CrnArchitecture { Modulation: var modulation and not Modulation.None })
            yield return $"modulated by {modulation}";
    }

    private static IEnumerable<string> Training(TrainingRecord training)
    {
        yield return Invariant($"{training.Pairs:N0} pairs");
        yield return Invariant($"{training.Steps:N0} steps of {training.BatchSize}");
        yield return ProgressView.Clock(TimeSpan.FromSeconds(training.Seconds));
        yield return Invariant($"learning rate {training.LearningRate}")
            + (training.LearningRateDecay > 0 ? Invariant($" that fell over the last {100 * training.LearningRateDecay:0.#}%") : "");
        if (training.AverageDecay > 0)
            yield return Invariant($"weights averaged by {training.AverageDecay}");
        yield return $"seed {training.Seed}";
        if (training.Mirror)
            yield return "mirrored";
        if (training.Stopped)
            yield return "stopped before its end";
    }

    private static Table LayerWeights(TrainingRecord training)
    {
        var table = new Table().AddColumns("Layer", "Weight");
        foreach (var (layer, weight) in training.LayerWeights)
            table.AddRow(Markup.Escape(layer), weight.ToString("G5", CultureInfo.InvariantCulture));
        return table;
    }

    private static Table Losses(TrainingRecord training)
    {
        var table = new Table().AddColumns("Epoch", "Loss", "Validation loss");
        for (int i = Math.Max(0, training.LossByEpoch.Count - MostEpochs); i < training.LossByEpoch.Count; i++)
        {
            table.AddRow(
                $"{i + 1}{(training.BestEpoch == i + 1 ? ", the model's" : "")}",
                Invariant($"{training.LossByEpoch[i]:0.000}"),
                i < training.ValidationLossByEpoch.Count ? Invariant($"{training.ValidationLossByEpoch[i]:0.000}") : "");
        }

        if (training.LossByEpoch.Count > MostEpochs)
            table.Caption = new TableTitle($"the last {MostEpochs} epochs; --json has all");
        return table;
    }
}
