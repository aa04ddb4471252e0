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
    private readonly bool _isAutoBFloat16;
    private readonly Lazy<WinogradCascade>? _winograd;
    private readonly Lazy<BFloat16Cascade>? _bfloat16;

    /// <param name="network">The network, of which the weights stay as they are. Stays the caller's to dispose.</param>
    public ForwardPass(SynthesisNetwork network)
    {
        _network = network;
        // The fast ways know refinement modules alone.
        if (network is not CascadedRefinementNetwork cascade)
            return;
        var device = cascade.parameters().First().device;
        _isAutoBFloat16 = BFloat16Support.HasMatrixUnit(device);
        _bfloat16 = new(() => new BFloat16Cascade(cascade));
        if (device.type == DeviceType.CPU && WinogradCascade.Pays(cascade.Cascade))
            _winograd = new(() => new WinogradCascade(cascade));
    }

    /// <summary>Synthesizes, as <see cref="SynthesisNetwork.forward"/> does.</summary>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c> on the network's device.</param>
    /// <param name="precision">In which numbers.</param>
    /// <returns>The images <c>[N, k, 3, H, W]</c>.</returns>
    public Tensor Run(Tensor layouts, SynthesisPrecision precision)
    {
        bool isShort = precision == SynthesisPrecision.BFloat16 || precision == SynthesisPrecision.Auto && _isAutoBFloat16;
        if (isShort && _bfloat16 is not null)
            return _bfloat16.Value.Synthesize(layouts);
        return _winograd is null ? _network.call(layouts) : _winograd.Value.Synthesize(layouts);
    }

    public void Dispose()
    {
        if (_winograd is { IsValueCreated: true })
            _winograd.Value.Dispose();
        if (_bfloat16 is { IsValueCreated: true })
            _bfloat16.Value.Dispose();
    }
}
