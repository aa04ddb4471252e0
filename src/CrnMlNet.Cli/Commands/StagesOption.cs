using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.RegularExpressions;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>--stages 256x512:200,512x1024:20,1024x2048:5:newest=2</c>: sizes and epochs of a training that grows.</summary>
internal static partial class StagesOption
{
    public static Option<IList<TrainingStage>> Create() => new("--stages")
    {
        Description = "Instead of --height, --width and --epochs: train at several sizes, each the same again or a doubling, and each with what the one before has learned. "
            + "HEIGHTxWIDTH:EPOCHS, and if need be :newest=N (only the newest N modules learn) and :rate=X (its learning rate). "
            + "The paper's authors: 256x512:200,512x1024:20,1024x2048:5:newest=2",
        HelpName = "HxW:N,...",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = Parse,
    };

    /// <summary>The stages asked for; null when none are.</summary>
    public static IList<TrainingStage>? ValueIn(ParseResult parsed, Option<IList<TrainingStage>> option) =>
        // Of an option that is not given, System.CommandLine gives a list with nothing in it.
        parsed.GetValue(option) is { Count: > 0 } stages ? stages : null;

    private static IList<TrainingStage>? Parse(ArgumentResult argument)
    {
        var stages = new List<TrainingStage>();
        foreach (var text in argument.Tokens[0].Value.Split(','))
        {
            if (Parse(text) is not { } stage)
            {
                argument.AddError($"'{text}' is no stage: write HEIGHTxWIDTH:EPOCHS, such as 256x512:200, and if need be :newest=2 and :rate=0.0001.");
                return null;
            }
            stages.Add(stage);
        }
        return stages;
    }

    private static TrainingStage? Parse(string text)
    {
        if (Form().Match(text) is not { Success: true, Groups: var groups }
            || !int.TryParse(groups["height"].ValueSpan, out int height) || !int.TryParse(groups["width"].ValueSpan, out int width)
            || !int.TryParse(groups["epochs"].ValueSpan, out int epochs))
            return null;
        int newest = 0;
        double rate = 0;
        if ((groups["newest"].Success && !int.TryParse(groups["newest"].ValueSpan, out newest))
            || (groups["rate"].Success && !double.TryParse(groups["rate"].ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture, out rate)))
            return null;
        return new TrainingStage
        {
            Height = height,
            Width = width,
            Epochs = epochs,
            TrainOnlyNewestModules = groups["newest"].Success ? newest : null,
            LearningRate = groups["rate"].Success ? rate : null,
        };
    }

    [GeneratedRegex("^(?<height>[0-9]+)x(?<width>[0-9]+):(?<epochs>[0-9]+)(:newest=(?<newest>[0-9]+))?(:rate=(?<rate>[0-9.eE-]+))?$", RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
