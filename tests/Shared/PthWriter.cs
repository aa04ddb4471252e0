using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace CrnMlNet.Tests.Shared;

/// <summary>
/// Writes state dictionaries of floats as PyTorch's <c>torch.save</c> does, in the form before version 1.6 and in the zip form, of any
/// size: written from torch/serialization.py and Python's pickletools.py, with nothing of the reader under test in it.
/// </summary>
internal static class PthWriter
{
    private const int ChunkSize = 1 << 18;

    private static readonly byte[] BeforeTheLegacyDictionary =
    [
        0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.', // the magic number
        0x80, 2, (byte)'M', 0xe9, 3, (byte)'.', // version 1001
        0x80, 2, (byte)'}', (byte)'.', // of the system nothing
    ];

    /// <summary>A tensor, contiguous.</summary>
    /// <param name="Name">Its key.</param>
    /// <param name="Shape">Its dimensions.</param>
    /// <param name="Value">The element at an index.</param>
    public sealed record Tensor(string Name, long[] Shape, Func<long, float> Value)
    {
        public long Count => Shape.Aggregate(1L, (product, size) => product * size);
    }

    /// <summary>Writes the form before version 1.6: pickles, then each storage behind its number of elements.</summary>
    public static void WriteLegacy(string path, params IReadOnlyList<Tensor> tensors)
    {
        using var file = File.Create(path);
        file.Write(BeforeTheLegacyDictionary);
        file.Write(Dictionary(tensors, isLegacy: true));
        file.Write([0x80, 2, (byte)']', (byte)'(', .. tensors.SelectMany((_, key) => Text($"{key}")), (byte)'e', (byte)'.']);
        foreach (var tensor in tensors)
        {
            file.Write(BitConverter.GetBytes(tensor.Count));
            WriteStorage(file, tensor);
        }
    }

    /// <summary>Writes the zip form, with checksums.</summary>
    public static void WriteZip(string path, params IReadOnlyList<Tensor> tensors)
    {
        using var zip = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        Add("data.pkl", content => content.Write(Dictionary(tensors, isLegacy: false)));
        for (int key = 0; key < tensors.Count; key++)
        {
            var tensor = tensors[key];
            Add($"data/{key}", content => WriteStorage(content, tensor));
        }
        Add("version", content => content.Write("3\n"u8));

        void Add(string name, Action<Stream> write)
        {
            using var content = zip.CreateEntry($"archive/{name}", CompressionLevel.NoCompression).Open();
            write(content);
        }
    }

    private static byte[] Dictionary(IReadOnlyList<Tensor> tensors, bool isLegacy) =>
        [0x80, 2, (byte)'}', (byte)'(', .. tensors.SelectMany((tensor, key) => (byte[])[.. Text(tensor.Name), .. Rebuild(tensor, key, isLegacy)]), (byte)'u', (byte)'.'];

    /// <summary>_rebuild_tensor_v2(storage, 0, size, strides, False, None), the storage by its persistent id.</summary>
    private static byte[] Rebuild(Tensor tensor, int key, bool isLegacy)
    {
        var strides = new long[tensor.Shape.Length];
        for (long i = strides.Length - 1, stride = 1; i >= 0; stride *= tensor.Shape[i--])
            strides[i] = stride;
        return
        [
            .. "ctorch._utils\n_rebuild_tensor_v2\n(("u8, .. Text("storage"), .. "ctorch\nFloatStorage\n"u8, .. Text($"{key}"), .. Text("cpu"), .. Integer(tensor.Count),
            .. isLegacy ? "NtQ"u8 : "tQ"u8, .. Integer(0), .. Tuple(tensor.Shape), .. Tuple(strides), 0x89, .. "NtR"u8,
        ];
    }

    private static byte[] Tuple(long[] numbers) => [(byte)'(', .. numbers.SelectMany(Integer), (byte)'t'];

    private static byte[] Integer(long value) => [0x8a, sizeof(long), .. BitConverter.GetBytes(value)];

    private static byte[] Text(string text) => [(byte)'X', .. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    private static void WriteStorage(Stream stream, Tensor tensor)
    {
        var chunk = new float[ChunkSize];
        for (long first = 0; first < tensor.Count; first += ChunkSize)
        {
            var values = chunk.AsSpan(0, (int)Math.Min(ChunkSize, tensor.Count - first));
            for (int i = 0; i < values.Length; i++)
                values[i] = tensor.Value(first + i);
            stream.Write(MemoryMarshal.AsBytes(values));
        }
    }
}
