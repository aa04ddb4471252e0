using System.Runtime.InteropServices;

namespace CrnMlNet.Torch.Backend;

/// <summary>Loads native libraries for good.</summary>
internal static partial class NativeCode
{
    private const int BindNow = 2;

    /// <summary>Loads the library at a full path. False, with the loader's own words, when it does not load.</summary>
    public static bool TryLoad(string path, out string reason)
    {
        reason = "";
        try
        {
            if (OperatingSystem.IsLinux())
                return TryLoadNow(path, out reason);
            NativeLibrary.Load(path);
            return true;
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            reason = exception.Message;
            return false;
        }
    }

    // .NET binds lazily. With a libtorch of another version, the first missing function would then end the process in
    // the middle of a training run; binding everything now makes that an error message here.
    private static bool TryLoadNow(string path, out string reason)
    {
        // Also binds dlerror itself before dlopen, whose message it would wipe out.
        _ = LastError();
        if (Open(path, BindNow) != 0)
        {
            reason = "";
            return true;
        }

        reason = Marshal.PtrToStringUTF8(LastError()) ?? "the loader gave no reason";
        if (reason.StartsWith($"{path}: ", StringComparison.Ordinal))
            reason = reason[(path.Length + 2)..];
        return false;
    }

    [LibraryImport("libc.so.6", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string path, int flags);

    [LibraryImport("libc.so.6", EntryPoint = "dlerror")]
    private static partial nint LastError();
}
