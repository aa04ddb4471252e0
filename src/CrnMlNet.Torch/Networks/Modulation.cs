namespace CrnMlNet.Torch.Networks;

/// <summary>What scales and shifts the maps of a cascade after they were normalised.</summary>
public enum Modulation
{
    /// <summary>A gain and a bias for each map, the same everywhere: layer normalisation, as in the paper.</summary>
    None,

    /// <summary>
    /// A gain and a bias for each map and class, so that what normalisation takes of a large area is given back there: class-adaptive normalisation,
    /// CLADE (Tan et al., TPAMI 2021). It costs next to nothing.
    /// </summary>
    Clade,

    /// <summary>
    /// Gains and biases that convolutions make of the layout around each place: spatially-adaptive normalisation, SPADE (Park et al., CVPR 2019). It
    /// costs as much as the cascade itself.
    /// </summary>
    Spade,
}
