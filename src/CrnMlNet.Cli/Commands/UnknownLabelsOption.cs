using System.CommandLine;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>--unknown-labels</c>, an error or void.</summary>
internal static class UnknownLabelsOption
{
    public static Option<string> Create(string description = "What becomes of ids and colours that the palette lacks.") =>
        new Option<string>("--unknown-labels") { Description = description, HelpName = "error|void", DefaultValueFactory = _ => "error" }.AcceptOnlyFromAmong("error", "void");

    public static UnknownLabelPolicy ValueIn(ParseResult parsed, Option<string> option) => Enum.Parse<UnknownLabelPolicy>(parsed.GetRequiredValue(option), ignoreCase: true);
}
