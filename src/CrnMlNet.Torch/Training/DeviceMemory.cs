using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace CrnMlNet.Torch.Training;

/// <summary>Makes .NET's exception of libtorch's when memory does not suffice.</summary>
internal static partial class DeviceMemory
{
    /// <summary>Does some work.</summary>
    /// <param name="work">The work.</param>
    /// <param name="remedy">Gets the device's memory in bytes where libtorch tells it, and gives a sentence on what to do.</param>
    /// <exception cref="InsufficientMemoryException">libtorch could not get memory for it. Such an exception is an <see cref="OutOfMemoryException"/>.</exception>
    public static T Guard<T>(Func<T> work, Func<long?, string> remedy)
    {
        try
        {
            return work();
        }
        catch (ExternalException e) when (IsOutOfMemory(e))
        {
            string reason = e.Message.Split('\n', 2)[0].Trim();
            throw new InsufficientMemoryException($"The device's memory does not suffice. {remedy(Capacity(reason))} (libtorch: {reason})", e);
        }
    }

    /// <summary>
    /// Whether libtorch says so: "CUDA out of memory. Tried to allocate ..." of its CUDA allocator, "DefaultCPUAllocator: can't
    /// allocate memory: you tried to allocate ..." and "not enough memory" of its CPU allocator.
    /// </summary>
    internal static bool IsOutOfMemory(ExternalException exception)
        => exception.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
            || exception.Message.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase)
            || exception.Message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
            || exception.Message.Contains("CUDNN_STATUS_ALLOC_FAILED", StringComparison.Ordinal)
            || exception.Message.Contains("CUBLAS_STATUS_ALLOC_FAILED", StringComparison.Ordinal);

    /// <summary>The GPU's memory in bytes, out of libtorch's message; null where that does not tell it.</summary>
    internal static long? Capacity(string message)
        => TotalCapacity().Match(message) is { Success: true } match
            ? (long)(double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * (match.Groups[2].Value == "GiB" ? 1L << 30 : 1L << 20))
            : null;

    [GeneratedRegex(@"total capacity of ([0-9]+(?:\.[0-9]+)?) (GiB|MiB)")]
    private static partial Regex TotalCapacity();
}
