using System.Runtime.InteropServices;

namespace CrnMlNet.Torch.Backend;

/// <summary>What becomes of native memory that is freed.</summary>
/// <remarks>
/// GNU's C library gives it back to the system where more than about two of the largest pieces is free at the end of the heap. Each training step then asks for
/// the same memory again, which the system clears page by page: at 96x128 and width 1/8 a twentieth of the step, and a hundredth of a photo.
/// </remarks>
internal static partial class FreedMemory
{
    // mallopt(3).
    private const int TrimFrom = -1, MapFrom = -3;
    private const int Kept = 256 << 20, LargestOnTheHeap = 32 << 20;

    /// <summary>
    /// Keeps up to 256 MiB of it from now on, unless the user has chosen in one of the C library's variables; tensors of more than 32 MiB are given back as ever. Disposing the object gives
    /// back what is kept by then.
    /// </summary>
    public static IDisposable? Keep()
    {
        if (!OperatingSystem.IsLinux() || IsChosen("MALLOC_TRIM_THRESHOLD_") || IsChosen("MALLOC_MMAP_THRESHOLD_") || IsChosen("GLIBC_TUNABLES"))
            return null;
        // The first alone would have every tensor above 128 KiB given back, as neither is adapted any more once one is set.
        _ = Set(TrimFrom, Kept);
        _ = Set(MapFrom, LargestOnTheHeap);
        return new Return();
    }

    private static bool IsChosen(string variable) => Environment.GetEnvironmentVariable(variable) is not null;

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int Set(int parameter, int value);

    [LibraryImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static partial int GiveBack(nuint kept);

    private sealed class Return : IDisposable
    {
        public void Dispose() => _ = GiveBack(0);
    }
}
