using System.Runtime.Intrinsics;
using CrnMlNet.Torch.Convolutions;

namespace CrnMlNet.Torch.Tests.Convolutions;

/// <summary>The kernels with vectors of every width; .NET does without a processor's support for one.</summary>
internal static class VectorWidths
{
    public static WinogradKernels[] All { get; } =
        [new WinogradKernels<SingleLane, float>(), new WinogradKernels<Lanes256, Vector256<float>>(), new WinogradKernels<Lanes512, Vector512<float>>()];

    /// <summary>Each with the transforms of every size of tile.</summary>
    public static IEnumerable<(WinogradKernels Kernels, WinogradTransforms Transforms)> AllTiles =>
        from kernels in All from transforms in new WinogradTransforms[] { kernels.Of4x4, kernels.Of6x6 } select (kernels, transforms);
}
