using System.Security.Cryptography;
using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// Reads VGG-19 out of the files that it is published in: torchvision's <c>vgg19-dcbb9e9d.pth</c>, jcjohnson's
/// <c>vgg19-d01eb7cb.pth</c> (the Caffe weights), MatConvNet's <c>imagenet-vgg-verydeep-19.mat</c> (the CRN authors' file), and
/// safetensors with the names of any of these.
/// </summary>
/// <remarks>
/// <para>Layers are found by name, <c>features.0.weight</c> or <c>conv1_1.weight</c>, and must have VGG-19's shapes. Layers
/// behind conv5_2 are passed over.</para>
/// <para>What the weights expect of images no shape tells. Unless it is given, it follows from, in this order: the file's own
/// metadata (a copy of <see cref="Vgg19Import"/>'s); MATLAB's format: MatConvNet's; the first digits of the SHA-256, which are in the two
/// published <c>.pth</c> files' names; a classifier that is numbered 1, 4 instead of 0, 3: Caffe's, as only jcjohnson's file
/// has it; the names <c>features.0.weight</c>: torchvision's. Otherwise it must be given.</para>
/// </remarks>
public static class Vgg19File
{
    internal const string NormalisationKey = "normalisation";

    private const int FaultsShown = 5;

    /// <summary>Layers of fewer kernels, which is the first one, are too small to tell.</summary>
    private const int FewKernels = 1000;

    private const string TorchVisionHash = "dcbb9e9d", CaffeHash = "d01eb7cb";

