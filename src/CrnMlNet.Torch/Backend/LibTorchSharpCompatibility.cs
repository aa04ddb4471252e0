using System.Buffers.Binary;
using System.Security.Cryptography;

namespace CrnMlNet.Torch.Backend;

/// <summary>Lets TorchSharp's native library load on Linux systems whose C++ library is older than GCC 13's.</summary>
/// <remarks>
/// TorchSharp 0.107's libLibTorchSharp.so asks for one symbol of version GLIBCXX_3.4.32:
/// <c>std::ios_base_library_init()</c>, by which GCC 13 makes sure that the standard streams are set up. Older C++
/// libraries set them up in each object file, libtorch's among them, so nothing is lost without the call. In a copy of
/// the library the version becomes optional and the call goes to <c>std::uncaught_exception()</c>, which takes no
/// argument, changes nothing and is in every libstdc++. The file's length and layout stay as they are.
/// </remarks>
internal static class LibTorchSharpCompatibility
{
    private const string MissingVersion = "GLIBCXX_3.4.32";

    private static ReadOnlySpan<byte> MissingSymbol => "_ZSt21ios_base_library_initv"u8;

    private static ReadOnlySpan<byte> HarmlessSymbol => "_ZSt18uncaught_exceptionv"u8;

    /// <summary>Whether the loader's words say that this one version is what the system lacks.</summary>
    public static bool IsCauseOf(string reason) => OperatingSystem.IsLinux() && reason.Contains($"{MissingVersion}' not found");

    /// <summary>
    /// The path of a copy that older systems load, in the user's cache folder. The copy on disk is used only when it is
    /// byte for byte what this library gives.
    /// </summary>
    /// <exception cref="FormatException">The library is not built as expected.</exception>
    /// <exception cref="IOException">The library cannot be read, or the copy not written.</exception>
    public static string CopyForOlderSystems(string library)
    {
        var original = File.ReadAllBytes(library);
        var adapted = Adapt(original);
        try
        {
            if (UserCache.Folder is { } cache)
                return Keep(adapted, Path.Combine(cache, $"libtorchsharp-{Convert.ToHexStringLower(SHA256.HashData(original))}", Path.GetFileName(library)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A read-only home. The next folder's failure is the caller's to hear.
        }

        // Own and private: a fixed path below a shared /tmp could be another user's file.
        return Keep(adapted, Path.Combine(Directory.CreateTempSubdirectory("crnmlnet-").FullName, Path.GetFileName(library)));
    }

    /// <summary>The library's bytes with the one symbol replaced. A library that does not ask for it comes back equal.</summary>
    /// <exception cref="FormatException">Not a 64-bit little-endian ELF library, or not built as expected.</exception>
    public static byte[] Adapt(ReadOnlySpan<byte> library)
    {
        var file = library.ToArray();
        try
        {
            Adapt(file, ElfDynamicSections.Of(file));
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or IndexOutOfRangeException or OverflowException)
        {
            throw new FormatException("The library is damaged: an ELF table points outside the file.", exception);
        }

        return file;
    }

    private static void Adapt(Span<byte> file, ElfDynamicSections sections)
    {
        if (FindNeed(file, sections) is not int need)
            return;
        const int flagsAt = 4, indexAt = 6;
        var version = BinaryPrimitives.ReadUInt16LittleEndian(file[(need + indexAt)..]);

        var symbols = sections.SymbolsOfVersion(file, version);
        if (symbols.Count == 0)
            return;
        if (symbols.Count != 1 || !sections.NameOf(file, symbols[0]).SequenceEqual(MissingSymbol))
            throw new FormatException($"The library needs more of {MissingVersion} than one symbol: {symbols.Count} symbols have that version.");
        if (sections.SymbolsSharingNameOf(file, symbols[0]) > 0)
            throw new FormatException("Another symbol shares the name that would be overwritten.");

        const ushort weak = 2; // VER_FLG_WEAK
        BinaryPrimitives.WriteUInt16LittleEndian(file[(need + flagsAt)..], weak);
        const ushort unversioned = 1; // VER_NDX_GLOBAL
        BinaryPrimitives.WriteUInt16LittleEndian(file[sections.VersionAt(symbols[0])..], unversioned);
        var name = file.Slice(sections.NameAt(file, symbols[0]), MissingSymbol.Length);
        name.Clear();
        HarmlessSymbol.CopyTo(name);
    }

    /// <summary>The offset of the version's Elf64_Vernaux: hash u32, flags u16, index u16, name u32, next u32.</summary>
    private static int? FindNeed(ReadOnlySpan<byte> file, ElfDynamicSections sections)
    {
        var text = System.Text.Encoding.ASCII.GetBytes(MissingVersion);
        // Elf64_Verneed: version u16, count u16, file u32, first auxiliary u32, next u32.
        for (var entry = sections.VersionNeeds; ; entry += Int(file, entry + 12))
        {
            var need = entry + Int(file, entry + 8);
            for (var left = BinaryPrimitives.ReadUInt16LittleEndian(file[(entry + 2)..]); left > 0; left--)
            {
                if (sections.TextAt(file, Int(file, need + 8)).SequenceEqual(text))
                    return need;
                need += Int(file, need + 12);
            }

            if (Int(file, entry + 12) == 0)
                return null;
        }
    }

    private static int Int(ReadOnlySpan<byte> file, int at) => checked((int)BinaryPrimitives.ReadUInt32LittleEndian(file[at..]));

    private static string Keep(byte[] adapted, string path)
    {
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(adapted))
            return path;

        UserCache.Write(path, file => file.Write(adapted));
        return path;
    }
}
