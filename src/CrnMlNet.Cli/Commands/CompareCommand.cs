using System.CommandLine;
using CrnMlNet.Cli.Comparisons;
using CrnMlNet.Data;
using CrnMlNet.Torch.Training;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn compare</c>: several systems, trained and measured alike, on one page.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var defaults = new SynthesizeFromLabelsEstimator.Options();
        var labels = new Option<string>("--labels") { Description = "Folder of the label images to learn from.", HelpName = "DIR", Required = true };
        var photos = new Option<string>("--photos") { Description = "Folder of their photos, of the same names.", HelpName = "DIR", Required = true };
        var validationLabels = new Option<string>("--validation-labels") { Description = "Folder of label images that no system learns from, to measure on.", HelpName = "DIR", Required = true };
        var validationPhotos = new Option<string>("--validation-photos") { Description = "Folder of their photos.", HelpName = "DIR", Required = true };
        var output = new Option<string>("--output", "-o") { Description = "Folder for the page, models and results; it is made. The same again goes on where it was.", HelpName = "DIR", Required = true };
        var recipes = new Option<string[]>("--recipes")
        {
            Description = $"The systems: {string.Join(", ", Recipe.All.Select(recipe => recipe.Name))}. [default: all of them]",
            HelpName = "NAME,...",
            CustomParser = argument => [.. argument.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
        };
        var palette = PaletteOption.Create(defaults.Palette);
        var unknownLabels = UnknownLabelsOption.Create();
        var height = new Option<int>("--height") { Description = "Height of the photos to paint, in pixels.", HelpName = "N", DefaultValueFactory = _ => defaults.Height };
        var width = new Option<int>("--width") { Description = "Width of the photos to paint, in pixels.", HelpName = "N", DefaultValueFactory = _ => defaults.Width };
        var widthFactor = new Option<double>("--width-factor") { Description = "Factor on the number of feature maps.", HelpName = "X", DefaultValueFactory = _ => defaults.WidthFactor };
        var time = Duration.Option("--time", "How long each system learns. [default: 10m, unless --epochs is given]");
        var epochs = new Option<int?>("--epochs") { Description = "Instead of a time: how often each system sees each pair.", HelpName = "N" };
        var segmenterEpochs = new Option<int>("--segmenter-epochs") { Description = "How often the segmenter that judges, and the one that teaches, see each pair.", HelpName = "N", DefaultValueFactory = _ => new SegmentationTrainingOptions().Epochs };
        var layouts = new Option<int>("--layouts") { Description = "Layouts to show on the page.", HelpName = "N", DefaultValueFactory = _ => 8 };
        var seed = new Option<int>("--seed") { Description = "Seeds everything.", HelpName = "N" };
        var fresh = new Option<bool>("--fresh") { Description = "Delete the results of another comparison in the folder, and begin anew." };
        var device = DeviceOption.Create();
        var command = new Command("compare",
            """
            Trains several systems on the same pairs with the same budget, measures all of them on pairs that none has seen, and writes one page: tables with
            intervals, photos side by side, loss curves, cost. It goes on where it was after a kill; a system that diverges is reported and holds up no other.

            Examples:
              crn compare --labels train/labels --photos train/photos --validation-labels val/labels --validation-photos val/photos --output comparison
              crn compare --labels train/labels --photos train/photos --validation-labels val/labels --validation-photos val/photos --output two --recipes crn,pix2pix --epochs 20

            Time is a budget that favours small networks, epochs one that favours large ones. All systems at the defaults take more than three hours.
            A system that failed is not tried again; delete its folder for that.
            """)
        {
            labels, photos, validationLabels, validationPhotos, output, recipes, palette, unknownLabels, height, width, widthFactor, time, epochs, segmenterEpochs, layouts, seed, device, fresh,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(time) is not null && parsed.GetValue(epochs) is not null)
                throw new ArgumentException("Give --time or --epochs; one of them.");
            string name = parsed.GetRequiredValue(palette);
            var plan = new ComparisonPlan
            {
                Recipes = Named(parsed.GetValue(recipes)),
                Labels = Path.GetFullPath(parsed.GetRequiredValue(labels)),
                Photos = Path.GetFullPath(parsed.GetRequiredValue(photos)),
                ValidationLabels = Path.GetFullPath(parsed.GetRequiredValue(validationLabels)),
                ValidationPhotos = Path.GetFullPath(parsed.GetRequiredValue(validationPhotos)),
                Palette = LabelPalette.BuiltIn.Any(builtIn => builtIn.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) ? name : Path.GetFullPath(name),
                UnknownLabels = UnknownLabelsOption.ValueIn(parsed, unknownLabels),
                Height = parsed.GetRequiredValue(height),
                Width = parsed.GetRequiredValue(width),
                WidthFactor = parsed.GetRequiredValue(widthFactor),
                Seconds = parsed.GetValue(epochs) is null ? (parsed.GetValue(time) ?? TimeSpan.FromMinutes(10)).TotalSeconds : null,
                Epochs = parsed.GetValue(epochs) ?? Comparison.EpochsWithoutEnd,
                SegmenterEpochs = parsed.GetRequiredValue(segmenterEpochs),
                Seed = parsed.GetValue(seed),
                Layouts = parsed.GetRequiredValue(layouts),
            };
            return Run(plan, Path.GetFullPath(parsed.GetRequiredValue(output)), parsed.GetValue(device), parsed.GetValue(fresh));
        });
        return command;
    }

    private static string[] Named(string[]? recipes) => recipes is null or []
        ? [.. Recipe.All.Select(recipe => recipe.Name)]
        : [.. recipes.Select(recipe => Recipe.Parse(recipe).Name).Distinct()];

    private static int Run(ComparisonPlan plan, string folder, string? device, bool fresh)
    {
        if (plan.Layouts < 1)
            throw new ArgumentException($"--layouts is {plan.Layouts}; it must be 1 or more.");
        LabelPalette.Parse(plan.Palette);
        LabelPhotoPairs.FromFolders(plan.Labels, plan.Photos);
        LabelPhotoPairs.FromFolders(plan.ValidationLabels, plan.ValidationPhotos);
        if (fresh && File.Exists(Path.Combine(folder, ComparisonPlan.FileName)))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        plan.Settle(folder);
        return ProgressView.Show(view =>
        {
            using var stop = new StopSignal(() => view.Say("Stopping. The same command goes on from here."));
            var comparison = new Comparison(folder, plan, device, view, stop.Token);
            try
            {
                comparison.Run();
            }
            catch (OperationCanceledException)
            {
                return stop.ExitCode;
            }
            var failed = comparison.Systems.Where(system => system.Failure is not null).ToArray();
            view.Conclude($"{comparison.Systems.Count - failed.Length} of {comparison.Systems.Count} systems compared: {comparison.PagePath}");
            return failed.Length == comparison.Systems.Count ? ExitCode.Failure : ExitCode.Success;
        });
    }
}
