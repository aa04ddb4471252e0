using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

/// <summary>Compares gradients with finite differences.</summary>
internal static class Gradients
{
    private const int Moved = 60;

    /// <summary>Moves up to 60 numbers of a tensor, spread over all of it, up and down.</summary>
    /// <param name="values">Double precision, and with the gradient.</param>
    /// <param name="loss">The function whose gradient it is.</param>
    /// <param name="step">How far is moved.</param>
    public static void Compare(Tensor values, Func<Tensor, double> loss, double step)
    {
        double[] gradient = values.grad!.data<double>().ToArray(), numbers = values.detach().data<double>().ToArray();
        double largest = gradient.Max(Math.Abs);
        Assert.True(largest > 0);
        int stride = Math.Max(1, numbers.Length / Moved);
        for (int i = 0; i < numbers.Length; i += stride)
            Assert.Equal((At(i, step) - At(i, -step)) / (2 * step), gradient[i], 1e-5 * largest);

        double At(int i, double change)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            double[] moved = [.. numbers];
            moved[i] += change;
            return loss(tensor(moved, values.shape));
        }
    }
}
