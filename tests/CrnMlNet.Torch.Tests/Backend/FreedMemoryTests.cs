using System.Globalization;
using System.Runtime.InteropServices;
using CrnMlNet.Torch.Backend;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Backend;

/// <summary>A page that the system gives again is a page fault, of which Linux keeps count.</summary>
[Collection(RunAlone.Name)]
public sealed partial class FreedMemoryTests
{
    private const int Tensors = 40, TensorBytes = 1 << 20, PageBytes = 4096;

    [Fact]
    public void IsThereAtOnceTheNextTime()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux alone counts page faults where this reads them.");
        // mallopt(3): as a process begins, M_TRIM_THRESHOLD and M_MMAP_THRESHOLD are 128 KiB.
        Assert.Equal((1, 1), (Set(-1, 128 << 10), Set(-3, 128 << 10)));
        Step();
        long givenBack = FaultsOf(Step);

        long kept;
        using (FreedMemory.Keep())
        {
            Step();
            kept = FaultsOf(Step);
        }

        const int pages = Tensors * (TensorBytes / PageBytes);
        Assert.InRange(givenBack, pages * 9 / 10, long.MaxValue);
        Assert.InRange(kept, 0, pages / 10);
    }

    /// <summary>Fills tensors, of which all are there at the end, and frees them.</summary>
    private static void Step()
    {
        using var scope = NewDisposeScope();
        for (int i = 0; i < Tensors; i++)
            zeros([TensorBytes], ScalarType.Byte);
    }

    private static long FaultsOf(Action work)
    {
        long before = Faults();
        work();
        return Faults() - before;
    }

    /// <summary>proc(5): minflt, the tenth field, of this thread.</summary>
    private static long Faults() => long.Parse(File.ReadAllText("/proc/thread-self/stat").Split(") ")[1].Split(' ')[7], CultureInfo.InvariantCulture);

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int Set(int parameter, int value);
}
