using CrnMlNet.Torch.Backend;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Objectives;

/// <summary>Flat painting: every class in its mean colour. What a synthesized photo must beat, and a scale for losses.</summary>
public static class ClassMeanColours
{
    /// <summary>Paints each photo's layout in that photo's own mean colours.</summary>
    /// <param name="layouts"><c>[N, c, H, W]</c>.</param>
    /// <param name="photos"><c>[N, 3, H, W]</c>.</param>
    /// <returns>The painting <c>[N, 3, H, W]</c>, in the photos' range.</returns>
    public static Tensor Paint(Tensor layouts, Tensor photos)
    {
        using var scope = NewDisposeScope();
        var masks = layouts.flatten(2);
        var colours = torch.bmm(masks, photos.flatten(2).transpose(1, 2)) / masks.sum(2, keepdim: true).AtLeast(1);
        return torch.bmm(colours.transpose(1, 2), masks).reshape(photos.shape).MoveToOuterDisposeScope();
    }
}
