using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// A network that is a chain, each link of which makes its output of the output of the link before and of the layout. So it can be run
/// piece by piece, and trained by gradient checkpointing.
/// </summary>
public abstract class ChainedNetwork : SynthesisNetwork
{
    private protected ChainedNetwork(SynthesisArchitecture architecture, string name) : base(architecture, name)
    {
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor layout)
    {
        using var scope = NewDisposeScope();
        Tensor? maps = null;
        foreach (var link in Chain(layout))
            maps = link.Run(maps);
        return maps!.MoveToOuterDisposeScope();
    }

    /// <summary>The links for one layout. What <see cref="forward"/> does at once can be done piece by piece with them.</summary>
    /// <param name="layout">The semantic layout <c>[N, c, H, W]</c>; it and what the links share live in the current dispose scope.</param>
    internal abstract IReadOnlyList<Link> Chain(Tensor layout);

    /// <summary>A piece of the chain.</summary>
    /// <param name="Module">Has its parameters.</param>
    /// <param name="Run">Makes its output of the output of the link before; the first one gets null.</param>
    internal readonly record struct Link(nn.Module Module, Func<Tensor?, Tensor> Run)
    {
        /// <summary>Whether it has parameters that learn.</summary>
        public bool Learns => Module.parameters().Any(parameter => parameter.requires_grad);
    }
}
