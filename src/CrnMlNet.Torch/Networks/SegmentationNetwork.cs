using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// A small segmentation network, the way back from a photo to its layout: a U-Net (Ronneberger et al., 2015) of five levels with 16,
/// 32, 64, 128 and 256 maps. It measures whether synthesized photos show what their layouts say, and serves the objective that
/// asks for it.
/// </summary>
/// <remarks>
/// Each level has 3x3 convolutions with group normalisation and ReLU: two on the way down, behind 2x2 maximum pooling, and one on the way up,
/// which sees the coarser level upsampled bilinearly beside the finer one's maps. A photo is looked at by itself, whatever else is in a batch. Any size
/// will do: an odd last row or column is pooled by itself.
/// </remarks>
public sealed class SegmentationNetwork : nn.Module<Tensor, Tensor>
{
    private const int Groups = 8;

    private static readonly int[] Maps = [16, 32, 64, 128, 256];

    private readonly Block[] _down;
    private readonly Block[] _up;

    [ComponentName(Name = "classify")]
    private readonly Conv2d _classify;

    /// <summary>Makes a network that has learned nothing; its parameters get no gradients until a training asks for them.</summary>
    /// <param name="classes">The classes, at least one; void is none of them.</param>
    /// <param name="seed">Seeds the weights; the same seed gives the same weights.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no class.</exception>
    public SegmentationNetwork(int classes, ulong seed = 0) : base(StartedName())
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        using var scope = NewDisposeScope();
        Classes = classes;
        _down = [.. Maps.Select((maps, level) => new Block($"down{level}", level == 0 ? 3 : Maps[level - 1], maps, convolutions: 2))];
        _up = [.. Maps.SkipLast(1).Select((maps, level) => new Block($"up{level}", maps + Maps[level + 1], maps, convolutions: 1))];
        _classify = nn.Conv2d(Maps[0], classes, 1);
        foreach (var block in _down.Concat(_up))
            register_module(block.GetName(), block);
        register_module("classify", _classify);
        Initialise(seed);
        Learn(false);
    }

    /// <summary>How many classes are told apart; void is none of them.</summary>
    public int Classes { get; }

    /// <summary>How many numbers <see cref="Features"/> gives for a photo.</summary>
    public static int FeatureCount => Maps[^1];

    /// <summary>Tells how likely each class is at each pixel. Gradients flow to the photos.</summary>
    /// <param name="photos">RGB <c>[N, 3, H, W]</c>, 0 to 255, float32.</param>
    /// <returns>Logits <c>[N, classes, H, W]</c>: their softmax is each class's likelihood.</returns>
    public override Tensor forward(Tensor photos)
    {
        using var scope = NewDisposeScope();
        var levels = Down(photos);
        var x = levels[^1];
        for (int level = _up.Length - 1; level >= 0; level--)
        {
            var upsampled = nn.functional.interpolate(x, levels[level].shape[2..], mode: InterpolationMode.Bilinear, align_corners: false);
            x = _up[level].forward(torch.cat([levels[level], upsampled], 1));
        }
        return _classify.forward(x).MoveToOuterDisposeScope();
    }

    /// <summary>Tells the likeliest class of each pixel.</summary>
    /// <param name="photos">RGB <c>[N, 3, H, W]</c>, 0 to 255, float32.</param>
    /// <returns>Class ids <c>[N, H, W]</c>, int64, each in <c>[0, classes)</c>.</returns>
    public Tensor Segment(Tensor photos)
    {
        using var _ = no_grad();
        using var logits = forward(photos);
        return logits.argmax(1);
    }

    /// <summary>What the network sees in whole photos: the means of its coarsest maps.</summary>
    /// <param name="photos">RGB <c>[N, 3, H, W]</c>, 0 to 255, float32.</param>
    /// <returns><c>[N, <see cref="FeatureCount"/>]</c>, float32.</returns>
    public Tensor Features(Tensor photos)
    {
        using var scope = NewDisposeScope();
        return Down(photos)[^1].mean([2, 3]).MoveToOuterDisposeScope();
    }

    /// <summary>Whether the parameters get gradients, which only training wants.</summary>
    internal void Learn(bool learns)
    {
        foreach (var parameter in parameters())
            parameter.requires_grad = learns;
    }

    private Tensor[] Down(Tensor photos)
    {
        var levels = new Tensor[_down.Length];
        var x = photos.Times(1 / 127.5).Plus(-1);
        for (int level = 0; level < _down.Length; level++)
        {
            if (level > 0)
                x = nn.functional.max_pool2d(x, 2, ceil_mode: true);
            x = levels[level] = _down[level].forward(x);
        }
        return levels;
    }

    /// <summary>He's initialisation for ReLU (He et al., 2015), uniform.</summary>
    private void Initialise(ulong seed)
    {
        using var generator = new Generator(seed);
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, parameter) in named_parameters())
        {
            if (parameter.dim() == 4)
            {
                double limit = Math.Sqrt(6.0 / (parameter.shape[1] * parameter.shape[2] * parameter.shape[3]));
                parameter.uniform_(-limit, limit, generator);
            }
            else if (name.Contains(".norm") && name.EndsWith(".weight"))
            {
                parameter.Fill(1);
            }
            else
            {
                parameter.zero_();
            }
        }
    }

    // libtorch must run before the base class makes its native part.
    private static string StartedName()
    {
        TorchBackend.Start();
        return nameof(SegmentationNetwork);
    }

    /// <summary>3x3 convolutions, each with group normalisation and ReLU.</summary>
    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly (Conv2d Convolution, GroupNorm Norm)[] _layers;

        public Block(string name, int from, int maps, int convolutions) : base(name)
        {
            _layers = [.. Enumerable.Range(0, convolutions).Select(i => (nn.Conv2d(i == 0 ? from : maps, maps, 3, padding: 1, bias: false), nn.GroupNorm(Groups, maps)))];
            for (int i = 0; i < convolutions; i++)
            {
                register_module($"conv{i + 1}", _layers[i].Convolution);
                register_module($"norm{i + 1}", _layers[i].Norm);
            }
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            foreach (var (convolution, norm) in _layers)
                x = norm.forward(Convolution3x3.Run(x, convolution.weight!)).relu_();
            return x.MoveToOuterDisposeScope();
        }
    }
}
