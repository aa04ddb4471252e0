using System.Security.Cryptography;
using CrnMlNet.Torch.Backend;
using Microsoft.ML;

namespace CrnMlNet.Cli;

/// <summary>Models on disk: ML.NET's zip with a <see cref="SynthesizeFromLabelsTransformer"/> in it.</summary>
internal static class ModelFile
{
    /// <param name="mlContext">The context.</param>
    /// <param name="model">What to save.</param>
    /// <param name="path">Where.</param>
    /// <param name="written">Is told how many bytes the file has by now; exceptions end the saving.</param>
    /// <exception cref="IOException">It cannot be written, for instance because the disk is full; nothing is left behind.</exception>
    public static void Save(MLContext mlContext, SynthesizeFromLabelsTransformer model, string path, Action<long>? written = null)
    {
        try
        {
            // No schema: ML.NET cannot save one that has nothing but image columns ("No valid columns to save").
            AtomicFile.Write(path, stream => mlContext.Model.Save(model, inputSchema: null, written is null ? stream : new WatchedStream(stream, written)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"Model '{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is damaged, or not a model that synthesizes.</exception>
    public static SynthesizeFromLabelsTransformer Load(MLContext mlContext, string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"Model '{path}' does not exist{(Directory.Exists(path) ? " as a file: it is a folder" : "")}.", path);
        ITransformer model;
        try
        {
            model = mlContext.Model.Load(path, out _);
        }
        // A file from anywhere can fail in any way; all of it is the file's fault but these.
        catch (Exception e) when (Failure.Cause(e) is not (TorchBackendException or OutOfMemoryException or UnauthorizedAccessException))
        {
            throw new InvalidDataException($"Model '{path}' cannot be loaded, it is damaged or not a model of crn: {Failure.Describe(Failure.Cause(e))}", e);
        }

        if (Synthesizers(model).FirstOrDefault() is { } synthesizer)
            return synthesizer;
        (model as IDisposable)?.Dispose();
        throw new InvalidDataException($"Model '{path}' is an ML.NET model that does not synthesize from labels. Give one that 'crn train' or SynthesizeFromLabels made.");
    }

    /// <summary>Loads a model and tells its file's SHA-256, in hexadecimal; see the other overload.</summary>
    /// <exception cref="IOException">The file changes meanwhile, as when a training saves its model.</exception>
    public static SynthesizeFromLabelsTransformer Load(MLContext mlContext, string path, out string sha256)
    {
        var before = Version();
        var model = Load(mlContext, path);
        try
        {
            using (var file = File.OpenRead(path))
                sha256 = Convert.ToHexStringLower(SHA256.HashData(file));
            return Version() == before ? model : throw new IOException($"Model '{path}' was being replaced. Try again.");
        }
        catch
        {
            model.Dispose();
            throw;
        }

        (DateTime, long) Version() => new FileInfo(path) is { Exists: true } file ? (file.LastWriteTimeUtc, file.Length) : default;
    }

    private static IEnumerable<SynthesizeFromLabelsTransformer> Synthesizers(ITransformer model) => model switch
    {
        SynthesizeFromLabelsTransformer synthesizer => [synthesizer],
        IEnumerable<ITransformer> chain => chain.SelectMany(Synthesizers),
        _ => [],
    };
}
