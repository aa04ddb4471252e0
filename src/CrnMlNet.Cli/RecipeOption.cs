using System.CommandLine;

namespace CrnMlNet.Cli;

/// <summary><c>--recipe</c>, which names a system and lists all of them in the help.</summary>
internal static class RecipeOption
{
    public static Option<string> Create() => new Option<string>("--recipe")
    {
        Description = $"The system to train: {string.Join("; ", Recipe.All.Select(recipe => $"{recipe.Name} ({recipe.Summary})"))}.",
        HelpName = "NAME",
        DefaultValueFactory = _ => Recipe.Crn.Name,
    };

    /// <exception cref="ArgumentException">There is no such recipe.</exception>
    public static Recipe ValueIn(ParseResult parsed, Option<string> option) => Recipe.Parse(parsed.GetRequiredValue(option));
}
