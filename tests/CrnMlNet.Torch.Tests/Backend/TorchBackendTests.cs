using CrnMlNet.Torch.Backend;
using TorchSharp;

namespace CrnMlNet.Torch.Tests.Backend;

public sealed class TorchBackendTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("crn-backend-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void AStartedBackendComputes()
    {
        TorchBackend.Start();

        using var matrix = torch.tensor(new float[] { 1, 2, 3, 4 }, 2, 2);
        using var product = matrix.mm(matrix);

        Assert.Equal([7f, 10f, 15f, 22f], product.data<float>().ToArray());
    }

    [Fact]
    public void StartingAgainKeepsTheThreadCount()
    {
        TorchBackend.Start();
        using var restored = new ThreadsRestored();
        torch.set_num_threads(3);
        TorchBackend.Start();
        Assert.Equal(3, torch.get_num_threads());
    }

    [Fact]
    public void ManyThreadsMayStartAtOnce()
    {
        Parallel.For(0, 16, _ =>
        {
            TorchBackend.Start();
            using var one = torch.ones(1);
            Assert.Equal(1f, one.item<float>());
        });
    }

    /// <summary>What GNU's OpenMP itself says of its threads, with OMP_DISPLAY_ENV set: how often they go round before they sleep.</summary>
    [Theory]
    [InlineData(null, null, 1000)]
    [InlineData("GOMP_SPINCOUNT", "1234", 1234)]
    [InlineData("OMP_WAIT_POLICY", "active", 30_000_000_000)]
    public void WaitingThreadsSoonSleepUnlessTheUserHasChosen(string? name, string? value, long rounds)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Here libtorch divides its work by another OpenMP.");
        (string, string?)[] environment = [("OMP_WAIT_POLICY", null), ("GOMP_SPINCOUNT", null), ("OMP_DISPLAY_ENV", "VERBOSE")];

        var (_, output) = StartInOwnProcess.Run(environment: name is null ? environment : [.. environment, (name, value)]);

        Assert.Contains("sum 3", output);
        Assert.Contains($"GOMP_SPINCOUNT = '{rounds}'", output);
    }

    [Fact]
    public void StartsFromTheFolderThatTheVariableNames()
    {
        var (exitCode, output) = StartInOwnProcess.Run(environment: ("CRN_LIBTORCH", FolderOfLibTorch()));

        Assert.Equal("sum 3", output.Trim());
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public void AFolderWithoutLibTorchIsOneClearError()
    {
        var (exitCode, output) = StartInOwnProcess.Run(environment: ("CRN_LIBTORCH", _folder.FullName));

        Assert.Equal(3, exitCode);
        Assert.Contains($"CRN_LIBTORCH={_folder.FullName}: the folder holds no", output);
        Assert.Contains("torch/lib", output);
        Assert.DoesNotContain("LoadNativeBackend", output);
    }

    [Fact]
    public void AMissingFolderIsOneClearError()
    {
        var missing = Path.Combine(_folder.FullName, "missing");

        var (exitCode, output) = StartInOwnProcess.Run(environment: ("CRN_LIBTORCH", missing));

        Assert.Equal(3, exitCode);
        Assert.Contains($"CRN_LIBTORCH={missing}: there is no such folder", output);
    }

    [Fact]
    public void ADamagedLibTorchIsReportedInTheLoadersWords()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("The loader's words are those of Linux.");
        var program = CopyWithoutNativeLibraries();
        var damaged = Path.Combine(_folder.FullName, "libtorch_cpu.so");
        File.WriteAllText(damaged, "not a library");

        var (exitCode, output) = StartInOwnProcess.Run(program, ("CRN_LIBTORCH", _folder.FullName));

        Assert.Equal(3, exitCode);
        Assert.Contains($"{damaged}: ", output);
        Assert.Contains("file too short", output);
    }

    [Fact]
    public void ASecondLibTorchIsRefusedBeforeItEndsTheProcess()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, Path.GetFileName(LibTorchCpu())), "another");

        var (exitCode, output) = StartInOwnProcess.Run(environment: ("CRN_LIBTORCH", _folder.FullName));

        Assert.Equal(3, exitCode);
        Assert.Contains("a process can hold one", output);
        Assert.Contains("TorchBackend=none", output);
    }

    [Fact]
    public void AnApplicationWithoutLibTorchStartsFromTheFolderThatTheVariableNames()
    {
        var program = CopyWithoutNativeLibraries();
        var library = LibTorchSharp();
        File.Copy(library, Path.Combine(Path.GetDirectoryName(program)!, Path.GetFileName(library)));

        var (exitCode, output) = StartInOwnProcess.Run(program, ("CRN_LIBTORCH", FolderOfLibTorch()));

        Assert.Equal("sum 3", output.Trim());
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public void AnApplicationWithoutLibrariesNamesThePlacesAndThePackage()
    {
        var program = CopyWithoutNativeLibraries();

        var (exitCode, output) = StartInOwnProcess.Run(program, ("NUGET_PACKAGES", _folder.FullName));

        Assert.Equal(3, exitCode);
        Assert.Contains($"{Path.GetDirectoryName(program)}: no {Path.GetFileName(LibTorchCpu())}", output);
        Assert.Contains($"{Path.GetDirectoryName(program)}: no {Path.GetFileName(LibTorchSharp())}", output);
        Assert.Contains("libtorch-cpu-", output);
        Assert.Contains("-p:TorchBackend=cpu", output);
        Assert.Contains("CRN_LIBTORCH", output);
    }

    internal static string LibTorchCpu() => NativeLibraries("torch_cpu").First();

    internal static string LibTorchSharp() => NativeLibraries("LibTorchSharp").First();

    private static IEnumerable<string> NativeLibraries(string name)
        => Directory.EnumerateFiles(AppContext.BaseDirectory, $"*{name}.*", SearchOption.AllDirectories)
            .Where(path => Path.GetExtension(path) is ".so" or ".dll" or ".dylib" && !path.EndsWith(".Tests.dll"))
            .Where(path => OperatingSystem.IsWindows() ? path.EndsWith($"{name}.dll") && path.Contains("x64")
                : OperatingSystem.IsMacOS() ? path.EndsWith(".dylib")
                : path.EndsWith(".so"));

    // Where the output's links point: the package's folder, or the output's own when the build copies.
    private static string FolderOfLibTorch()
        => Path.GetDirectoryName(File.ResolveLinkTarget(LibTorchCpu(), returnFinalTarget: true)?.FullName ?? LibTorchCpu())!;

    private string CopyWithoutNativeLibraries()
    {
        var copy = _folder.CreateSubdirectory("application").FullName;
        var program = typeof(TorchBackendTests).Assembly.Location;
        // Without .deps.json, which lists the native libraries: the host refuses to start when one of them is not there.
        foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory).Where(file => !file.EndsWith(".deps.json")))
        {
            if (file.EndsWith(".dll") || file.EndsWith(".runtimeconfig.json"))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return Path.Combine(copy, Path.GetFileName(program));
    }
}
