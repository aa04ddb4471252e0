using System.Diagnostics;
using TorchSharp;

namespace CrnMlNet.Tests.Memory;

/// <summary>What the process holds now: private bytes, and tensors that are alive.</summary>
internal readonly record struct UsedMemory(long PrivateBytes, long Tensors)
{
    private const string Status = "/proc/self/status";

    /// <summary>Looks, after everything that nobody holds has gone.</summary>
    public static UsedMemory AfterCollection()
    {
        for (int i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return Now();
    }

    /// <summary>Looks, with what only the finalizer would free still there.</summary>
    public static UsedMemory Now() => new(ReadPrivateBytes(), torch.Tensor.TotalCount);

    private static long ReadPrivateBytes()
    {
        if (!File.Exists(Status))
        {
            using var process = Process.GetCurrentProcess();
            return process.PrivateMemorySize64;
        }

        // Resident and not a file's: .NET's own figure for Linux counts address space that was never touched.
        var line = File.ReadLines(Status).First(text => text.StartsWith("RssAnon:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1]);
    }
}
