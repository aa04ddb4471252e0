using CrnMlNet.Torch.Convolutions;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>Gets a loss and its gradients at a network's parameters, in one of two ways that agree in every bit on the CPU.</summary>
internal static class BackwardPass
{
    /// <summary>As libtorch does it: all feature maps are kept from the forward pass for the backward pass.</summary>
    /// <param name="network">The network; the gradients of its parameters that learn are added to.</param>
    /// <param name="layouts">The semantic layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="loss">Makes a scalar of the images <c>[N, k, 3, H, W]</c>.</param>
    /// <returns>The loss.</returns>
    public static double Plain(SynthesisNetwork network, Tensor layouts, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        var value = loss(network.forward(layouts));
        value.BackPropagate();
        return value.item<float>();
    }

    /// <summary>
    /// By gradient checkpointing (Chen et al., 2016, "Training Deep Nets with Sublinear Memory Cost"): of the forward pass only
    /// what each module gives to the next is kept, and in the backward pass each module runs once more. So the maps inside of
    /// one module are there at a time, or those of the perception network, for a third more work.
    /// </summary>
    /// <param name="network">The network; the gradients of its parameters that learn are added to.</param>
    /// <param name="layouts">The semantic layouts <c>[N, c, H, W]</c>.</param>
    /// <param name="loss">Makes a scalar of the images <c>[N, k, 3, H, W]</c>.</param>
    /// <returns>The loss.</returns>
    /// <remarks>
    /// By hand, link by link, rather than by TorchSharp's <c>autograd.Function</c>, which would have to take one backward pass within another.
    /// </remarks>
    public static double Checkpointed(ChainedNetwork network, Tensor layouts, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        var chain = network.Chain(layouts);
        int first = Enumerable.Range(0, chain.Count).First(i => chain[i].Learns);
        var outputs = new Tensor[chain.Count];
        for (int i = 0; i < chain.Count; i++)
        {
            outputs[i] = WithoutGraph(chain[i], i > 0 ? outputs[i - 1] : null);
            if (i > 0 && i < first)
                outputs[i - 1].Dispose();
        }

        var (value, gradient) = AtImages(outputs[^1], loss);
        for (int i = chain.Count - 1; i >= first; i--)
        {
            outputs[i].Dispose();
            var before = Through(chain[i], i > 0 ? outputs[i - 1] : null, gradient, goesOn: i > first);
            gradient.Dispose();
            gradient = before!;
        }
        return value;
    }

    // Not under no_grad, where other kernels may run: the graph is made, and dropped with the output that held it.
    private static Tensor WithoutGraph(ChainedNetwork.Link link, Tensor? input)
    {
        using var scope = NewDisposeScope();
        return link.Run(input).detach().MoveToOuterDisposeScope();
    }

    private static (double Loss, Tensor Gradient) AtImages(Tensor images, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        var leaf = images.detach().requires_grad_();
        var value = loss(leaf);
        value.BackPropagate();
        return (value.item<float>(), leaf.grad!.MoveToOuterDisposeScope());
    }

    /// <summary>Takes the gradient at a link's output to its parameters, and to its input if it is to go on from there.</summary>
    private static Tensor? Through(ChainedNetwork.Link link, Tensor? input, Tensor gradient, bool goesOn)
    {
        using var scope = NewDisposeScope();
        var leaf = input?.detach();
        if (goesOn)
            leaf!.requires_grad_();
        link.Run(leaf).BackPropagate(gradient);
        return goesOn ? leaf!.grad!.MoveToOuterDisposeScope() : null;
    }
}
