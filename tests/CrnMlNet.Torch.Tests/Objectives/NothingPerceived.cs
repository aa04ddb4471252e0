using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

/// <summary>No perception network: only the images themselves are compared.</summary>
internal sealed class NothingPerceived : IPerceptionNetwork
{
    public string Description => "nothing";

    public IReadOnlyList<string> Taps => [];

    public IReadOnlyList<Tensor> Features(Tensor images) => [];

    public void Dispose()
    {
    }
}
