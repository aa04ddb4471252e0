using CrnMlNet.Tests.Shared;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Weights;
using Microsoft.ML;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Benchmarks;

/// <summary>
/// The memory that reading a model of 1.2 GB takes at its peak, the model included: PyTorch's state dictionaries in both forms, and a
/// checkpoint of the authors' 256p network with Adam's moments, which is read alone and imported as a model.
/// </summary>
internal static class ReadingMemory
{
    /// <summary>What the process of one measurement is called with first.</summary>
    public const string Measurement = "reading-of";

    private const string Import = "import";
    private const long MostBesideTheModel = 512L << 20;

    /// <summary>Writes the files, prints a row for each, and deletes them.</summary>
    /// <returns>Whether all stay below the model's size and 512 MiB.</returns>
    public static bool Report()
    {
        string folder = Directory.CreateTempSubdirectory("crn-benchmark").FullName;
        try
        {
            Console.WriteLine("                                model      at most    measured         time");
            // Three times the largest layer of VGG-19.
            var layers = Enumerable.Range(0, 3).Select(i => new PthWriter.Tensor($"classifier.{i}.weight", [4096, 25088], index => index % 1000)).ToList();
            long pth = sizeof(float) * layers.Sum(layer => layer.Count);
            string path = Path.Combine(folder, "model.pth");
            PthWriter.WriteLegacy(path, layers);
            bool kept = Row(".pth before version 1.6", pth, "read", path);
            PthWriter.WriteZip(path, layers);
            kept &= Row(".pth, zip", pth, "read", path);
            File.Delete(path);

            string prefix = Path.Combine(folder, "model.ckpt");
            new AuthorsModel(rows: 256, images: 9, narrowing: 1).Checkpoint(_ => true, 0.05f).Write(prefix);
            long checkpoint = new FileInfo(prefix + ".data-00000-of-00001").Length;
            kept &= Row("TensorFlow checkpoint", checkpoint, "read", prefix);
            return kept & Row("  imported as model.zip", checkpoint, Import, prefix);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Reads a file, or imports it, and prints the growth of the process' peak in bytes and the seconds.</summary>
    public static void Measure(string how, string path)
    {
        TorchBackend.Start();
        OwnProcess.Print(() =>
        {
            if (how == Import)
                ImportModel(path);
            else
                ReadAll(path);
        });
    }

    private static bool Row(string what, long size, string how, string path)
    {
        Console.Write($"{what,-26} {size >> 20,6:N0} MiB {(size + MostBesideTheModel) >> 20,8:N0} MiB ");
        var measured = OwnProcess.Run(Measurement, how, path);
        Console.WriteLine(measured is var (bytes, seconds) ? $"{bytes >> 20,7:N0} MiB {seconds,10:0.0} s" : "     failed");
        return measured?.Bytes < size + MostBesideTheModel;
    }

    private static void ReadAll(string path)
    {
        using var scope = NewDisposeScope();
        using var file = TensorFile.Open(path);
        foreach (var (name, entry) in file.Entries)
            file.ReadInto(name, empty([.. entry.Shape], entry.DataType));
    }

    private static void ImportModel(string prefix)
    {
        var mlContext = new MLContext();
        using var model = mlContext.Model.LoadCrnCheckpoint(prefix);
        mlContext.Model.Save(model, inputSchema: null, prefix + ".zip");
    }
}
