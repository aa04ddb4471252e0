using System.Security.Cryptography;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// The VGG-19 that a user has imported: a safetensors copy in <see cref="UserCache"/>, with which every later training compares.
/// Its metadata says where the weights are from, what they expect of images, and what activations they gave when they were imported.
/// </summary>
/// <remarks>
/// There is one; importing another file replaces it. Weights that no trained network can have are refused (<see cref="Vgg19File.Check"/>).
/// </remarks>
public static class Vgg19Import
{
    private const string SourceKey = "source", Sha256Key = "sha256", ActivationsKey = "activations";

    /// <summary>What to say where it is needed and was not imported.</summary>
    internal const string Missing =
        "VGG-19 was not imported. Do so once: 'crn import vgg19 FILE' for a file that you have (crn import vgg19 --help tells which), or 'crn import vgg19 --download'.";

    /// <summary>Where the copy is when there is one.</summary>
    /// <exception cref="IOException">The user has no cache folder.</exception>
    public static string Location => Path.Combine(
        UserCache.Folder ?? throw new IOException($"There is no home folder to keep VGG-19 in. Set {UserCache.Variable} to a folder's full path."), "vgg19.safetensors");

    /// <summary>Whether VGG-19 was imported.</summary>
    public static bool Exists => UserCache.Folder is not null && File.Exists(Location);

    /// <summary>Checks a network's weights and keeps them, in place of what was imported before.</summary>
    /// <param name="network">The network, on the CPU, as <see cref="Vgg19File"/> reads it.</param>
    /// <param name="allowUntrained">Whether weights may be in no order, as those of no trained network are.</param>
    /// <returns>The activation checksum, for people.</returns>
    /// <exception cref="FormatException">The weights are those of no trained network.</exception>
    /// <exception cref="IOException">The copy cannot be written; what was imported before stays.</exception>
    public static string Keep(Vgg19 network, bool allowUntrained = false)
    {
        ArgumentNullException.ThrowIfNull(network);
        var activations = Vgg19File.Check(network, allowUntrained);
        try
        {
            UserCache.Write(Location, file => Safetensors.Write(
                file,
                Vgg19.Shapes.Select(shape => (shape.Name, network.Weights[shape.Name])),
                new Dictionary<string, string>
                {
                    [SourceKey] = network.Source.FileName,
                    [Sha256Key] = network.Source.Sha256,
                    [Vgg19File.NormalisationKey] = network.Source.Normalisation.Name,
                    [ActivationsKey] = activations.ToString(),
                }));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"VGG-19 cannot be kept in '{Location}': {e.Message}", e);
        }
        return activations.ToString();
    }

    /// <summary>Loads the copy, and sees whether it still gives the activations that it gave when it was imported.</summary>
    /// <param name="device">Where images will be.</param>
    /// <exception cref="InvalidOperationException">VGG-19 was not imported.</exception>
    /// <exception cref="FormatException">The copy is damaged, or computes something else than it did.</exception>
    public static Vgg19 Open(Device device)
    {
        if (!Exists)
            throw new InvalidOperationException(Missing);
        try
        {
            using var file = new SafetensorsFile(File.OpenRead(Location));
            var network = Read(file, out var activations);
            try
            {
                var now = Vgg19Activations.Of(network);
                if (!now.Agrees(activations))
                    throw new FormatException($"its activations are {now}, and were {activations} when it was imported.");
                network.To(device);
                return network;
            }
            catch
            {
                network.Dispose();
                throw;
            }
        }
        catch (FormatException e)
        {
            throw new FormatException($"The imported VGG-19 '{Location}' is damaged: {e.Message} Import it again (crn import vgg19 FILE).", e);
        }
    }

    private static Vgg19 Read(SafetensorsFile file, out Vgg19Activations activations)
    {
        string[] values = [.. new[] { SourceKey, Sha256Key, Vgg19File.NormalisationKey, ActivationsKey }.Select(key =>
            file.Metadata.TryGetValue(key, out var value) ? value : throw new FormatException($"its metadata has no '{key}'."))];
        if (values[1].Length != 2 * SHA256.HashSizeInBytes)
            throw new FormatException($"its metadata's '{Sha256Key}' is no SHA-256.");
        activations = Vgg19Activations.Parse(values[3]);
        return Vgg19File.Read(file, new Vgg19Source(values[0], values[1], Vgg19File.Known(values[2])));
    }
}
