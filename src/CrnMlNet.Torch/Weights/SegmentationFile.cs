using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>What a segmentation network was trained on.</summary>
/// <param name="Classes">The names of its classes, in the order of its ids; void is none of them.</param>
/// <param name="Height">The height in pixels of the photos that it has seen.</param>
/// <param name="Width">Their width in pixels.</param>
/// <param name="Pairs">How many there were.</param>
/// <param name="Epochs">How often it has seen each.</param>
/// <param name="Seed">What its weights, the order and the mirroring were seeded with.</param>
public sealed record SegmentationDescription(IReadOnlyList<string> Classes, int Height, int Width, int Pairs, int Epochs, int Seed);

/// <summary>Segmentation networks as safetensors files that say themselves what they are.</summary>
public static class SegmentationFile
{
    private const string KindKey = "kind", Kind = "crn segmentation network, version 1";
    private const string ClassesKey = "classes", HeightKey = "height", WidthKey = "width", PairsKey = "pairs", EpochsKey = "epochs", SeedKey = "seed";

    /// <summary>The most classes a file may have: those of the largest palette.</summary>
    private const int MostClasses = 255;

    /// <summary>Writes a network; equal networks with equal descriptions give equal bytes.</summary>
    /// <param name="stream">The stream to write to, from where it stands.</param>
    /// <param name="network">The network.</param>
    /// <param name="description">What it was trained on, with a name for each of its classes.</param>
    /// <exception cref="ArgumentException">The names are not as many as the classes.</exception>
    public static void Write(Stream stream, SegmentationNetwork network, SegmentationDescription description)
    {
        if (description.Classes.Count != network.Classes)
            throw new ArgumentException($"The network has {network.Classes} classes, and {description.Classes.Count} names are given.", nameof(description));
        Safetensors.Write(stream, network.named_parameters().Select(named => (named.name, (Tensor)named.parameter)), new Dictionary<string, string>
        {
            [KindKey] = Kind,
            [ClassesKey] = JsonSerializer.Serialize(description.Classes),
            [HeightKey] = Text(description.Height),
            [WidthKey] = Text(description.Width),
            [PairsKey] = Text(description.Pairs),
            [EpochsKey] = Text(description.Epochs),
            [SeedKey] = Text(description.Seed),
        });
    }

    /// <summary>The SHA-256 of the file that <see cref="Write"/> would make, in small hexadecimal digits.</summary>
    /// <param name="network">The network.</param>
    /// <param name="description">What it was trained on.</param>
    public static string Hash(SegmentationNetwork network, SegmentationDescription description)
    {
        using var hash = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write, leaveOpen: true))
            Write(stream, network, description);
        return Convert.ToHexStringLower(hash.Hash!);
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The network, on the CPU, for the caller to dispose, and what it was trained on.</returns>
    /// <exception cref="FormatException">The file is damaged, or no segmentation network.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    public static (SegmentationNetwork Network, SegmentationDescription Description) Read(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"The segmentation network '{path}' does not exist{(Directory.Exists(path) ? " as a file: it is a folder" : "")}.", path);
        try
        {
            using var stream = File.OpenRead(path);
            var header = Safetensors.ReadHeader(stream);
            var description = Describe(header.Metadata);
            var network = new SegmentationNetwork(description.Classes.Count);
            try
            {
                Fill(network, stream, header);
                return (network, description);
            }
            catch
            {
                network.Dispose();
                throw;
            }
        }
        catch (FormatException e)
        {
            throw new FormatException($"'{path}' is damaged or no segmentation network that 'crn train-segmenter' made: {e.Message}", e);
        }
    }

    private static void Fill(SegmentationNetwork network, Stream stream, SafetensorsHeader header)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        Safetensors.ReadInto(stream, header, network.named_parameters().ToDictionary(named => named.name, named => (Tensor)named.parameter));
        if (network.named_parameters().FirstOrDefault(named => !named.parameter.isfinite().all().item<bool>()).name is { } spoiled)
            throw new FormatException($"{TensorEntry.Quote(spoiled)} has values that are not numbers.");
        network.eval();
    }

    private static SegmentationDescription Describe(IReadOnlyDictionary<string, string> metadata)
    {
        if (Value(KindKey) != Kind)
            throw new FormatException($"its kind is {TensorEntry.Quote(Value(KindKey))} and not {TensorEntry.Quote(Kind)}.");
        string[] classes;
        try
        {
            classes = JsonSerializer.Deserialize<string[]>(Value(ClassesKey)) ?? [];
        }
        catch (JsonException e)
        {
            throw new FormatException($"its classes are no list of names: {e.Message}", e);
        }

        if (classes.Length is 0 or > MostClasses || classes.Any(string.IsNullOrWhiteSpace))
            throw new FormatException($"it names {classes.Length} classes; 1 to {MostClasses} with a name each can be.");
        return new SegmentationDescription(classes, Number(HeightKey), Number(WidthKey), Number(PairsKey), Number(EpochsKey), Number(SeedKey));

        string Value(string key) => metadata.TryGetValue(key, out var value) ? value : throw new FormatException($"its metadata has no '{key}'.");

        int Number(string key) => int.TryParse(Value(key), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw new FormatException($"its metadata's '{key}' is {TensorEntry.Quote(Value(key))}, and no whole number.");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
