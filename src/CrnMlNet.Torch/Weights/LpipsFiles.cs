using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// Reads LPIPS version 0.1 out of two files: the trunk, torchvision's <c>alexnet-owt-7be5be79.pth</c>, <c>vgg16-397923af.pth</c> or
/// <c>squeezenet1_1-b8a52dc0.pth</c>; and the linear heads, <c>alex.pth</c>, <c>vgg.pth</c> or <c>squeeze.pth</c> of
/// richzhang/PerceptualSimilarity (<c>lpips/weights/v0.1</c>). Either may be safetensors with these names, too.
/// </summary>
public static class LpipsFiles
{
    /// <summary>Reads a trunk; which of the three it is follows from its layers.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The trunk, on the CPU, for the caller to dispose, and the file's SHA-256 in small hexadecimal digits.</returns>
    /// <exception cref="FormatException">The file is damaged, or none of the three networks.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    public static (LpipsTrunk Trunk, string Sha256) ReadTrunk(string path) => HashedTensorFile.Read(path, "LPIPS's trunk", file =>
    {
        var trunk = Choose(file);
        try
        {
            foreach (var (name, weight) in trunk.Weights)
                file.ReadInto(name, weight);
            return trunk;
        }
        catch
        {
            trunk.Dispose();
            throw;
        }
    });

    /// <summary>Reads the heads for a trunk: a weight for each of its maps, at least 0.</summary>
    /// <param name="path">The file.</param>
    /// <param name="trunk">The trunk that they must fit.</param>
    /// <returns>For each tap <c>[1, maps, 1, 1]</c>, the caller's to dispose, and the file's SHA-256.</returns>
    /// <exception cref="FormatException">The file is damaged, or has the heads of another trunk.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    public static (IReadOnlyList<Tensor> Heads, string Sha256) ReadHeads(string path, LpipsTrunk trunk) => HashedTensorFile.Read<IReadOnlyList<Tensor>>(path, $"LPIPS's heads for the trunk '{trunk.Name}'", file =>
    {
        var heads = trunk.Maps.Select(maps => zeros(1, maps, 1, 1)).ToList();
        try
        {
            if (file.Entries.Count != heads.Count)
                throw new FormatException($"it has {file.Entries.Count} tensors, and the trunk {heads.Count} taps.");
            for (int tap = 0; tap < heads.Count; tap++)
            {
                file.ReadInto($"lin{tap}.model.1.weight", heads[tap]);
                using var least = heads[tap].min();
                // NaN is not at least 0 either.
                if (!(least.item<float>() >= 0))
                    throw new FormatException($"lin{tap} has weights below 0, which LPIPS's heads have not.");
            }
            return heads;
        }
        catch
        {
            heads.ForEach(head => head.Dispose());
            throw;
        }
    });

    private static LpipsTrunk Choose(TensorFile file)
    {
        if (file.Entries.ContainsKey("features.3.squeeze.weight"))
            return LpipsTrunk.Squeeze();
        if (file.Entries.TryGetValue("features.0.weight", out var first) && first.Shape is [64, 3, 11, 11])
            return LpipsTrunk.Alex();
        // VGG-19 has a ReLU there, and VGG-16 with batch normalisation other numbers.
        if (file.Entries.ContainsKey("features.17.weight") && !file.Entries.ContainsKey("features.1.running_mean"))
            return LpipsTrunk.Vgg();
        throw new FormatException("its layers are those of neither AlexNet nor VGG-16 nor SqueezeNet 1.1 as torchvision names them.");
    }
}
