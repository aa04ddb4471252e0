using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace CrnMlNet.Tests.Persistence;

/// <summary>
/// Changes a saved model's entries. A change to one is made as somebody would who means it: without the checksums. All are stored uncompressed, so that
/// a byte of the file is a byte of its entry.
/// </summary>
internal static class ModelFile
{
    public const string Description = "Model.json";
    public const string Weights = "weights.safetensors";
    private const string Checksums = "SHA256SUMS";

    /// <summary>The model's entries as they are.</summary>
    public static byte[] Rewritten(string path) => With(path, "", bytes => bytes);

    /// <summary>The model with an entry (by file name) changed, or left out where <paramref name="change"/> gives null.</summary>
    public static byte[] With(string path, string name, Func<byte[], byte[]?> change)
    {
        using var changed = new MemoryStream();
        using (var source = ZipFile.OpenRead(path))
        using (var target = new ZipArchive(changed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var entry in source.Entries)
            {
                if (name != "" && entry.Name == Checksums)
                    continue;
                using var content = new MemoryStream();
                using (var opened = entry.Open())
                    opened.CopyTo(content);
                if ((entry.Name == name ? change(content.ToArray()) : content.ToArray()) is not { } bytes)
                    continue;
                using var written = target.CreateEntry(entry.FullName, CompressionLevel.NoCompression).Open();
                written.Write(bytes);
            }
        }

        return changed.ToArray();
    }

    public static byte[] WithDescription(string path, Func<string, string> change)
        => With(path, Description, bytes =>
        {
            var text = Encoding.UTF8.GetString(bytes);
            var changed = change(text);
            Assert.NotEqual(text, changed);
            return Encoding.UTF8.GetBytes(changed);
        });

    /// <summary>Where an entry's bytes begin in a model whose entries are not compressed.</summary>
    public static int BeginOf(byte[] model, string name)
    {
        // The local header (PKWARE APPNOTE 4.3.7): 30 bytes, of which 26-27 and 28-29 are the lengths of name and extra field.
        var nameAt = model.AsSpan().IndexOf(Encoding.ASCII.GetBytes(name));
        var header = model.AsSpan(..nameAt).LastIndexOf("PK\x03\x04"u8);
        return header + 30 + BinaryPrimitives.ReadUInt16LittleEndian(model.AsSpan(header + 26)) + BinaryPrimitives.ReadUInt16LittleEndian(model.AsSpan(header + 28));
    }
}
