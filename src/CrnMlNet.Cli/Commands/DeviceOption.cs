using System.CommandLine;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>--device</c>, the same in every command.</summary>
internal static class DeviceOption
{
    public static Option<string?> Create() => new("--device") { Description = "Where to compute. [default: cpu]", HelpName = "cpu|cuda|cuda:N" };
}
