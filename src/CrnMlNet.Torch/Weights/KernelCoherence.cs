using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Weights;

/// <summary>
/// Tells the 3x3 kernels of a trained network from numbers that do not belong together: in a trained network neighbours in a
/// kernel are alike, and more so when the kernels are cut out of the numbers where they begin than anywhere else.
/// </summary>
/// <remarks>
/// <para>This finds weights that are random, scrambled, cut at the wrong place (a reader that mistakes where a tensor
/// begins), or of another order of dimensions. It cannot find what leaves kernels whole: layers of one shape that have changed
/// places, maps in another order, kernels that are turned or mirrored; nor wrong biases.</para>
/// <para>It was tried on the five networks <c>vgg_7</c> of waifu2x, trained by others. Each of their inner layers (32 to 128
/// maps) reaches 11 to 138 standard deviations, most where its kernels begin.</para>
/// </remarks>
internal static class KernelCoherence
{
    private const int Side = 3;
    private const int Neighbours = 2 * Side * (Side - 1);

    /// <summary>Standard deviations; numbers in no order come this far once in three million times.</summary>
    private const double Chance = 5;

    /// <summary>Whether a layer's kernels hang together, and best where they begin.</summary>
    /// <param name="weight">The kernels <c>[maps out, maps in, 3, 3]</c>, at least a thousand of them.</param>
    public static bool Holds(Tensor weight)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var flat = weight.flatten();
        flat = (flat - flat.mean()) / flat.std();
        double whole = Of(flat);
        return whole > Chance && Enumerable.Range(1, Side * Side - 1).All(shift => Of(flat.roll(-shift)) < whole);
    }

    /// <summary>The sum of the products of all neighbours, of numbers of mean 0 and deviation 1, in standard deviations of what it is where they are in no order.</summary>
    private static double Of(Tensor flat)
    {
        using var scope = NewDisposeScope();
        var kernels = flat.reshape(-1, Side, Side);
        var beside = kernels.narrow(2, 0, Side - 1) * kernels.narrow(2, 1, Side - 1);
        var below = kernels.narrow(1, 0, Side - 1) * kernels.narrow(1, 1, Side - 1);
        return (beside.sum().item<float>() + below.sum().item<float>()) / Math.Sqrt((double)Neighbours * kernels.shape[0]);
    }
}
