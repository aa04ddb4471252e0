using System.CommandLine;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>--palette</c>: a built-in palette's name, or a JSON file.</summary>
internal static class PaletteOption
{
    /// <param name="palette">The one to take unless another is named.</param>
    /// <param name="what">What it is for.</param>
    public static Option<string> Create(LabelPalette palette, string what = "The classes") => new("--palette")
    {
        Description = $"{what}: {string.Join(", ", LabelPalette.BuiltIn)}, or a JSON file.",
        HelpName = "NAME|FILE",
        DefaultValueFactory = _ => palette.Name,
    };
}
