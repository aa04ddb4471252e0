using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet;

/// <summary>Opens the segmentation network that the options give.</summary>
internal static class GivenSegmenter
{
    /// <returns>The network on the device, for the caller to dispose; null where none is given.</returns>
    /// <exception cref="InvalidOperationException">Its classes are not the palette's.</exception>
    /// <exception cref="FormatException">The file is damaged, or no segmentation network.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static SegmentationNetwork? Open(SynthesizeFromLabelsEstimator.Options options, Device device)
    {
        if (options.SegmenterPath is not { } path)
            return null;
        var (network, description) = SegmentationFile.Read(path);
        string[] expected = [.. options.Palette.Classes.Select(label => label.Name)];
        if (!description.Classes.SequenceEqual(expected))
        {
            network.Dispose();
            throw new InvalidOperationException(
                $"SegmenterPath '{path}' tells {string.Join(", ", description.Classes)} apart, and the palette {options.Palette.Name} has {string.Join(", ", expected)}. Train one with this palette.");
        }
        network.to(device);
        return network;
    }
}
