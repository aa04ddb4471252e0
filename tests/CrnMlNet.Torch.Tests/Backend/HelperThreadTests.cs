using System.Globalization;
using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Torch.Tests.Backend;

public sealed class HelperThreadTests
{
    /// <summary>Field 19 of proc(5)'s stat is the niceness; the second one, a name in brackets, may hold blanks.</summary>
    [Fact]
    public void It_yields_to_the_network_on_Linux()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux has /proc.");
        int before = Niceness(), helper = 0;
        HelperThread.Start("helper", () => helper = Niceness()).Join();
        Assert.Equal(Math.Min(before + 10, 19), helper);
        Assert.Equal(before, Niceness());
    }

    private static int Niceness()
    {
        string stat = File.ReadAllText("/proc/thread-self/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19 - 3], CultureInfo.InvariantCulture);
    }
}
