using System.CommandLine;

namespace CrnMlNet.Cli.Commands;

/// <summary>An option that is one of an enumeration's names, in small letters.</summary>
internal static class EnumOption
{
    public static Option<string> Create<T>(string name, string description, T byDefault) where T : struct, Enum
    {
        var option = Create<T>(name, description);
        option.DefaultValueFactory = _ => byDefault.ToString().ToLowerInvariant();
        return option;
    }

    /// <summary>One without a default, whose value is null unless it is given.</summary>
    public static Option<string> Create<T>(string name, string description) where T : struct, Enum
    {
        string[] values = [.. Enum.GetNames<T>().Select(value => value.ToLowerInvariant())];
        return new Option<string>(name) { Description = description, HelpName = string.Join('|', values) }.AcceptOnlyFromAmong(values);
    }

    public static T ValueIn<T>(ParseResult parsed, Option<string> option) where T : struct, Enum => Enum.Parse<T>(parsed.GetRequiredValue(option), ignoreCase: true);
}
