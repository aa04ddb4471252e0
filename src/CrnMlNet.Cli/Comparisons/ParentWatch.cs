namespace CrnMlNet.Cli.Comparisons;

/// <summary>
/// Ends this process when the one that started it is gone: that one holds the other end of standard input, which the system closes
/// however it dies. Two trainings in the same folder would otherwise be possible after a kill.
/// </summary>
internal static class ParentWatch
{
    /// <summary>Set to 1 for a process that is to be watched.</summary>
    public const string Variable = "CRN_END_WITH_PARENT";

    public static void StartIfAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable) != "1")
            return;
        var input = Console.OpenStandardInput();
        new Thread(() =>
        {
            var byteRead = new byte[1];
            while (input.Read(byteRead) > 0)
            {
            }
            Environment.Exit(ExitCode.Terminated);
        })
        { IsBackground = true, Name = "watches the parent" }.Start();
    }
}
