namespace CrnMlNet.Torch.Networks;

/// <summary>The kinds of networks that paint photos of layouts: the paper's own, and those that it is compared with.</summary>
public enum NetworkKind
{
    /// <summary><see cref="CascadedRefinementNetwork"/>.</summary>
    CascadedRefinement,

    /// <summary><see cref="FullResolutionNetwork"/>.</summary>
    FullResolution,

    /// <summary><see cref="Networks.UNet"/>.</summary>
    UNet,

    /// <summary><see cref="RecombinatorNetwork"/>.</summary>
    Recombinator,

    /// <summary><see cref="Pix2PixGenerator"/>.</summary>
    Pix2Pix,
}
