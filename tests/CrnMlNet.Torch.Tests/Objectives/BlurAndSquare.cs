using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Tests.Networks;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

/// <summary>A perception network small enough for pencil and paper: the mean of 2x2 pixels, and the square of each.</summary>
internal sealed class BlurAndSquare : IPerceptionNetwork
{
    public string Description => "blur and square";

    public IReadOnlyList<string> Taps { get; } = ["blur", "square"];

    public IReadOnlyList<Tensor> Features(Tensor images) => [nn.functional.avg_pool2d(images, 2), images.square()];

    /// <summary>The same in plain loops.</summary>
    public static Maps[] Plain(Maps image) => [image.AreaAverage(2), Maps.Of(image.Channels, image.Rows, image.Columns, (c, y, x) => image[c, y, x] * image[c, y, x])];

    public void Dispose()
    {
    }
}
