using System.Runtime.InteropServices;

namespace CrnMlNet.Torch.Backend;

/// <summary>How the threads among which libtorch divides its work wait for each other.</summary>
/// <remarks>
/// On Linux that is GNU's OpenMP (libgomp), whose threads go round in circles for milliseconds before they sleep, on the very
/// cores that the others wait for when other programs compute, too. Sleeping at once, training at 96x128 was 3 to 6 times as
/// fast on two cores that ten such programs shared; but on two cores of its own a quarter of its time went to falling asleep and waking up.
/// After a thousand rounds, some 20 microseconds, it has both: 1.2 times as fast as sleeping at once, on cores of its own and on shared ones.
/// </remarks>
internal static partial class ThreadWaiting
{
    private const string Policy = "OMP_WAIT_POLICY";
    private const string Rounds = "GOMP_SPINCOUNT";
    private const string FewRounds = "1000";

    /// <summary>
    /// Lets them sleep soon, unless the user has chosen in one of OpenMP's variables. Of use before libgomp is loaded, which
    /// then reads the environment; programs that this one starts do not inherit the choice.
    /// </summary>
    public static void SleepSoon()
    {
        // .NET keeps an environment of its own, which native code does not see: hence the C library's function.
        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(Policy) is null && Environment.GetEnvironmentVariable(Rounds) is null)
            _ = SetVariable(Rounds, FewRounds, overwrite: 0);
    }

    [LibraryImport("libc.so.6", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
