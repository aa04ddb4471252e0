namespace CrnMlNet.Torch.Networks;

/// <summary>The kinds of networks that paint photos of layouts: the paper's own, and those that it is compared with.</summary>
public enum NetworkKind
{
    /// <summary><see cref="CascadedRefinementNetwork"/>.</summary>
    CascadedRefinement,
}
