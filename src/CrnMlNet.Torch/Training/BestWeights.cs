using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>A copy of a network's weights from when it did best on the validation set; empty until the first one is kept.</summary>
internal sealed class BestWeights(CascadedRefinementNetwork network) : IDisposable
{
    private List<(string Name, Tensor Value)> _copies = [];

    /// <summary>The weights by their parameters' names.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Copies => _copies;

    /// <summary>Keeps the network's weights of this moment instead of what was kept before.</summary>
    public void Keep()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        if (_copies.Count == 0)
        {
            _copies = [.. network.named_parameters().Select(named => (named.name, named.parameter.detach().clone().DetachFromDisposeScope()))];
            return;
        }
        foreach (var (copy, (_, parameter)) in _copies.Zip(network.named_parameters()))
            copy.Value.copy_(parameter);
    }

    /// <summary>Gives the network the weights that were kept, if any were.</summary>
    public void Restore()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (copy, (_, parameter)) in _copies.Zip(network.named_parameters()))
            parameter.copy_(copy.Value);
    }

    /// <summary>Frees the copy.</summary>
    public void Dispose()
    {
        foreach (var (_, value) in _copies)
            value.Dispose();
    }
}
