using System.ComponentModel;
using System.Diagnostics;
using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Torch.Tests.Backend;

/// <summary>The adapted library against what readelf, a reader of its own, says about both files.</summary>
public sealed class LibTorchSharpCompatibilityTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("crn-elf-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void ReadelfSeesTheOneSymbolChangedAndNothingElse()
    {
        var (before, after) = DynamicTables("--dyn-syms");

        Assert.Equal(before.Length, after.Length);
        var (old, adapted) = Assert.Single(before.Zip(after), pair => pair.First != pair.Second);
        Assert.Contains("UND _ZSt21ios_base_library_initv@GLIBCXX_3.4.32", old);
        Assert.EndsWith("UND _ZSt18uncaught_exceptionv", adapted.TrimEnd());
    }

    [Fact]
    public void ReadelfSeesTheOneVersionNeedWeakAndTheOthersAsBefore()
    {
        var (before, after) = DynamicTables("--version-info");
        var needs = before.Zip(after).Where(pair => pair.First.Contains("Name: ")).ToArray();

        var (old, adapted) = Assert.Single(needs, pair => pair.First != pair.Second);
        Assert.Contains("Name: GLIBCXX_3.4.32  Flags: none", old);
        Assert.Contains("Name: GLIBCXX_3.4.32  Flags: WEAK", adapted);
    }

    [Fact]
    public void ReadelfSeesSectionsSegmentsRelocationsAndCodeAsBefore()
    {
        var (before, after) = DynamicTables("--sections", "--segments", "--dynamic", "--notes", "--hex-dump=.gnu.hash", "--hex-dump=.init_array");

        Assert.Equal(before, after);
    }

    [Fact]
    public void FewBytesChangeAndTheLengthStays()
    {
        var original = File.ReadAllBytes(Library());

        var adapted = LibTorchSharpCompatibility.Adapt(original);

        Assert.Equal(original.Length, adapted.Length);
        // The flag, the symbol's version, and at most the 28 bytes of its name.
        Assert.InRange(original.Zip(adapted).Count(pair => pair.First != pair.Second), 3, 1 + 1 + 28);
    }

    [Fact]
    public void AdaptingTwiceIsAdaptingOnce()
    {
        var once = LibTorchSharpCompatibility.Adapt(File.ReadAllBytes(Library()));

        Assert.Equal(once, LibTorchSharpCompatibility.Adapt(once));
    }

    [Fact]
    public void ALibraryThatDoesNotAskForTheSymbolStaysAsItIs()
    {
        RequireLinux();
        var other = File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(TorchBackendTests.LibTorchCpu())!, "libc10.so"));

        Assert.Equal(other, LibTorchSharpCompatibility.Adapt(other));
    }

    [Fact]
    public void WhatIsNoElfLibraryIsRefused()
    {
        Assert.Throws<FormatException>(() => LibTorchSharpCompatibility.Adapt("not a library at all"u8));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(4096)]
    [InlineData(300_000)]
    public void ATruncatedLibraryIsRefused(int length)
    {
        var start = File.ReadAllBytes(Library()).AsSpan(0, length).ToArray();

        Assert.Throws<FormatException>(() => LibTorchSharpCompatibility.Adapt(start));
    }

    [Fact]
    public void ADamagedCopyInTheCacheIsWrittenAgainAndNothingElseIsLeftThere()
    {
        var library = Library();
        var (exitCode, _) = StartInOwnProcess.Run(environment: ("XDG_CACHE_HOME", _folder.FullName));
        Assert.Equal(0, exitCode);
        var kept = _folder.GetFiles("*", SearchOption.AllDirectories);
        if (kept.Length == 0)
            Assert.Skip("This system's C++ library is new enough to load the original.");
        var copy = Assert.Single(kept).FullName;
        File.WriteAllText(copy, "cut off");

        var (again, output) = StartInOwnProcess.Run(environment: ("XDG_CACHE_HOME", _folder.FullName));

        Assert.Equal((0, "sum 3"), (again, output.Trim()));
        Assert.Equal(LibTorchSharpCompatibility.Adapt(File.ReadAllBytes(library)), File.ReadAllBytes(copy));
        Assert.Single(_folder.GetFiles("*", SearchOption.AllDirectories));
    }

    [Fact]
    public void ACacheThatCannotBeWrittenDoesNotKeepItFromStarting()
    {
        RequireLinux();
        var file = Path.Combine(_folder.FullName, "a-file");
        File.WriteAllText(file, "");

        var (exitCode, output) = StartInOwnProcess.Run(environment: ("XDG_CACHE_HOME", file));

        Assert.Equal((0, "sum 3"), (exitCode, output.Trim()));
    }

    private (string[] Before, string[] After) DynamicTables(params string[] what)
    {
        var library = Library();
        var adapted = Path.Combine(_folder.FullName, "adapted.so");
        File.WriteAllBytes(adapted, LibTorchSharpCompatibility.Adapt(File.ReadAllBytes(library)));
        return (Readelf(library, what), Readelf(adapted, what));
    }

    private static string[] Readelf(string file, string[] what)
    {
        var start = new ProcessStartInfo("readelf", ["--wide", .. what, file]) { RedirectStandardOutput = true };
        try
        {
            using var process = Process.Start(start)!;
            var lines = process.StandardOutput.ReadToEnd().Split('\n');
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
            return lines;
        }
        catch (Win32Exception)
        {
            Assert.Skip("readelf (binutils) is not installed.");
            throw;
        }
    }

    private static string Library()
    {
        RequireLinux();
        return TorchBackendTests.LibTorchSharp();
    }

    private static void RequireLinux()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("ELF libraries are Linux's.");
    }
}
