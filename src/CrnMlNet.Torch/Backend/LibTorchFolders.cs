using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;

namespace CrnMlNet.Torch.Backend;

/// <summary>Where an application's native libraries may lie, in the order in which .NET and TorchSharp look.</summary>
internal static class LibTorchFolders
{
    /// <summary>The folders that may hold libtorch.</summary>
    public static IEnumerable<string> OfLibTorch()
        => OfApplication().Append(InPackageCache($"libtorch-cpu-{Rid}", LibTorchVersion));

    /// <summary>The folders that may hold TorchSharp's own native library.</summary>
    public static IEnumerable<string> OfLibTorchSharp()
        => OfApplication().Append(InPackageCache("torchsharp", TorchSharpVersion));

    /// <summary>The folders where .NET, for TorchSharp, finds a library by its bare name.</summary>
    public static IEnumerable<string> WhereTorchSharpLooks()
        => FromDependencies().Append(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));

    /// <summary>The version of libtorch that this TorchSharp is built for, as NuGet writes it: 2.10.0.</summary>
    // torch.__version__ says the same, but runs TorchSharp's static constructor, which needs libtorch.
    public static string LibTorchVersion
        => typeof(torch).GetField("libtorchPackageVersion", BindingFlags.Static | BindingFlags.NonPublic)?.GetRawConstantValue() is string text
            && Version.TryParse(text, out var version) ? version.ToString(3) : "of the version that TorchSharp names";

    /// <summary>The file name of a native library on this system: libc10.so, c10.dll, libc10.dylib.</summary>
    public static string FileName(string library)
        => OperatingSystem.IsWindows() ? $"{library}.dll"
            : OperatingSystem.IsMacOS() ? $"lib{library}.dylib"
            : $"lib{library}.so";

    private static string Rid
        => (OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")
            + (RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "-arm64" : "-x64");

    private static string TorchSharpVersion
        => typeof(torch).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? typeof(torch).Assembly.GetName().Version!.ToString(3);

    private static IEnumerable<string> OfApplication()
        => WhereTorchSharpLooks()
            .Append(Path.Combine(AppContext.BaseDirectory, "runtimes", Rid, "native"))
            .Distinct();

    // What the application's .deps.json says, as the host hands it to the runtime.
    private static IEnumerable<string> FromDependencies()
        => (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(Path.TrimEndingDirectorySeparator);

    private static string InPackageCache(string package, string version)
    {
        var cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES");
        if (string.IsNullOrEmpty(cache))
            cache = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        return Path.Combine(cache, package, version, "runtimes", Rid, "native");
    }
}
