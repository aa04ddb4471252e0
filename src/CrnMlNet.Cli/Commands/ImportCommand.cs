using System.CommandLine;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn import</c>: what others have trained, brought to where crn uses it.</summary>
internal static class ImportCommand
{
    public static Command Create() => new(
        "import",
        """
        Brings in what others have trained.

        Examples:
          crn import vgg19 vgg19-dcbb9e9d.pth
          crn import vgg19 --download
          crn import crn result_256p/model.ckpt --output crn-256p.zip
        """)
    {
        ImportVgg19Command.Create(),
        ImportCrnCommand.Create(),
    };
}
