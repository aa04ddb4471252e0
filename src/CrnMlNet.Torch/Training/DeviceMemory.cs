using System.Runtime.InteropServices;

namespace CrnMlNet.Torch.Training;

/// <summary>Makes .NET's exception of libtorch's when memory does not suffice.</summary>
internal static class DeviceMemory
{
    /// <summary>Does some work.</summary>
    /// <exception cref="OutOfMemoryException">libtorch could not get memory for it.</exception>
    public static T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (ExternalException e) when (IsOutOfMemory(e))
        {
            throw new OutOfMemoryException($"The device's memory does not suffice: {e.Message.Split('\n', 2)[0].Trim()}", e);
        }
    }

    /// <summary>
    /// Whether libtorch says so: "CUDA out of memory. Tried to allocate ..." of its CUDA allocator, "DefaultCPUAllocator: can't
    /// allocate memory: you tried to allocate ..." and "not enough memory" of its CPU allocator.
    /// </summary>
    public static bool IsOutOfMemory(ExternalException exception)
        => exception.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
            || exception.Message.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase)
            || exception.Message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
            || exception.Message.Contains("CUDNN_STATUS_ALLOC_FAILED", StringComparison.Ordinal)
            || exception.Message.Contains("CUBLAS_STATUS_ALLOC_FAILED", StringComparison.Ordinal);
}
