// PublicizeReferences OUTPUT_FOLDER ASSEMBLY...
// Writes a copy of each assembly in which everything internal is public, for the compiler to read in place of the original.
// What runs is the original; IgnoresAccessChecksToAttribute lets the compiled code reach what it was compiled against.
// Private members stay private: nothing needs them, and a field beside an event of its name would become ambiguous.
using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

if (args.Length < 2)
{
    Console.Error.WriteLine("usage: PublicizeReferences OUTPUT_FOLDER ASSEMBLY...");
    return 1;
}

foreach (var path in args[1..])
    WriteAtomically(Path.Combine(args[0], Path.GetFileName(path)), Publicize(File.ReadAllBytes(path)));
return 0;

// Visibility is three bits in the flags of a table row, so the copy differs from the original in those bits alone.
static byte[] Publicize(byte[] image)
{
    using var pe = new PEReader(new MemoryStream(image, writable: false));
    var metadata = pe.GetMetadataReader();
    var metadataStart = pe.PEHeaders.MetadataStartOffset;

    // Columns: ECMA-335 II.22.37 (TypeDef: Flags first), II.22.15 (Field: Flags first), II.22.26 (MethodDef: RVA, ImplFlags, Flags).
    Rewrite(TableIndex.TypeDef, 0, (int)TypeAttributes.VisibilityMask, visibility => (TypeAttributes)visibility switch
    {
        TypeAttributes.NotPublic => (int)TypeAttributes.Public,
        TypeAttributes.NestedAssembly or TypeAttributes.NestedFamANDAssem or TypeAttributes.NestedFamORAssem => (int)TypeAttributes.NestedPublic,
        _ => visibility,
    });
    Rewrite(TableIndex.Field, 0, (int)FieldAttributes.FieldAccessMask, PublicizeMember);
    Rewrite(TableIndex.MethodDef, 6, (int)MethodAttributes.MemberAccessMask, PublicizeMember);
    return image;

    void Rewrite(TableIndex table, int flagsColumn, int mask, Func<int, int> publicize)
    {
        var firstRow = metadataStart + metadata.GetTableMetadataOffset(table);
        for (var row = 0; row < metadata.GetTableRowCount(table); row++)
        {
            var flags = image.AsSpan(firstRow + row * metadata.GetTableRowSize(table) + flagsColumn, sizeof(ushort));
            var value = BinaryPrimitives.ReadUInt16LittleEndian(flags);
            BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(value & ~mask | publicize(value & mask)));
        }
    }
}

// Fields and methods number their accessibilities alike.
static int PublicizeMember(int access) => (MethodAttributes)access switch
{
    MethodAttributes.Assembly or MethodAttributes.FamANDAssem or MethodAttributes.FamORAssem => (int)MethodAttributes.Public,
    _ => access,
};

// Several builds may run at once: none may read half a file.
static void WriteAtomically(string path, byte[] content)
{
    var temporary = $"{path}.{Environment.ProcessId}.tmp";
    File.WriteAllBytes(temporary, content);
    File.Move(temporary, path, overwrite: true);
}
