using System.Buffers.Binary;

namespace CrnMlNet.Torch.Backend;

/// <summary>
/// File offsets of what a 64-bit ELF library says about its dynamic symbols ("System V Application Binary Interface",
/// chapters 4 and 5; the version tables are those of the Linux Standard Base, "Symbol Versioning").
/// </summary>
internal sealed record ElfDynamicSections(int Symbols, int SymbolCount, int Strings, int Versions, int VersionNeeds)
{
    private const int SymbolSize = 24;
    private const uint DynamicSymbols = 11, GnuVersionNeeds = 0x6ffffffe, GnuVersions = 0x6fffffff;

    /// <summary>Reads the section headers.</summary>
    /// <exception cref="FormatException">Not a 64-bit little-endian ELF library with versioned symbols.</exception>
    public static ElfDynamicSections Of(ReadOnlySpan<byte> file)
    {
        if (file.Length < 64 || !file[..6].SequenceEqual("\u007fELF\u0002\u0001"u8))
            throw new FormatException("The library is not a 64-bit little-endian ELF file.");

        var headers = Offset(file, 40);
        var size = BinaryPrimitives.ReadUInt16LittleEndian(file[58..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(file[60..]);
        int? symbols = null, versions = null, needs = null;
        for (var section = 0; section < count; section++)
        {
            var header = headers + section * size;
            switch (BinaryPrimitives.ReadUInt32LittleEndian(file[(header + 4)..]))
            {
                case DynamicSymbols: symbols = header; break;
                case GnuVersions: versions = header; break;
                case GnuVersionNeeds: needs = header; break;
            }
        }

        if (symbols is null || versions is null || needs is null)
            throw new FormatException("The library has no dynamic symbols with versions.");

        var link = checked((int)BinaryPrimitives.ReadUInt32LittleEndian(file[(symbols.Value + 40)..]));
        return new ElfDynamicSections(
            Symbols: Offset(file, symbols.Value + 24),
            SymbolCount: Offset(file, symbols.Value + 32) / SymbolSize,
            Strings: Offset(file, headers + link * size + 24),
            Versions: Offset(file, versions.Value + 24),
            VersionNeeds: Offset(file, needs.Value + 24));
    }

    public List<int> SymbolsOfVersion(ReadOnlySpan<byte> file, ushort version)
    {
        var found = new List<int>();
        for (var symbol = 0; symbol < SymbolCount; symbol++)
        {
            if (BinaryPrimitives.ReadUInt16LittleEndian(file[VersionAt(symbol)..]) == version)
                found.Add(symbol);
        }

        return found;
    }

    /// <summary>How many other symbols' names lie in the same text; a linker stores a name that ends another inside it.</summary>
    public int SymbolsSharingNameOf(ReadOnlySpan<byte> file, int symbol)
    {
        var start = NameAt(file, symbol);
        var end = start + NameOf(file, symbol).Length;
        var sharing = 0;
        for (var other = 0; other < SymbolCount; other++)
        {
            var at = NameAt(file, other);
            if (other != symbol && at >= start && at < end)
                sharing++;
        }

        return sharing;
    }

    public int VersionAt(int symbol) => Versions + 2 * symbol;

    public int NameAt(ReadOnlySpan<byte> file, int symbol)
        => Strings + checked((int)BinaryPrimitives.ReadUInt32LittleEndian(file[(Symbols + SymbolSize * symbol)..]));

    public ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> file, int symbol) => TextAt(file, NameAt(file, symbol) - Strings);

    public ReadOnlySpan<byte> TextAt(ReadOnlySpan<byte> file, int offset)
    {
        var text = file[(Strings + offset)..];
        return text[..text.IndexOf((byte)0)];
    }

    private static int Offset(ReadOnlySpan<byte> file, int at) => checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file[at..]));
}
