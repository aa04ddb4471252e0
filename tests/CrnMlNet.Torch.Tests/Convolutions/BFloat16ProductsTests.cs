using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Convolutions;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Convolutions;

public sealed unsafe class BFloat16ProductsTests
{
    /// <summary>As libtorch rounds; ties, what is beyond all numbers, and numbers of few bits included.</summary>
    [Fact]
    public void NumbersAreRoundedToTheNearest()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        float[] special =
        [
            0, -0f, 1, -1, 1 + 1 / 256f, 1 + 3 / 256f, -1 - 1 / 256f, 1 + 1 / 256f + 1e-6f, 1 + 1 / 256f - 1e-6f, float.MaxValue, float.MinValue,
            float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, 1e-40f, -3e-39f, 65504, 1 / 3f,
        ];
        var numbers = cat([tensor(special), randn(1001, generator: generator).Times(1000)]);
        float[] single = numbers.data<float>().ToArray(), again = new float[single.Length];
        var rounded = new ushort[single.Length];

        fixed (float* from = single, to = again)
        fixed (ushort* middle = rounded)
        {
            BFloat16Products.Round(from, middle, single.Length);
            BFloat16Products.Widen(middle, to, single.Length);
        }

        Assert.Equal(numbers.to(ScalarType.BFloat16).to(ScalarType.Float32).data<float>().ToArray(), again);
    }
}
