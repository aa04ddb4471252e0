using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Backend;

/// <summary>
/// Tensors and numbers: what is elsewhere written <c>x + 1</c>, <c>x * 2</c> and even <c>x + y</c>. To be used instead.
/// </summary>
/// <remarks>
/// TorchSharp 0.107 makes a native <see cref="Scalar"/> of each number, among them of the 1 that it multiplies the second tensor
/// of a sum with, and hands libtorch its address alone. The garbage collector, running on another thread, may then free it before
/// libtorch has read it, which ends in "Expected false to be true, but got false", or unnoticed in another number. Here each
/// <see cref="Scalar"/> lives until it has been read.
/// </remarks>
internal static class Numbers
{
    /// <summary><c>x + number</c></summary>
    public static Tensor Plus(this Tensor x, double number)
    {
        using Scalar scalar = number, one = 1;
        return x.add(scalar, one);
    }

    /// <summary><c>x + y</c></summary>
    public static Tensor Plus(this Tensor x, Tensor y)
    {
        using Scalar one = 1;
        return x.add(y, one);
    }

    /// <summary><c>x * number</c></summary>
    public static Tensor Times(this Tensor x, double number)
    {
        using Scalar scalar = number;
        return x.mul(scalar);
    }

    /// <summary><c>x</c>, but at least <paramref name="min"/>.</summary>
    public static Tensor AtLeast(this Tensor x, double min)
    {
        using Scalar scalar = min;
        return x.clamp(min: scalar);
    }

    /// <summary><c>x</c>, but at most <paramref name="max"/>.</summary>
    public static Tensor AtMost(this Tensor x, double max)
    {
        using Scalar scalar = max;
        return x.clamp(max: scalar);
    }

    /// <summary><c>x</c>, but at least <paramref name="min"/> and at most <paramref name="max"/>.</summary>
    public static Tensor Within(this Tensor x, double min, double max)
    {
        using Scalar least = min, most = max;
        return x.clamp(least, most);
    }

    /// <summary><c>x</c>, with <paramref name="slope"/> times <c>x</c> where it is below 0.</summary>
    public static Tensor LeakyReLU(this Tensor x, double slope)
    {
        using Scalar scalar = slope;
        return x.leaky_relu(scalar);
    }

    /// <summary>The same in place, which a normalisation's backward pass before it allows: it needs its input alone.</summary>
    public static Tensor LeakyReLUInPlace(this Tensor x, double slope)
    {
        using Scalar scalar = slope;
        return x.leaky_relu_(scalar);
    }

    /// <summary>Sets all of <c>x</c> to a number, in place.</summary>
    public static void Fill(this Tensor x, double number)
    {
        using Scalar scalar = number;
        x.fill_(scalar);
    }
}
