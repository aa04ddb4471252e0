using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>
/// The paper's objective of its first baseline: a synthesized photo is to show what its layout says, in the eyes of a segmentation network
/// that was trained on real photos: the mean over pixels of the cross-entropy between the layout and what the network sees.
/// </summary>
internal static class SegmentationLoss
{
    /// <summary>The loss in nats. Void pixels do not count.</summary>
    /// <param name="segmenter">The segmentation network, which learns nothing.</param>
    /// <param name="images">The synthesized images <c>[N, k, 3, H, W]</c>, 0 to 255. Gradients flow to these alone.</param>
    /// <param name="layouts">The layouts <c>[N, c, H, W]</c>, of which the last channel is void and the others are the network's classes.</param>
    /// <returns>A scalar tensor.</returns>
    public static Tensor Of(SegmentationNetwork segmenter, Tensor images, Tensor layouts)
    {
        var shares = layouts.narrow(1, 0, segmenter.Classes);
        if (images.shape[1] > 1)
            shares = shares.repeat_interleave(images.shape[1], 0);
        var seen = nn.functional.log_softmax(segmenter.forward(images.flatten(0, 1)), 1);
        return (shares * seen).sum().neg() / shares.sum().AtLeast(1e-6);
    }
}
