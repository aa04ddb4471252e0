namespace CrnMlNet.Torch.Convolutions;

/// <summary>
/// The transforms of Winograd's F(m x m, 3x3) (Lavin &amp; Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, section 4):
/// <c>Y = A^T [(G g G^T) * (B^T d B)] A</c> for tiles d that overlap by two rows and columns and outputs Y of m x m.
/// </summary>
/// <remarks>A place of the products is numbered row by row. The larger m is, the fewer products there are, and the more they grow before they cancel.</remarks>
internal abstract unsafe class WinogradTransforms
{
    /// <summary>m: rows and columns of outputs that a tile gives.</summary>
    public abstract int Outputs { get; }

    /// <summary>Rows and columns of inputs that a tile takes.</summary>
    public int Inputs => Outputs + 2;

    /// <summary>Products of a tile, a feature map and an input.</summary>
    public int Places => Inputs * Inputs;

    /// <summary><c>G g G^T</c> of as many filters as a vector has numbers.</summary>
    /// <param name="filters">For each place of the 3x3 a number of each filter.</param>
    /// <param name="between">Room for three columns of vectors, as long as a tile's.</param>
    /// <param name="places">Receives the transformed filters, place by place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    public abstract void TransformFilters(float* filters, float* between, float* places, int place);

    /// <summary><c>B^T d B</c> of a row of tiles.</summary>
    /// <param name="rows">A tile's rows of inputs, each in m parts: every m-th value from the first on, from the second on and so on.</param>
    /// <param name="part">Floats from one part to the next, a multiple of a vector's.</param>
    /// <param name="between">Room for as many such rows.</param>
    /// <param name="tiles">How many tiles; up to a vector's more are written.</param>
    /// <param name="places">Receives the tiles, place by place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    public abstract void TransformInput(float** rows, int part, float* between, int tiles, float* places, int place);

    /// <summary><c>A^T M A</c> of a row of tiles.</summary>
    /// <param name="places">The tiles, place by place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    /// <param name="tiles">How many tiles; up to a vector's more are written.</param>
    /// <param name="between">Room for m rows of vectors, as long as a tile's.</param>
    /// <param name="rows">Receives m rows of outputs, each in m parts as in <see cref="TransformInput"/>.</param>
    /// <param name="part">Floats from one part to the next.</param>
    public abstract void TransformOutput(float* places, int place, int tiles, float* between, float* rows, int part);
}
