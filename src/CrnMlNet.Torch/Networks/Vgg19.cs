using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>Where a VGG-19's weights are from.</summary>
/// <param name="FileName">The file's name, without its folder.</param>
/// <param name="Sha256">The file's SHA-256, in small hexadecimal digits.</param>
/// <param name="Normalisation">What the weights expect of images.</param>
public sealed record Vgg19Source(string FileName, string Sha256, Vgg19Normalisation Normalisation)
{
    private const int DigitsShown = 16;

    /// <summary>One phrase for logs and model descriptions.</summary>
    public override string ToString() =>
        $"VGG-19 with the weights of {FileName} (SHA-256 {Sha256[..DigitsShown]}..., images normalised as in {Normalisation})";
}

/// <summary>
/// VGG-19 (Simonyan &amp; Zisserman, 2014) up to conv5_2 as perception network, as the CRN authors use it (their
/// <c>build_vgg19</c>): 3x3 convolutions with ReLU, and average instead of maximum pooling. The taps are the activations after
/// ReLU of conv1_2, conv2_2, conv3_2, conv4_2 and conv5_2, at 1, 1/2, 1/4, 1/8 and 1/16 of the resolution.
/// </summary>
/// <remarks>
/// No weights are shipped: they come from a file of the user's, see <see cref="CrnMlNet.Torch.Weights.Vgg19File"/>. They are no parameters
/// to learn, so no gradient is computed for them.
/// </remarks>
public sealed class Vgg19 : IPerceptionNetwork
{
    private static readonly (int Maps, int Convolutions)[] Blocks = [(64, 2), (128, 2), (256, 4), (512, 4), (512, 2)];

    private readonly Dictionary<string, Tensor> _weights = [];

    /// <summary>Makes a network on the CPU of which all weights are zero.</summary>
    /// <param name="source">Where the weights will be from.</param>
    public Vgg19(Vgg19Source source)
    {
        TorchBackend.Start();
        Source = source;
        foreach (var (name, shape) in Shapes)
            _weights.Add(name, torch.zeros(shape).DetachFromDisposeScope());
    }

    /// <summary>
    /// Every weight's name and shape, from the image on: <c>conv1_1.weight</c> <c>[64, 3, 3, 3]</c> (maps out, maps in, rows,
    /// columns), <c>conv1_1.bias</c> <c>[64]</c>, and so on; 15,304,768 numbers in 14 convolutions.
    /// </summary>
    public static IReadOnlyList<(string Name, long[] Shape)> Shapes { get; } = [.. ShapesOfBlocks()];

    /// <summary>Where the weights are from.</summary>
    public Vgg19Source Source { get; }

    /// <inheritdoc/>
    public string Description => Source.ToString();

    /// <inheritdoc/>
    public IReadOnlyList<string> Taps { get; } = [.. Enumerable.Range(1, Blocks.Length).Select(block => $"conv{block}_2")];

    /// <summary>The weights by name, as <see cref="Shapes"/> lists them, to be filled in place. They stay the network's to dispose.</summary>
    public IReadOnlyDictionary<string, Tensor> Weights => _weights;

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Features(Tensor images)
    {
        // Where no gradient is asked for, what lies between the taps goes at once.
        using var scope = NewDisposeScope();
        var taps = new Tensor[Blocks.Length];
        var x = Source.Normalisation.Apply(images);
        for (int b = 0; b < Blocks.Length; b++)
        {
            if (b > 0)
                // As TensorFlow's SAME, which the authors use: a last odd row is averaged by itself, so any size will do.
                x = nn.functional.avg_pool2d(x, 2, ceil_mode: true);
            for (int c = 0; c < Blocks[b].Convolutions; c++)
            {
                // In place: the backward pass needs a convolution's input and the ReLU's output, not what is between them.
                x = Convolution3x3.Run(x, _weights[Weight(b, c)], _weights[Bias(b, c)]).relu_();
                if (c == 1)
                    taps[b] = x;
            }
        }
        return [.. taps.Select(tap => tap.MoveToOuterDisposeScope())];
    }

    /// <summary>Moves the weights to another device; on the one where they are, nothing happens.</summary>
    /// <param name="device">Where images will be.</param>
    public void To(Device device)
    {
        foreach (var (name, weight) in _weights.ToList())
        {
            if (weight.device_type == device.type && weight.device_index == device.index)
                continue;
            _weights[name] = weight.to(device).DetachFromDisposeScope();
            weight.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var weight in _weights.Values)
            weight.Dispose();
    }

    private static IEnumerable<(string Name, long[] Shape)> ShapesOfBlocks()
    {
        int maps = 3;
        for (int b = 0; b < Blocks.Length; b++)
        {
            for (int c = 0; c < Blocks[b].Convolutions; c++)
            {
                yield return (Weight(b, c), [Blocks[b].Maps, maps, 3, 3]);
                yield return (Bias(b, c), [Blocks[b].Maps]);
                maps = Blocks[b].Maps;
            }
        }
    }

    private static string Weight(int block, int convolution) => $"conv{block + 1}_{convolution + 1}.weight";

    private static string Bias(int block, int convolution) => $"conv{block + 1}_{convolution + 1}.bias";
}
