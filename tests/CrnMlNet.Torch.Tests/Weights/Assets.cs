using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>Files that PyTorch and SciPy wrote: Assets/make.py tells what is in them.</summary>
internal static class Assets
{
    public static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "Weights", "Assets", name);

    public static byte[] Bytes(string name) => File.ReadAllBytes(Path(name));

    /// <summary>A tensor's values in row-major order.</summary>
    public static double[] Values(TensorFile file, string name)
    {
        using var scope = NewDisposeScope();
        var entry = file.Entries[name];
        var target = empty([.. entry.Shape], entry.DataType);
        file.ReadInto(name, target);
        return entry.Shape.Contains(0) ? [] : target.to(ScalarType.Float64).data<double>().ToArray();
    }

    public static string Refusal(byte[] bytes) =>
        Assert.Throws<FormatException>(() => TensorFile.Open(new MemoryStream(bytes)).Dispose()).Message;

    /// <summary>Reads every tensor that is not large; a file that opens may still be damaged where the data is.</summary>
    public static void ReadAll(TensorFile file, long mostElements)
    {
        foreach (var entry in file.Entries.Values)
        {
            if (entry.Shape.Aggregate(1.0, (count, dimension) => count * dimension) > mostElements)
                continue;
            using var target = empty([.. entry.Shape], entry.DataType);
            file.ReadInto(entry.Name, target);
        }
    }
}