    // torchvision numbers the layers with their ReLUs and poolings: models/vgg.py, cfgs["E"].
    private static readonly int[] FeatureNumbers = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30];

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="normalisation">What the weights expect of images; null: what the file gives evidence of.</param>
    /// <param name="progress">Is told of bytes looked at so far, of how many; null: nobody is.</param>
    /// <returns>The network, on the CPU; the caller's to dispose.</returns>
    /// <exception cref="FormatException">The file is damaged, is not VGG-19, or its normalisation is not known.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    public static Vgg19 Read(string path, Vgg19Normalisation? normalisation = null, Action<long, long>? progress = null)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"The VGG-19 weights '{path}' do not exist{(Directory.Exists(path) ? " as a file: it is a folder" : "")}.", path);
        string sha256 = Hash(path, progress);
        CheckHash(path, sha256);
        try
        {
            using var file = TensorFile.Open(path);
            var names = NamesIn(file);
            CheckShapes(file, names);
            var expected = normalisation ?? NormalisationOf(file, sha256) ?? throw new FormatException(
                $"its layers' names do not tell what the weights expect of images. Say which: {string.Join(", ", Vgg19Normalisation.Known)}.");
            return Fill(new Vgg19Source(Path.GetFileName(path), sha256, expected), file, names);
        }
        catch (FormatException e)
        {
            throw new FormatException($"'{path}' cannot be read as VGG-19: {e.Message}", e);
        }
    }

    /// <summary>Reads an open file, of which it is known where it is from.</summary>
    internal static Vgg19 Read(TensorFile file, Vgg19Source source)
    {
        var names = NamesIn(file);
        CheckShapes(file, names);
        return Fill(source, file, names);
    }

    /// <summary>
    /// Sees whether a network is one to compare in. Weights that no trained network can have are refused (<see cref="KernelCoherence"/>), as are
    /// such that make a tap die, which a SHA-256 alone does not tell: a right file may be read wrong.
    /// </summary>
    /// <param name="network">The network, on the CPU, as it was read.</param>
    /// <param name="allowUntrained">Whether weights may be in no order, as those of no trained network are.</param>
    /// <returns>Its activations.</returns>
    /// <exception cref="FormatException">It is not.</exception>
    internal static Vgg19Activations Check(Vgg19 network, bool allowUntrained = false)
    {
        var activations = Vgg19Activations.Of(network);
        if (!activations.IsAlive)
            throw new FormatException($"'{network.Source.FileName}' gives a network that is dead or overflows ({activations}): the file is damaged.");
        var chance = allowUntrained ? null : network.Weights.FirstOrDefault(weight =>
            weight.Value.dim() == 4 && weight.Value.shape[0] * weight.Value.shape[1] >= FewKernels && !KernelCoherence.Holds(weight.Value)).Key;
        if (chance is not null)
            throw new FormatException(
                $"The numbers of {chance} in '{network.Source.FileName}' lie side by side as by chance, which those of a trained network do not: the file is damaged, "
                + "has never been trained, or is read wrong. 'crn import vgg19 --untrained' takes it all the same.");
        return activations;
    }

    /// <exception cref="FormatException">No normalisation has this name.</exception>
    internal static Vgg19Normalisation Known(string name) => Vgg19Normalisation.Known.FirstOrDefault(known => known.Name == name)
        ?? throw new FormatException($"its metadata names the normalisation {TensorEntry.Quote(name)}; known are {string.Join(", ", Vgg19Normalisation.Known)}.");

    private static Vgg19 Fill(Vgg19Source source, TensorFile file, IReadOnlyList<string> names)
    {
        var network = new Vgg19(source);
        try
        {
            foreach (var (name, (ours, _)) in names.Zip(Vgg19.Shapes))
            {
                file.ReadInto(name, network.Weights[ours]);
                using var finite = network.Weights[ours].isfinite();
                using var all = finite.all();
                if (!all.item<bool>())
                    throw new FormatException($"{TensorEntry.Quote(name)} has values that are not numbers.");
            }
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>The file's names for what <see cref="Vgg19.Shapes"/> lists.</summary>
    private static IReadOnlyList<string> NamesIn(TensorFile file)
    {
        string[] ours = [.. Vgg19.Shapes.Select(shape => shape.Name)];
        string[] numbered = [.. FeatureNumbers.SelectMany(number => new[] { $"features.{number}.weight", $"features.{number}.bias" })];
        if (file.Entries.ContainsKey("features.1.running_mean"))
            throw new FormatException("it is VGG-19 with batch normalisation, or the like. The paper's is plain: torchvision's is vgg19-dcbb9e9d.pth.");
        return new[] { ours, numbered }.FirstOrDefault(names => file.Entries.ContainsKey(names[0])) ?? throw new FormatException(
            $"it has neither {numbered[0]} (torchvision's name) nor {ours[0]} (MatConvNet's); it has "
            + $"{string.Join(", ", file.Entries.Keys.Take(FaultsShown).Select(TensorEntry.Quote))}{(file.Entries.Count > FaultsShown ? ", ..." : "")}.");
    }

    private static void CheckShapes(TensorFile file, IReadOnlyList<string> names)
    {
        var faults = new List<string>();
        foreach (var (name, (ours, shape)) in names.Zip(Vgg19.Shapes))
        {
            string layer = name == ours ? name : $"{name} ({ours})";
            if (!file.Entries.TryGetValue(name, out var entry))
                faults.Add($"{layer} is missing");
            else if (!entry.Shape.SequenceEqual(shape))
                faults.Add($"{layer} is {TensorEntry.Show(entry.Shape)} instead of {TensorEntry.Show(shape)}");
        }
        if (faults.Count > 0)
            throw new FormatException($"{string.Join(", ", faults.Take(FaultsShown))}{(faults.Count > FaultsShown ? $", and {faults.Count - FaultsShown} more" : "")}.");
    }

    private static Vgg19Normalisation? NormalisationOf(TensorFile file, string sha256)
    {
        if (file is SafetensorsFile { Metadata: var metadata } && metadata.TryGetValue(NormalisationKey, out var name))
            return Known(name);
        if (file is MatConvNetFile)
            return Vgg19Normalisation.MatConvNet;
        if (sha256.StartsWith(CaffeHash, StringComparison.Ordinal) || file.Entries.ContainsKey("classifier.1.weight"))
            return Vgg19Normalisation.Caffe;
        return file.Entries.ContainsKey("features.0.weight") ? Vgg19Normalisation.TorchVision : null;
    }

    /// <summary>A published file bears the first digits of its SHA-256 in its name.</summary>
    private static void CheckHash(string path, string sha256)
    {
        string name = Path.GetFileName(path);
        if (name.StartsWith($"vgg19-{TorchVisionHash}", StringComparison.OrdinalIgnoreCase) && !sha256.StartsWith(TorchVisionHash, StringComparison.Ordinal))
            throw new FormatException(
                $"'{path}' is damaged or not torchvision's: its SHA-256 begins with {sha256[..TorchVisionHash.Length]}, torchvision's with {TorchVisionHash}. Download it again.");
    }

    private static string Hash(string path, Action<long, long>? progress)
    {
        const int ChunkSize = 1 << 20;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var chunk = new byte[ChunkSize];
        long done = 0, length = stream.Length;
        for (int read; (read = stream.Read(chunk)) > 0;)
        {
            hash.AppendData(chunk, 0, read);
            progress?.Invoke(done += read, length);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
