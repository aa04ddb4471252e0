using System.Globalization;
using System.Runtime.InteropServices;
using CrnMlNet.Torch.Backend;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Backend;

/// <summary>A page that the system gives again is a page fault, of which Linux keeps count. In a process of its own, whose heap has no holes yet.</summary>
public sealed partial class FreedMemoryTests
{
    public const string Measurement = "freed memory";

    private const int Tensors = 40, TensorBytes = 1 << 20, PageBytes = 4096;

    [Fact]
    public void IsThereAtOnceTheNextTime()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux alone counts page faults where this reads them.");

        var (exitCode, output) = StartInOwnProcess.Run(
            environment: [(StartInOwnProcess.Variable, Measurement), ("MALLOC_TRIM_THRESHOLD_", null), ("MALLOC_MMAP_THRESHOLD_", null), ("GLIBC_TUNABLES", null)]);

        Assert.True(exitCode == 0, output);
        long[] faults = [.. output.Trim().Split(' ').Select(number => long.Parse(number, CultureInfo.InvariantCulture))];
        Assert.InRange(faults[0], Tensors * (TensorBytes / PageBytes) / 4, long.MaxValue);
        Assert.InRange(faults[1], 0, faults[0] / 10);
    }

    /// <summary>Prints page faults of a step where freed memory is given back, and of one where it is kept.</summary>
    internal static void Measure()
    {
        // mallopt(3): M_TRIM_THRESHOLD and M_MMAP_THRESHOLD as a process begins, 128 KiB, to which it does not adapt then.
        if ((Set(-1, 128 << 10), Set(-3, 128 << 10)) is not (1, 1))
            throw new InvalidOperationException("mallopt refuses.");
        long givenBack = FaultsOfLast();
        using (FreedMemory.Keep())
            Console.WriteLine($"{givenBack} {FaultsOfLast()}");
    }

    /// <summary>Fills tensors, of which all are there at the end, and frees them.</summary>
    private static void Step()
    {
        using var scope = NewDisposeScope();
        for (int i = 0; i < Tensors; i++)
            zeros([TensorBytes], ScalarType.Byte);
    }

    /// <summary>Of the last of some steps.</summary>
    private static long FaultsOfLast()
    {
        for (int i = 0; i < 5; i++)
            Step();
        long before = Faults();
        Step();
        return Faults() - before;
    }

    /// <summary>proc(5): minflt, the tenth field, of this thread.</summary>
    private static long Faults() => long.Parse(File.ReadAllText("/proc/thread-self/stat").Split(") ")[1].Split(' ')[7], CultureInfo.InvariantCulture);

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int Set(int parameter, int value);
}
