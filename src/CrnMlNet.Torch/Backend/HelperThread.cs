using System.Runtime.InteropServices;

namespace CrnMlNet.Torch.Backend;

/// <summary>Threads that work beside a network, such as those that read and write files, and leave it the cores.</summary>
/// <remarks>
/// A network's threads wait for each other after every layer: what takes one of them off its core for a moment holds up all. A helper
/// therefore takes what time they leave, and on a busy machine a tenth of what one of them gets.
/// </remarks>
internal static partial class HelperThread
{
    private const int Yielding = 10;

    /// <summary>Starts one; it does not keep the process alive.</summary>
    /// <param name="name">What debuggers call it.</param>
    /// <param name="work">What it does; throws nothing.</param>
    public static Thread Start(string name, Action work)
    {
        var thread = new Thread(() =>
        {
            // .NET has no priorities on Linux, where a thread has a niceness of its own (nice(2), "C library/kernel differences").
            if (OperatingSystem.IsLinux())
                _ = Nice(Yielding);
            work();
        })
        { IsBackground = true, Name = name, Priority = ThreadPriority.BelowNormal };
        thread.Start();
        return thread;
    }

    [LibraryImport("libc.so.6", EntryPoint = "nice")]
    private static partial int Nice(int more);
}
