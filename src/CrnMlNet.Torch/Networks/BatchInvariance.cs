using CrnMlNet.Torch.Convolutions;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Networks;

/// <summary>
/// Convolutions whose result for an image does not depend on how many images there are: bit for bit on the CPU, for up to
/// <see cref="LargestBatch"/> images. Undilated 3x3 and 1x1 ones do not depend on the number of threads either.
/// </summary>
/// <remarks>
/// libtorch convolves by oneDNN, but a single small image by its own kernel, which adds in another order; and on one thread
/// a 1x1 convolution of fewer than 16 images, too (aten/src/ATen/native/Convolution.cpp, <c>use_mkldnn</c>). Of some 37,000
/// values of a 96x128 photo, 5 would differ by one.
/// </remarks>
internal static class BatchInvariance
{
    /// <summary>Images that may be run at once.</summary>
    public const int LargestBatch = 15;

    private const long SmallInput = 20480;

    /// <summary>
    /// Convolves each image by itself: for dilated, strided and transposed convolutions, where oneDNN chooses its way by the number of images.
    /// While gradients are kept, as when training, plainly.
    /// </summary>
    public static Tensor ConvolveEach(this nn.Module<Tensor, Tensor> convolution, Tensor input)
    {
        if (input.shape[0] == 1 || input.device_type != DeviceType.CPU || is_grad_enabled())
            return convolution.forward(input);
        using var scope = NewDisposeScope();
        return torch.cat([.. input.split(1).Select(convolution.forward)]).MoveToOuterDisposeScope();
    }

    /// <summary>Convolves. While gradients are kept, as when training, plainly, or a 3x3 convolution the fast way.</summary>
    public static Tensor Convolve(this nn.Module<Tensor, Tensor> convolution, Tensor input)
    {
        if (is_grad_enabled() && convolution is Conv2d { kernel_size: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 } plain)
            return Convolution3x3.Run(input, plain.weight!, plain.bias);
        if (is_grad_enabled() || input.device_type != DeviceType.CPU)
            return convolution.forward(input);
        if (input.shape[0] != 1 || input.numel() > SmallInput)
            return ByOneDnn(convolution, input);
        // Two of the same are no longer a single one; at this size they cost next to nothing.
        using var twice = input.expand(2, -1, -1, -1);
        using var both = ByOneDnn(convolution, twice);
        return both.narrow(0, 0, 1);
    }

    // Dilated, a 1x1 convolution is the same one, and convolved by oneDNN on one thread, too.
    private static Tensor ByOneDnn(nn.Module<Tensor, Tensor> convolution, Tensor input)
        => convolution is Conv2d { kernel_size: [1, 1], stride: [1, 1], padding: [0, 0], groups: 1 } single
            ? nn.functional.conv2d(input, single.weight!, single.bias, dilation: [2, 2])
            : convolution.forward(input);
}
