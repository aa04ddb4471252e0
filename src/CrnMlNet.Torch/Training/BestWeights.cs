using CrnMlNet.Torch.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>A copy of those weights of a network that learn, from when it did best on the validation set; empty until the first one is kept.</summary>
internal sealed class BestWeights(SynthesisNetwork network) : IDisposable
{
    private readonly List<(string Name, Tensor Parameter)> _learned =
        [.. network.named_parameters().Where(named => named.parameter.requires_grad).Select(named => (named.name, (Tensor)named.parameter))];

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
            _copies = [.. _learned.Select(learned => (learned.Name, learned.Parameter.detach().clone().DetachFromDisposeScope()))];
            return;
        }
        foreach (var (copy, (_, parameter)) in _copies.Zip(_learned))
            copy.Value.copy_(parameter);
    }

    /// <summary>Gives the network the weights that were kept, if any were.</summary>
    public void Restore()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (copy, (_, parameter)) in _copies.Zip(_learned))
            parameter.copy_(copy.Value);
    }

    /// <summary>Frees the copy.</summary>
    public void Dispose()
    {
        foreach (var (_, value) in _copies)
            value.Dispose();
    }
}
