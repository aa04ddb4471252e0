using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Weights;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// All of a training between two steps, as one safetensors file: weights, the optimizer's moments, the best weights so far,
/// and in the metadata where the training stands, what it is a training of, and a checksum over all of that.
/// </summary>
/// <param name="Subject">What is trained on what, and how: only the same can be continued.</param>
/// <param name="State">Where the training stands.</param>
/// <param name="LayerWeights">lambda.</param>
internal sealed record Checkpoint(TrainingSubject Subject, TrainingState State, LayerWeights LayerWeights)
{
    private const int FormatVersion = 1;
    private const string TrainingKey = "training";
    private const string ChecksumKey = "sha256";

    private static readonly JsonSerializerOptions Json = new()
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    /// <summary>What the layers contributed in this epoch: see <see cref="LayerWeightSchedule.Sums"/>.</summary>
    public IReadOnlyList<double> TermSums { get; init; } = [];

    /// <summary>The version of the format.</summary>
    public int Version { get; init; } = FormatVersion;

    /// <summary>Writes the file, and sees to it that it is on the disk, not only on its way there.</summary>
    public void Write(string path, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        string json = JsonSerializer.Serialize(this, Json);
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 20);
        Safetensors.Write(file, tensors, new Dictionary<string, string> { [TrainingKey] = json, [ChecksumKey] = Checksum(json, tensors) });
        file.Flush(flushToDisk: true);
    }

    /// <summary>Reads a file.</summary>
    /// <returns>The checkpoint, and its tensors in CPU memory, which are the caller's to dispose.</returns>
    /// <exception cref="FormatException">The file is damaged.</exception>
    /// <exception cref="NotSupportedException">The file is of a later version.</exception>
    public static (Checkpoint Checkpoint, Dictionary<string, Tensor> Tensors) Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 20);
        var metadata = Safetensors.ReadHeader(file).Metadata;
        if (!metadata.TryGetValue(TrainingKey, out var json) || !metadata.TryGetValue(ChecksumKey, out var checksum))
            throw new FormatException("it is not a checkpoint");
        file.Position = 0;
        var tensors = Safetensors.ReadAll(file);
        try
        {
            if (Checksum(json, [.. tensors.Select(tensor => (tensor.Key, tensor.Value))]) != checksum)
                throw new FormatException("its checksum is another");
            return (Parse(json, path), tensors);
        }
        catch
        {
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
            throw;
        }
    }

    private static Checkpoint Parse(string json, string path)
    {
        using var document = JsonDocument.Parse(json);
        int version = document.RootElement.GetProperty(nameof(Version)).GetInt32();
        if (version != FormatVersion)
            throw new NotSupportedException($"Checkpoint '{path}' has format {version}; this CrnMlNet reads {FormatVersion}.");
        return document.Deserialize<Checkpoint>(Json)!;
    }

    /// <summary>The hash of the file as it would be without a checksum in it.</summary>
    private static string Checksum(string json, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        using var hash = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write, leaveOpen: true))
            Safetensors.Write(stream, tensors, new Dictionary<string, string> { [TrainingKey] = json });
        return Convert.ToHexString(hash.Hash!);
    }
}
