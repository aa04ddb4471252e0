using static TorchSharp.torch;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>The order of maps in memory. TorchSharp has no name for it, but strides make one.</summary>
internal static class MemoryFormat
{
    /// <summary>The same maps <c>[N, C, H, W]</c> with a pixel's values of all maps side by side, as oneDNN and cuDNN convolve fastest in bfloat16.</summary>
    public static Tensor ChannelsLast(this Tensor maps) => maps.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
}
