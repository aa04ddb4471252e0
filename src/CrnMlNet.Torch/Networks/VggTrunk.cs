using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// VGG-19's convolutions up to conv5_2, as the CRN authors use them: 3x3 convolutions with ReLU, and average instead of
/// maximum pooling (their <c>build_vgg19</c>). The taps are the activations after ReLU of conv1_2 ... conv5_2.
/// </summary>
public sealed class VggTrunk : nn.Module<Tensor, IReadOnlyList<Tensor>>
{
    private static readonly (int Features, int Convolutions)[] Blocks = [(64, 2), (128, 2), (256, 4), (512, 4), (512, 2)];

    private readonly Conv2d[][] _blocks;

    /// <summary>Makes a trunk with He-initialised weights.</summary>
    /// <param name="widthFactor">Factor on the number of feature maps; 1 is VGG-19.</param>
    /// <param name="generator">Draws the weights.</param>
    public VggTrunk(double widthFactor, Generator generator) : base(nameof(VggTrunk))
    {
        Features = [.. Blocks.Select(block => Math.Max(8, (int)(block.Features * widthFactor)))];
        _blocks = new Conv2d[Blocks.Length][];
        int channels = 3;
        for (int b = 0; b < Blocks.Length; b++)
        {
            _blocks[b] = new Conv2d[Blocks[b].Convolutions];
            for (int c = 0; c < _blocks[b].Length; c++)
            {
                _blocks[b][c] = HeConvolution(channels, Features[b], generator);
                register_module($"conv{b + 1}_{c + 1}", _blocks[b][c]);
                channels = Features[b];
            }
        }
    }

    /// <summary>The names of the taps.</summary>
    public static IReadOnlyList<string> Taps { get; } = ["conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"];

    /// <summary>The number of feature maps at each tap.</summary>
    public IReadOnlyList<int> Features { get; }

    /// <summary>Looks at images.</summary>
    /// <param name="images"><c>[N, 3, H, W]</c> in the normalisation that the weights expect; H and W at least 16.</param>
    /// <returns>The taps' activations, at 1, 1/2, 1/4, 1/8 and 1/16 of the resolution.</returns>
    public override IReadOnlyList<Tensor> forward(Tensor images)
    {
        var taps = new Tensor[_blocks.Length];
        var x = images;
        for (int b = 0; b < _blocks.Length; b++)
        {
            if (b > 0)
                x = nn.functional.avg_pool2d(x, 2);
            for (int c = 0; c < _blocks[b].Length; c++)
            {
                x = nn.functional.relu(_blocks[b][c].forward(x));
                if (c == 1)
                    taps[b] = x;
            }
        }
        return taps;
    }

    private static Conv2d HeConvolution(int inputs, int outputs, Generator generator)
    {
        var convolution = nn.Conv2d(inputs, outputs, 3, padding: 1);
        using var _ = no_grad();
        convolution.weight.normal_(0, Math.Sqrt(2.0 / (inputs * 9)), generator);
        convolution.bias!.zero_();
        return convolution;
    }
}
