using System.CommandLine;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>--recipe</c>, which names a system.</summary>
internal static class RecipeOption
{
    /// <summary>A line for each recipe, for a command's description.</summary>
    public static string Lines => string.Join('\n', Recipe.All.Select(recipe => $"  {recipe.Name.PadRight(Recipe.All.Max(other => other.Name.Length))}  {recipe.Summary}"));

    public static Option<string> Create() => new Option<string>("--recipe")
    {
        Description = $"The system to train, as listed above: {string.Join(", ", Recipe.All)}.",
        HelpName = "NAME",
        DefaultValueFactory = _ => Recipe.Default.Name,
    };

    /// <exception cref="ArgumentException">There is no such recipe.</exception>
    public static Recipe ValueIn(ParseResult parsed, Option<string> option) => Recipe.Parse(parsed.GetRequiredValue(option));
}
