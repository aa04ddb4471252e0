namespace CrnMlNet;

/// <summary>What a column of synthesized photos holds.</summary>
public enum OutputKind
{
    /// <summary>An image: <see cref="Microsoft.ML.Data.MLImage"/>, 8 bits per colour.</summary>
    Image,

    /// <summary>
    /// A vector of <see cref="float"/>, <c>[3, H, W]</c>: the red plane row by row, then green, then blue, each value 0 to 255 and not
    /// rounded. A row without labels has NaN throughout.
    /// </summary>
    Vector,
}
