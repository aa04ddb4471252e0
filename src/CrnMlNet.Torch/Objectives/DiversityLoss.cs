using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>
/// The paper's Eq. 3: for each semantic class p by itself only that of the k images counts that is nearest to the photo
/// where the layout shows p: the sum over p of the minimum over u of the sum over layers l of
/// lambda_l |L_p^l (.) (Phi_l(I) - Phi_l(g_u(L)))|. It is what the best virtual image would have, put together of the best
/// image for every class.
/// </summary>
/// <param name="perception">Phi. Stays the caller's to dispose.</param>
/// <param name="weights">lambda, for the image and each of the network's taps.</param>
/// <exception cref="ArgumentException">The weights are not for the image and this network's taps.</exception>
/// <remarks>
/// As in the authors' code (<c>compute_error</c> in GTA_Diversity_256p.py): the mask L_p^l is the layout, void included,
/// averaged over the area of each of the layer's cells; masked distances are divided by all of the layer's places, not by
/// those of the class, so that with one image Eq. 3 is Eq. 1; and 0.001 of the mean over all images is added to 0.999 of the
/// minimum, which the paper does not have.
/// </remarks>
public sealed class DiversityLoss(IPerceptionNetwork perception, LayerWeights weights) : BestOfImages(perception, weights)
{
    /// <inheritdoc/>
    public override string Description => "class by class the nearest of the images (Eq. 3)";

    private protected override Tensor Parts(Tensor distance, Tensor layouts)
    {
        long rows = distance.shape[2], columns = distance.shape[3];
        var masks = SemanticLayout.AreaAverage(layouts, rows, columns);
        return torch.bmm(distance.flatten(2), masks.flatten(2).transpose(1, 2)).Times(1.0 / (rows * columns));
    }
}
