using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Layouts;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// A perception network without a download, which learns from the training pairs themselves before it judges. At four resolutions it is to tell of each place which
/// classes are there, which colour, and how strong every frequency is: a network that only tells classes apart soon forgets colour and texture.
/// </summary>
/// <remarks>
/// Four levels of 16, 32, 64 and 128 maps: at each two 3x3 convolutions with leaky ReLUs, behind average pooling, as in the authors' VGG-19; nothing is normalised, so that what is
/// seen at a place depends on what is around it alone. Tap <c>own_s</c> is a level at 1/s of the resolution. While it learns, a 1x1 convolution at each level tells classes
/// (cross-entropy, void left out), the mean colour, and the strengths of <see cref="FilterBankPerception"/>'s finest filters (both by mean absolute difference, the strengths' logarithms).
/// </remarks>
public sealed class SelfTaughtPerception : IPerceptionNetwork
{
    private const int Colours = 3;

    private static readonly int[] Maps = [16, 32, 64, 128];

    private readonly Encoder _encoder;
    private readonly FilterBankPerception _filters;

    /// <summary>Makes a network that has learned nothing yet; a training that compares in it has it learn first.</summary>
    /// <param name="classes">The layouts' classes, at least one; void is none of them.</param>
    /// <param name="epochs">How often it shall see each pair; at least 1.</param>
    /// <param name="seed">Seeds the weights; the same seed gives the same weights.</param>
    /// <param name="device">Where images will be.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no class, or no epoch.</exception>
    public SelfTaughtPerception(int classes, int epochs, ulong seed, Device device)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(epochs, 1);
        TorchBackend.Start();
        (Classes, Epochs) = (classes, epochs);
        _filters = new FilterBankPerception(device);
        _encoder = new Encoder(classes + Colours + _filters.Strengths, seed);
        _encoder.to(device);
        Learn(false);
    }

    /// <summary>The layouts' classes, without void.</summary>
    public int Classes { get; }

    /// <summary>How often it sees each pair before it judges.</summary>
    public int Epochs { get; }

    /// <inheritdoc/>
    public string Description => $"a network that learns classes, colours and textures from the pairs first ({Epochs} epochs)";

    /// <inheritdoc/>
    public IReadOnlyList<string> Taps { get; } = [.. Maps.Select((_, level) => $"own_{1 << level}")];

    /// <summary>What learns.</summary>
    internal nn.Module Network => _encoder;

    /// <summary>The one that is a perception network, or a part of it; null where none is.</summary>
    internal static SelfTaughtPerception? In(IPerceptionNetwork perception) => perception as SelfTaughtPerception ?? (perception as CombinedPerception)?.Parts.OfType<SelfTaughtPerception>().FirstOrDefault();

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        return [.. _encoder.forward(images).Select(level => level.MoveToOuterDisposeScope())];
    }

    /// <summary>Whether the parameters get gradients, which only its own training wants.</summary>
    internal void Learn(bool learns)
    {
        foreach (var parameter in _encoder.parameters())
            parameter.requires_grad = learns;
    }

    /// <summary>How wrong it is about photos: the mean over levels of the three terms' sum.</summary>
    /// <param name="photos">The photos <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <param name="layouts">Their layouts <c>[N, c, H, W]</c>, void last.</param>
    /// <returns>A scalar tensor.</returns>
    internal Tensor Loss(Tensor photos, Tensor layouts)
    {
        Tensor strengths;
        using (no_grad())
            strengths = _filters.Features(photos)[0].log1p();
        var levels = _encoder.forward(photos);
        return torch.stack(levels.Select((level, i) => OfLevel(_encoder.Tell(i, level), photos, layouts, strengths))).mean();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder.Dispose();
        _filters.Dispose();
    }

    private Tensor OfLevel(Tensor told, Tensor photos, Tensor layouts, Tensor strengths)
    {
        var (rows, columns) = (told.shape[2], told.shape[3]);
        var shares = SemanticLayout.AreaAverage(layouts, rows, columns).narrow(1, 0, Classes);
        var classes = (shares * nn.functional.log_softmax(told.narrow(1, 0, Classes), 1)).sum().neg() / shares.sum().AtLeast(1e-6);
        var colours = SemanticLayout.AreaAverage(photos, rows, columns).Times(1 / 127.5).Plus(-1);
        var loss = classes.Plus((told.narrow(1, Classes, Colours) - colours).abs().mean());
        // The strengths are of cells; finer levels cannot tell them apart.
        if (rows > strengths.shape[2] || columns > strengths.shape[3])
            return loss;
        return loss.Plus((told.narrow(1, Classes + Colours, _filters.Strengths) - SemanticLayout.AreaAverage(strengths, rows, columns)).abs().mean());
    }

    /// <summary>The levels, and what tells of each.</summary>
    private sealed class Encoder : nn.Module<Tensor, Tensor[]>
    {
        private readonly (Conv2d First, Conv2d Second)[] _levels;
        private readonly Conv2d[] _tell;

        public Encoder(int told, ulong seed) : base(nameof(SelfTaughtPerception))
        {
            using var scope = NewDisposeScope();
            _levels = [.. Maps.Select((maps, level) => (nn.Conv2d(level == 0 ? 3 : Maps[level - 1], maps, 3, padding: 1), nn.Conv2d(maps, maps, 3, padding: 1)))];
            _tell = [.. Maps.Select(maps => nn.Conv2d(maps, told, 1))];
            for (int level = 0; level < Maps.Length; level++)
            {
                register_module($"level{level}_conv1", _levels[level].First);
                register_module($"level{level}_conv2", _levels[level].Second);
                register_module($"level{level}_tell", _tell[level]);
            }
            Initialise(seed);
        }

        public override Tensor[] forward(Tensor photos)
        {
            var taps = new Tensor[_levels.Length];
            var x = photos.Times(1 / 127.5).Plus(-1);
            for (int level = 0; level < taps.Length; level++)
            {
                if (level > 0)
                    x = nn.functional.avg_pool2d(x, 2, ceil_mode: true);
                x = _levels[level].First.forward(x).LeakyReLU(RefinementModule.NegativeSlope);
                x = taps[level] = _levels[level].Second.forward(x).LeakyReLU(RefinementModule.NegativeSlope);
            }
            return taps;
        }

        public Tensor Tell(int level, Tensor maps) => _tell[level].forward(maps);

        /// <summary>He's initialisation for leaky ReLUs (He et al., 2015), uniform.</summary>
        private void Initialise(ulong seed)
        {
            using var generator = new Generator(seed);
            using var _ = no_grad();
            using var scope = NewDisposeScope();
            foreach (var parameter in parameters())
            {
                if (parameter.dim() == 4)
                {
                    double limit = Math.Sqrt(6.0 / ((1 + RefinementModule.NegativeSlope * RefinementModule.NegativeSlope) * parameter.shape[1] * parameter.shape[2] * parameter.shape[3]));
                    parameter.uniform_(-limit, limit, generator);
                }
                else
                {
                    parameter.zero_();
                }
            }
        }
    }
}
