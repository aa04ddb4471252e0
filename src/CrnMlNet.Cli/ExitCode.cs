namespace CrnMlNet.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>Bad input, or something outside failed.</summary>
    public const int Failure = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;

    /// <summary>A training went astray: its loss is no number any more, or its discriminator has collapsed.</summary>
    public const int Diverged = 3;

    /// <summary>Some label images could not be painted; the others are.</summary>
    public const int Partial = 4;

    /// <summary>An exception that nobody expected; 70 is EX_SOFTWARE of BSD's sysexits.h.</summary>
    public const int Bug = 70;

    /// <summary>Stopped by SIGINT: 128 + 2, as shells count.</summary>
    public const int Interrupted = 130;

    /// <summary>Stopped by SIGTERM: 128 + 15.</summary>
    public const int Terminated = 143;
}
