using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// Reads the Inception network of the FID: pytorch-fid's <c>pt_inception-2015-12-05-6726825d.pth</c>, or safetensors with its names. torchvision's own
/// Inception v3 has other weights, and distances in it are no FIDs.
/// </summary>
public static class InceptionFile
{
    // torchvision's BasicConv2d.
    private const double Epsilon = 0.001;

    /// <summary>How many classes the network of the FID tells apart; torchvision's has 1,000.</summary>
    private const long Classes = 1008;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The network, on the CPU, for the caller to dispose, and the file's SHA-256 in small hexadecimal digits.</returns>
    /// <exception cref="FormatException">The file is damaged, or holds another network.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    public static (Inception Network, string Sha256) Read(string path) => HashedTensorFile.Read(path, "the FID's Inception network", file =>
    {
        if (file.Entries.TryGetValue("fc.weight", out var last) && last.Shape is not [Classes, Inception.FeatureCount])
            throw new FormatException($"it tells {last.Shape[0]} classes apart and not {Classes}: it is another Inception, torchvision's say. Give pytorch-fid's pt_inception-2015-12-05-6726825d.pth.");
        var network = new Inception();
        try
        {
            foreach (var (name, (weight, bias)) in network.Weights)
                Read(file, name, weight, bias);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    });

    /// <summary>Reads a convolution with the batch normalisation behind it as one convolution.</summary>
    private static void Read(TensorFile file, string name, Tensor weight, Tensor bias)
    {
        using var scope = NewDisposeScope();
        file.ReadInto($"{name}.conv.weight", weight);
        var (gain, shift, mean, variance) = (zeros_like(bias), zeros_like(bias), zeros_like(bias), zeros_like(bias));
        file.ReadInto($"{name}.bn.weight", gain);
        file.ReadInto($"{name}.bn.bias", shift);
        file.ReadInto($"{name}.bn.running_mean", mean);
        file.ReadInto($"{name}.bn.running_var", variance);
        var scale = gain / variance.Plus(Epsilon).sqrt();
        weight.mul_(scale.view(-1, 1, 1, 1));
        bias.copy_(shift - mean * scale);
        if (!weight.isfinite().all().item<bool>() || !bias.isfinite().all().item<bool>())
            throw new FormatException($"{name} has values that are not numbers.");
    }
}
