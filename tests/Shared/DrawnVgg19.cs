using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Tests.Shared;

/// <summary>
/// VGG-19 in its full size with drawn weights. As in trained networks, neighbours in a kernel are alike: each number is half its
/// own, half its kernel's.
/// </summary>
internal static class DrawnVgg19
{
    public static readonly Vgg19Source Source = new("drawn.safetensors", new string('0', 64), Vgg19Normalisation.TorchVision);

    public static Vgg19 Make(ulong seed = 1, Vgg19Normalisation? normalisation = null, double coherence = 0.5)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        var network = new Vgg19(Source with { Normalisation = normalisation ?? Source.Normalisation });
        foreach (var weight in network.Weights.Values)
        {
            if (weight.dim() == 1)
            {
                weight.normal_(0, 0.05, generator);
                continue;
            }
            double spread = Math.Sqrt(2.0 / (9 * weight.shape[1]));
            using var kernels = torch.empty(weight.shape[0], weight.shape[1], 1, 1);
            kernels.normal_(0, spread * Math.Sqrt(coherence), generator);
            weight.normal_(0, spread * Math.Sqrt(1 - coherence), generator).add_(kernels);
        }
        return network;
    }

    /// <summary>Writes safetensors, with MatConvNet's names, which leave open what the weights expect of images, or with metadata that tells.</summary>
    public static void Write(Vgg19 network, string path, bool saysNormalisation = true)
    {
        using var file = File.Create(path);
        Safetensors.Write(
            file, network.Weights.Select(weight => (weight.Key, weight.Value)),
            saysNormalisation ? new Dictionary<string, string> { ["normalisation"] = network.Source.Normalisation.Name } : null);
    }
}
