using System.CommandLine;
using AutoSynthesis;
using CrnMlNet;
using CrnMlNet.Data;
using CrnMlNet.Evaluation;
using Microsoft.ML;
using QuickStart;
using Spectre.Console;

// Looks for settings that paint better photos of a data set than the defaults do: which are tunable stands as attributes at the options'
// properties, and a tuner tries them. What it found is measured on pairs that no trial has seen, beside the defaults.
var data = new Argument<string?>("DIR") { Description = "A folder with 'labels' and 'photos' in it, paired by name. Default: street scenes that are drawn.", Arity = ArgumentArity.ZeroOrOne };
var palette = new Option<string>("--palette") { Description = "A built-in palette's name or a JSON file. Default: DIR/palette.json if it is there, or else camvid." };
var output = new Option<string>("--output", "-o") { Description = "Folder for the best model and the log; the same folder again goes on where it was.", DefaultValueFactory = _ => "autosynthesis-output" };
var recipe = new Option<string>("--recipe") { Description = $"The system to tune: {string.Join(", ", Recipe.All)}.", DefaultValueFactory = _ => Recipe.Default.Name };
var search = new Option<string>("--search") { Description = "'halving': many settings for a few epochs, the better third for three times as many, and so on; or 'random': each for all epochs.", DefaultValueFactory = _ => "halving" };
search.AcceptOnlyFromAmong("halving", "random");
var trials = new Option<int>("--candidates") { Description = "How many settings to try; the first are the defaults.", DefaultValueFactory = _ => 9 };
var epochs = new Option<int>("--epochs") { Description = "How often a candidate sees each pair at most.", DefaultValueFactory = _ => 9 };
var minutes = new Option<double?>("--minutes") { Description = "Ends the search after this time, with the best so far. Default: when all is tried." };
var seed = new Option<int>("--seed") { Description = "The same seed tries the same settings.", DefaultValueFactory = _ => 1 };
var height = new Option<int>("--height") { DefaultValueFactory = _ => 48 };
var width = new Option<int>("--width") { DefaultValueFactory = _ => 64 };
var widthFactor = new Option<double>("--width-factor") { Description = "Factor on the number of feature maps; it is not tuned, as wider networks take longer.", DefaultValueFactory = _ => 1.0 / 16 };
var command = new RootCommand("Tunes SynthesizeFromLabels, as Microsoft.ML.AutoML tunes other estimators.") { data, palette, output, recipe, search, trials, epochs, minutes, seed, height, width, widthFactor };
command.SetAction((parsed, cancellation) => Task.FromResult(Try(() => Run(parsed, cancellation))));
return await command.Parse(args).InvokeAsync();

int Try(Func<int> run)
{
    try
    {
        return run();
    }
    catch (Exception e) when (e is IOException or InvalidDataException or FormatException or ArgumentException or InvalidOperationException or TimeoutException or OperationCanceledException)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
}

int Run(ParseResult parsed, CancellationToken cancellation)
{
    AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, Console.IsOutputRedirected ? 120 : 0);
    string folder = Directory.CreateDirectory(parsed.GetRequiredValue(output)).FullName;
    string pairsFolder = parsed.GetValue(data) ?? Draw(Path.Combine(folder, "scenes"));
    string paletteFile = Path.Combine(pairsFolder, "palette.json");
    var classes = LabelPalette.Parse(parsed.GetValue(palette) ?? (File.Exists(paletteFile) ? paletteFile : "camvid"));
    var pairs = LabelPhotoPairs.FromFolders(Path.Combine(pairsFolder, "labels"), Path.Combine(pairsFolder, "photos"));
    LabelPhotoPair[] Share(params int[] fifths) => [.. pairs.Where((_, i) => fifths.Contains(i % 5))];
    if (pairs.Count < 10)
        throw new InvalidDataException($"'{pairsFolder}' has {pairs.Count} pairs; at least 10 are needed, as a fifth is to choose by, and a fifth to judge by.");

    SynthesizeFromLabelsEstimator.Options Options() => new()
    {
        Palette = classes,
        Recipe = Recipe.Parse(parsed.GetRequiredValue(recipe)),
        Height = parsed.GetValue(height),
        Width = parsed.GetValue(width),
        WidthFactor = parsed.GetValue(widthFactor),
    };
    var space = SearchSpace.Of(Options()).Without(nameof(SynthesizeFromLabelsEstimator.Options.WidthFactor));
    ITuner tuner = parsed.GetValue(search) == "random"
        ? new RandomSearch(space, parsed.GetValue(trials), parsed.GetValue(epochs), parsed.GetValue(seed))
        : new SuccessiveHalving(space, parsed.GetValue(trials), parsed.GetValue(epochs), parsed.GetValue(seed));
    var runner = new SynthesisRunner(Options, training: Share(2, 3, 4), validation: Share(0), folder);
    var experiment = new SynthesisExperiment(tuner, runner, folder).SetMonitor(new ConsoleMonitor());
    if (parsed.GetValue(minutes) is { } limit)
        experiment.SetTrainingTime(TimeSpan.FromMinutes(limit));
    var (all, best) = experiment.Run(cancellation);

    AnsiConsole.Write(Tables.Trials(space, all, best));
    using var defaults = runner.Run(new(all.Count, space.Default, best.Settings.Epochs, Candidate: -1), cancellation);
    string defaultsPath = Path.Combine(folder, "defaults.zip");
    defaults.Save(defaultsPath);
    runner.Drop(-1);
    AnsiConsole.Write(Tables.Comparison(Share(1).Length, best.Settings.Epochs, Judge(experiment.BestModelPath), Judge(defaultsPath)));
    AnsiConsole.MarkupLineInterpolated($"The best model: {experiment.BestModelPath}");
    return 0;

    Nearness Judge(string modelPath)
    {
        using var model = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(modelPath, out _);
        return SynthesisRunner.Measure(model, Share(1));
    }
}

string Draw(string folder)
{
    const int scenes = 200;
    AnsiConsole.MarkupLineInterpolated($"Drawing {scenes} street scenes into {folder} ...");
    StreetScenes.Draw(folder, scenes);
    return folder;
}
