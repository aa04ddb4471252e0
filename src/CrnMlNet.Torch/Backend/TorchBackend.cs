using System.Diagnostics;
using System.Runtime.InteropServices;
using TorchSharp;

namespace CrnMlNet.Torch.Backend;

/// <summary>Starts libtorch, the native library behind TorchSharp, once per process.</summary>
/// <remarks>
/// <para>
/// TorchSharp starts libtorch by itself at the first tensor. Starting it here first adds three things: Linux systems older
/// than GCC 13's C++ library (Debian 12, Ubuntu 22.04) work, a libtorch from elsewhere can be used, and a failure is one
/// readable error. So call <see cref="Start"/> before anything else of TorchSharp. On Linux it also lets libtorch's threads
/// sleep soon while they wait for each other, unless <c>OMP_WAIT_POLICY</c> or <c>GOMP_SPINCOUNT</c> is set.
/// </para>
/// <para>
/// The environment variable <c>CRN_LIBTORCH</c> names a folder with another libtorch of the version that TorchSharp is
/// built for (2.10 for TorchSharp 0.107), for instance <c>torch/lib</c> of a Python installation with CUDA. When it is
/// set, libtorch comes from there or the start fails; there is no silent second choice. The application itself must then
/// hold no other libtorch (build with <c>-p:TorchBackend=none</c>): TorchSharp would load that too, which ends the process.
/// </para>
/// </remarks>
public static class TorchBackend
{
    /// <summary>The environment variable that names a folder with another libtorch.</summary>
    internal const string LibTorchVariable = "CRN_LIBTORCH";

    private static readonly Lock Gate = new();
    private static volatile bool _started;

    /// <summary>
    /// Makes libtorch ready for use. Thread-safe; every call after the first success returns at once. Thread counts stay
    /// as they are. A process keeps the libtorch that it started with. Does nothing when TorchSharp is already running.
    /// </summary>
    /// <exception cref="TorchBackendException">
    /// Nothing could be loaded; the message says what was tried and which package to add. A failed start may be retried,
    /// but a library of a wrong version that was already loaded stays in the process, so fixing a version needs a new one.
    /// </exception>
    public static void Start()
    {
        if (_started)
            return;

        lock (Gate)
        {
            if (_started)
                return;
            var tried = new List<string>();
            ThreadWaiting.SleepSoon();
            if (!IsLoaded("LibTorchSharp") && !(LoadLibTorch(tried) && LoadLibTorchSharp(tried)))
                throw Failure(tried);
            CallOnce(tried);
            _started = true;
        }
    }

    private static bool LoadLibTorch(List<string> tried)
    {
        var chosen = Environment.GetEnvironmentVariable(LibTorchVariable);
        return string.IsNullOrWhiteSpace(chosen) ? LoadLibTorchOfApplication(tried) : LoadLibTorchFrom(chosen, tried);
    }

    private static bool LoadLibTorchFrom(string folder, List<string> tried)
    {
        var library = LibTorchFolders.FileName("torch_cpu");
        if (!Directory.Exists(folder))
        {
            tried.Add($"{LibTorchVariable}={folder}: there is no such folder");
            return false;
        }

        if (!File.Exists(Path.Combine(folder, library)))
        {
            tried.Add($"{LibTorchVariable}={folder}: the folder holds no {library} (in a Python installation it is torch/lib)");
            return false;
        }

        if (LibTorchFolders.WhereTorchSharpLooks().FirstOrDefault(other => IsAnother(library, other, folder)) is string other)
        {
            tried.Add($"{LibTorchVariable}={folder}: the application has a {library} of its own in {other}, which TorchSharp would load "
                + "as well, and a process can hold one; build the application without (here: -p:TorchBackend=none)");
            return false;
        }

        return LoadFolder(Path.GetFullPath(folder), tried);
    }

    private static bool IsAnother(string library, string folder, string thanIn)
    {
        var path = Path.Combine(folder, library);
        return File.Exists(path) && RealPath(path) != RealPath(Path.Combine(thanIn, library));
    }

    // Folders may be links as well as files.
    private static string RealPath(string path)
    {
        var full = Path.GetFullPath(path);
        var file = File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
        var folder = Path.GetDirectoryName(file)!;
        return Path.Combine(Directory.ResolveLinkTarget(folder, returnFinalTarget: true)?.FullName ?? folder, Path.GetFileName(file));
    }

