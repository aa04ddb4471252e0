using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Layouts;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>A network that paints k images of a layout. Dispose it to free its native memory.</summary>
public abstract class SynthesisNetwork : nn.Module<Tensor, Tensor>
{
    // By the place that the noise is for. A buffer that is no weight would be the place for it, but TorchSharp leaves such buffers
    // behind when a module moves. Made when it is first needed: a network of few weights can be of any size, and loading it takes
    // no more than its weights.
    private readonly Dictionary<int, Tensor> _noise = [];

    private protected SynthesisNetwork(SynthesisArchitecture architecture, string name) : base(Started(name))
    {
        architecture.Validate();
        Architecture = architecture;
    }

    /// <summary>What this network looks like.</summary>
    public SynthesisArchitecture Architecture { get; }

    /// <summary>How many numbers the network learns.</summary>
    public long ParameterCount => parameters().Sum(parameter => parameter.numel());

    /// <summary>Synthesizes.</summary>
    /// <param name="layout">The semantic layout <c>[N, c, H, W]</c> at the architecture's size, each pixel summing to one.</param>
    /// <returns>
    /// The images <c>[N, k, 3, H, W]</c>, RGB, nominally 0 to 255 and not clipped: <c>(y + 1) / 2 * 255</c> of the head's
    /// output y. The head is planar, as in the authors' code: image u is made of its channels u, u + k and u + 2k.
    /// </returns>
    /// <exception cref="ArgumentException">The layout does not have the architecture's channels or size.</exception>
    public abstract override Tensor forward(Tensor layout);

    /// <summary>To be told before each training step: what a network draws by chance in it follows from the number.</summary>
    /// <param name="number">Another one for every step.</param>
    internal virtual void BeginStep(ulong number)
    {
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            foreach (var noise in _noise.Values)
                noise.Dispose();
        base.Dispose(disposing);
    }

    private protected void CheckShape(Tensor layout)
    {
        long[] expected = [layout.shape[0], Architecture.Channels, Architecture.Height, Architecture.Width];
        if (!layout.shape.AsSpan().SequenceEqual(expected))
            throw new ArgumentException(
                $"The network takes layouts [N, {Architecture.Channels}, {Architecture.Height}, {Architecture.Width}], got [{string.Join(", ", layout.shape)}].",
                nameof(layout));
    }

    /// <summary>Makes images of the head's planes <c>[N, 3k, H', W']</c>, which may be larger.</summary>
    private protected Tensor Images(Tensor head)
    {
        var planes = SemanticLayout.Crop(head, Architecture.Height, Architecture.Width);
        return planes.Plus(1).Times(127.5)
            .reshape(head.shape[0], 3, Architecture.ImagesPerLayout, Architecture.Height, Architecture.Width)
            .transpose(1, 2);
    }

    /// <summary>Puts the architecture's channels of noise behind a layout's; of the same place it is always the same, unless <see cref="NoiseSamples"/> say otherwise.</summary>
    /// <param name="labels">The layout <c>[N, c, rows, columns]</c>.</param>
    /// <param name="place">Numbers the resolutions that get noise, from 0.</param>
    internal Tensor WithNoise(Tensor labels, int place) => Architecture.NoiseChannels == 0
        ? labels
        : torch.cat([labels, (NoiseSamples.Current?.On(labels, Architecture.NoiseChannels, place) ?? NoiseOn(labels, place)).expand(labels.shape[0], -1, -1, -1)], 1);

    /// <summary>Draws Xavier-uniform convolutions, as <c>slim.conv2d</c> does, and unit normalisation.</summary>
    private protected void Initialise(ulong seed)
    {
        using var generator = new Generator(seed);
        using var _ = no_grad();
        // fill_ and its like return another handle of the tensor.
        using var scope = NewDisposeScope();
        foreach (var (name, parameter) in named_parameters())
        {
            if (parameter.dim() == 4)
                XavierUniform(parameter, generator);
            else if (name.Contains(".norm") && name.EndsWith(".weight"))
                parameter.Fill(1);
            else
                parameter.zero_();
        }
    }

    private Tensor NoiseOn(Tensor labels, int place)
    {
        lock (_noise)
        {
            var device = labels.device;
            if (_noise.TryGetValue(place, out var noise) && noise.device_type == device.type && noise.device_index == device.index)
                return noise;
            // What is made in inference mode could not be trained with.
            using var normal = inference_mode(false);
            using var plane = FixedNoise.Plane(Architecture.NoiseChannels, (int)labels.shape[2], (int)labels.shape[3], place);
            noise?.Dispose();
            return _noise[place] = plane.to(device).DetachFromDisposeScope();
        }
    }

    private static void XavierUniform(Tensor weight, Generator generator)
    {
        long receptive = weight.shape[2] * weight.shape[3];
        double limit = Math.Sqrt(6.0 / ((weight.shape[0] + weight.shape[1]) * receptive));
        weight.uniform_(-limit, limit, generator);
    }

    // libtorch must run before the base class makes its native part.
    private static string Started(string name)
    {
        TorchBackend.Start();
        return name;
    }
}
