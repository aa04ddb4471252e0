using System.CommandLine;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn study</c>: which photos people find more realistic.</summary>
internal static class StudyCommand
{
    public static Command Create() => new(
        "study",
        """
        Asks people which of two images is more realistic, as the paper does: the measure that no network can be tuned to.

        Examples:
          crn study create --system real=val/photos --system crn=photos/crn --system gan=photos/gan --compare crn:gan --sentinel real:gan --output study
          crn study serve study
          crn study analyze study --html report.html
        """)
    {
        StudyCreateCommand.Create(),
        StudyServeCommand.Create(),
        StudyAnalyzeCommand.Create(),
    };
}
