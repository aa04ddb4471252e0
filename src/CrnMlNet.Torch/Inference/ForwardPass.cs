using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Inference;

/// <summary>
/// A network's forward pass without gradients, by the fastest way there is on its device. What that needs is made from the weights at
/// the first call.
/// </summary>
/// <param name="network">The network, of which the weights stay as they are. Stays the caller's to dispose.</param>
/// <remarks>Several threads may call <see cref="Run"/> at once, and none while another disposes.</remarks>
internal sealed class ForwardPass(SynthesisNetwork network) : IDisposable
{
    private readonly Lazy<WinogradCascade?> _winograd = new(() => Prepare(network));

    /// <summary>Synthesizes, as <see cref="SynthesisNetwork.forward"/> does.</summary>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c> on the network's device.</param>
    /// <returns>The images <c>[N, k, 3, H, W]</c>.</returns>
    public Tensor Run(Tensor layouts) => _winograd.Value is { } cascade ? cascade.Synthesize(layouts) : network.call(layouts);

    public void Dispose()
    {
        if (_winograd.IsValueCreated)
            _winograd.Value?.Dispose();
    }

    private static WinogradCascade? Prepare(SynthesisNetwork network)
        => network is CascadedRefinementNetwork cascade && cascade.parameters().First().device_type == DeviceType.CPU && WinogradCascade.Pays(cascade.Architecture)
            ? new WinogradCascade(cascade)
            : null;
}
