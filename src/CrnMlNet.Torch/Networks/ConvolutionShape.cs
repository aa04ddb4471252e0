namespace CrnMlNet.Torch.Networks;

/// <summary>One convolution of a network: what is needed to tell beforehand what the network costs.</summary>
/// <param name="Rows">Rows of the maps that it gives; of one that upsamples by itself, of those that it gets.</param>
/// <param name="Columns">Their columns.</param>
/// <param name="Inputs">Feature maps that it gets.</param>
/// <param name="Outputs">Feature maps that it gives.</param>
/// <param name="Size">The side of its kernels.</param>
/// <param name="Follows">What is learned beside the kernels.</param>
internal sealed record ConvolutionShape(int Rows, int Columns, int Inputs, int Outputs, int Size, Follows Follows)
{
    /// <summary>How many numbers it learns.</summary>
    public long Parameters => (long)Size * Size * Inputs * Outputs + (int)Follows * (long)Outputs;

    /// <summary>Multiplications for one layout.</summary>
    public double Work => (double)Rows * Columns * Size * Size * Inputs * Outputs;

    /// <summary>The numbers in one of its maps.</summary>
    public double Pixels => (double)Rows * Columns;
}

/// <summary>What is learned for each map beside a convolution's kernels; the value is how many numbers.</summary>
internal enum Follows
{
    /// <summary>Nothing.</summary>
    Nothing = 0,

    /// <summary>A bias.</summary>
    Bias = 1,

    /// <summary>The scale and the shift of a normalisation.</summary>
    Normalisation = 2,
}
