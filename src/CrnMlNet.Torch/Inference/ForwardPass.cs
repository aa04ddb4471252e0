using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>
/// A network's forward pass without gradients, by the fastest way there is on its device. What a way needs is made from the weights
/// when it is first gone.
/// </summary>
/// <remarks>Several threads may call <see cref="Run"/> at once, and none while another disposes.</remarks>
internal sealed class ForwardPass : IDisposable
{
    private readonly SynthesisNetwork _network;
    private readonly bool _isAutoBFloat16, _isCascadeOnCpu, _isShortByWinograd;
    private readonly Lazy<IPreparedCascade>? _float32, _bfloat16;

    /// <param name="network">The network, of which the weights stay as they are. Stays the caller's to dispose.</param>
    public ForwardPass(SynthesisNetwork network)
    {
        _network = network;
        // The fast ways know refinement modules alone.
        if (network is not CascadedRefinementNetwork cascade)
            return;
        var device = cascade.parameters().First().device;
        _isAutoBFloat16 = BFloat16Support.HasMatrixUnit(device);
        _isCascadeOnCpu = device.type == DeviceType.CPU;
        bool pays = _isCascadeOnCpu && WinogradCascade.Pays(cascade.Cascade);
        if (pays)
            _float32 = new(() => new WinogradCascade(cascade));
        // A matrix unit is so fast that a quarter of the multiplications would not make up for the transforms; emulated numbers are as slow either way.
        _isShortByWinograd = pays && BFloat16Support.IsNative(device) && !BFloat16Support.HasMatrixUnit(device);
        _bfloat16 = _isShortByWinograd
            ? new(() => new WinogradCascade(cascade, multipliesInBFloat16: true))
            : new(() => new BFloat16Cascade(cascade));
    }

    /// <summary>Synthesizes, as <see cref="SynthesisNetwork.forward"/> does.</summary>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c> on the network's device.</param>
    /// <param name="precision">In which numbers.</param>
    /// <returns>The images <c>[N, k, 3, H, W]</c>.</returns>
    public Tensor Run(Tensor layouts, SynthesisPrecision precision) => WayOf(precision) is { } prepared ? prepared.Value.Synthesize(layouts) : _network.call(layouts);

    /// <summary>Whether a photo is the same, bit for bit, however many threads paint it.</summary>
    /// <param name="precision">In which numbers.</param>
    public bool IsTheSameOnAnyThreads(SynthesisPrecision precision) => _isCascadeOnCpu && WayOf(precision) == _float32;

    /// <summary>Makes what <see cref="Run"/> needs, which otherwise does so the first time.</summary>
    /// <param name="precision">In which numbers.</param>
    public void Prepare(SynthesisPrecision precision) => _ = WayOf(precision)?.Value;

    public void Dispose()
    {
        if (_float32 is { IsValueCreated: true })
            _float32.Value.Dispose();
        if (_bfloat16 is { IsValueCreated: true })
            _bfloat16.Value.Dispose();
    }

    private Lazy<IPreparedCascade>? WayOf(SynthesisPrecision precision) => IsShort(precision) && (!_isShortByWinograd || BFloat16Support.MultipliesFaster) ? _bfloat16 : _float32;

    private bool IsShort(SynthesisPrecision precision) => precision == SynthesisPrecision.BFloat16 || precision == SynthesisPrecision.Auto && _isAutoBFloat16;
}
