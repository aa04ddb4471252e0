using System.Globalization;
using TorchSharp;

namespace CrnMlNet.Torch.Backend;

/// <summary>Chooses the device to compute on from an option text and ML.NET's GPU settings.</summary>
public static class ComputeDevice
{
    /// <summary>Starts libtorch if need be and chooses the device. Thread-safe.</summary>
    /// <param name="device">
    /// "cpu", "cuda" (the first CUDA device) or "cuda:1" (that one), in any case; it outranks <paramref name="gpuDeviceId"/>.
    /// Null leaves the choice to that.
    /// </param>
    /// <param name="gpuDeviceId">The CUDA device's index from 0, as in ML.NET's <c>GpuDeviceId</c>. Null means the CPU.</param>
    /// <param name="fallbackToCpu">
    /// Whether to use the CPU, with one line to <paramref name="log"/>, when CUDA is asked for and there is none. An index
    /// that a system with CUDA does not have is an error all the same.
    /// </param>
    /// <param name="log">Takes the line about falling back; null for none.</param>
    /// <returns>The CPU, or a CUDA device with its index.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The text names no device, or the index is below 0.</exception>
    /// <exception cref="InvalidOperationException">The CUDA device that is asked for does not exist.</exception>
    /// <exception cref="TorchBackendException">libtorch does not start.</exception>
    public static torch.Device Resolve(string? device, int? gpuDeviceId, bool fallbackToCpu, Action<string>? log)
    {
        var index = CudaIndex(device, gpuDeviceId);
        TorchBackend.Start();
        if (index is null)
            return new torch.Device(DeviceType.CPU);

        var found = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        return Choose(index.Value, found, fallbackToCpu, log);
    }

    /// <summary>The choice itself, on a system with that many CUDA devices.</summary>
    internal static torch.Device Choose(int index, int found, bool fallbackToCpu, Action<string>? log)
    {
        if (index < found)
            return new torch.Device(DeviceType.CUDA, index);
        if (found > 0)
        {
            throw new InvalidOperationException(
                $"Device cuda:{index} was asked for, and this system has {found}: cuda:0{(found > 1 ? $" to cuda:{found - 1}" : "")}. Choose one of these, or cpu.");
        }

        if (!fallbackToCpu)
        {
            throw new InvalidOperationException(
                $"Device cuda:{index} was asked for, and libtorch finds no CUDA device here: it is a libtorch without CUDA, or there is no "
                + $"NVIDIA driver or GPU. Build with -p:TorchBackend=cuda (package TorchSharp-cuda-linux or TorchSharp-cuda-windows), set "
                + $"{TorchBackend.LibTorchVariable} to a libtorch with CUDA, choose cpu, or allow falling back to the CPU.");
        }

        log?.Invoke($"Device cuda:{index} was asked for, and libtorch finds no CUDA device here: computing on the CPU.");
        return new torch.Device(DeviceType.CPU);
    }

    private static int? CudaIndex(string? device, int? gpuDeviceId)
    {
        if (device is null)
        {
            if (gpuDeviceId is < 0)
                throw new ArgumentOutOfRangeException(nameof(gpuDeviceId), gpuDeviceId, "A GPU's index starts from 0; null means the CPU.");
            return gpuDeviceId;
        }

        if (device.Equals("cpu", StringComparison.OrdinalIgnoreCase))
            return null;
        if (device.Equals("cuda", StringComparison.OrdinalIgnoreCase))
            return 0;
        if (device.StartsWith("cuda:", StringComparison.OrdinalIgnoreCase)
            && int.TryParse(device.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            return index;
        }

        throw new ArgumentOutOfRangeException(
            nameof(device), device, "A device is \"cpu\", \"cuda\" (the first CUDA device) or \"cuda:N\" with N from 0, such as \"cuda:1\".");
    }
}
