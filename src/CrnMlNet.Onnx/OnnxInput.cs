namespace CrnMlNet.Onnx;

/// <summary>What an exported model takes.</summary>
public enum OnnxInput
{
    /// <summary>
    /// <c>ids</c>: the palette's ids, as an index label image has them, <c>[N, H, W]</c> of uint8, or of uint16 where an id is above 255.
    /// Ids that the palette lacks are void.
    /// </summary>
    ClassIds,

    /// <summary>
    /// <c>layout</c>: a channel for each class of the palette and then one for void, <c>[N, c, H, W]</c> of float32, each pixel
    /// summing to one.
    /// </summary>
    OneHot,
}