    private static bool LoadLibTorchOfApplication(List<string> tried)
    {
        var library = LibTorchFolders.FileName("torch_cpu");
        var folder = LibTorchFolders.OfLibTorch().FirstOrDefault(candidate => File.Exists(Path.Combine(candidate, library)));
        if (folder is not null)
            return LoadFolder(folder, tried);

        // The operating system may still know one (LD_LIBRARY_PATH, PATH): loading LibTorchSharp will tell.
        tried.AddRange(LibTorchFolders.OfLibTorch().Select(candidate => $"{candidate}: no {library}"));
        return true;
    }

    /// <summary>
    /// Loads a folder's libtorch by full paths, dependencies first, so that what comes later finds these by name and not
    /// those of LD_LIBRARY_PATH or of the system.
    /// </summary>
    private static bool LoadFolder(string folder, List<string> tried)
    {
        foreach (var name in new[] { "c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch" })
        {
            var path = Path.Combine(folder, LibTorchFolders.FileName(name));
            if (!File.Exists(path))
                continue;
            if (NativeCode.TryLoad(path, out var reason))
                continue;
            tried.Add($"{path}: {reason}");
            return false;
        }

        return true;
    }

    private static bool LoadLibTorchSharp(List<string> tried)
    {
        var library = LibTorchFolders.FileName("LibTorchSharp");
        var path = LibTorchFolders.OfLibTorchSharp().Select(folder => Path.Combine(folder, library)).FirstOrDefault(File.Exists);
        if (path is null)
        {
            tried.AddRange(LibTorchFolders.OfLibTorchSharp().Select(folder => $"{folder}: no {library}"));
            return false;
        }

        if (NativeCode.TryLoad(path, out var reason))
            return true;
        tried.Add($"{path}: {reason}");
        if (!LibTorchSharpCompatibility.IsCauseOf(reason))
            return false;

        try
        {
            path = LibTorchSharpCompatibility.CopyForOlderSystems(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            tried.Add($"a copy of it for older systems: {exception.Message}");
            return false;
        }

        if (NativeCode.TryLoad(path, out reason))
            return true;
        tried.Add($"{path} (the copy for older systems): {reason}");
        return false;
    }

    // TorchSharp's static constructor runs here, and whatever it fails with, it fails with for the rest of the process.
    // So no member of torch may be used before the libraries are loaded.
    private static void CallOnce(List<string> tried)
    {
        try
        {
            _ = torch.get_num_threads();
        }
        catch (Exception exception)
            when (exception is DllNotFoundException or EntryPointNotFoundException or NotSupportedException or TypeInitializationException)
        {
            tried.Add($"TorchSharp's first call: {exception.Message}");
            throw Failure(tried, exception);
        }
    }

    private static bool IsLoaded(string library)
    {
        using var process = Process.GetCurrentProcess();
        var file = LibTorchFolders.FileName(library);
        return process.Modules.Cast<ProcessModule>().Any(module => file.Equals(module.ModuleName, StringComparison.OrdinalIgnoreCase));
    }

    private static TorchBackendException Failure(List<string> tried, Exception? cause = null)
    {
        var package = RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "libtorch-cpu-win-x64 or TorchSharp-cuda-windows"
            : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "libtorch-cpu-osx-arm64"
            : "libtorch-cpu-linux-x64 or TorchSharp-cuda-linux";
        var version = LibTorchFolders.LibTorchVersion;
        var add = $"add the package {package} (or TorchSharp-cpu, for every system) to the application; in this repository build with "
            + "-p:TorchBackend=cpu or -p:TorchBackend=cuda";
        var fix = string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(LibTorchVariable))
            ? $"To fix it, {add}. Or set {LibTorchVariable} to a folder with libtorch {version}, such as torch/lib of a Python installation."
            : $"To fix it, set {LibTorchVariable} to a folder with libtorch {version}, such as torch/lib of a Python installation. Or unset it and {add}.";
        var lines = tried.Distinct().Select(line => "  " + line.ReplaceLineEndings(" ").Trim()).Append(fix);
        return new TorchBackendException($"libtorch {version} could not be started. Tried:\n{string.Join('\n', lines)}", cause);
    }
}
