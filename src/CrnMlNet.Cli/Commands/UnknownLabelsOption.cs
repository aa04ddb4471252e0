using System.CommandLine;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>--unknown-labels</c>, an error or void.</summary>
internal static class UnknownLabelsOption
{
    public static Option<string> Create(string description = "What becomes of ids and colours that the palette lacks.")
        => EnumOption.Create("--unknown-labels", description, UnknownLabelPolicy.Error);

    public static UnknownLabelPolicy ValueIn(ParseResult parsed, Option<string> option) => EnumOption.ValueIn<UnknownLabelPolicy>(parsed, option);
}
