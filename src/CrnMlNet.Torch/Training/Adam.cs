using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>
/// Adam (Kingma &amp; Ba, 2015; algorithm 1) with the usual constants, bit for bit <c>torch.optim.Adam</c>. Unlike that it
/// shows its moments under the parameters' names, so that a training can be continued, and works in place.
/// </summary>
internal sealed class Adam : IDisposable
{
    private const double MeanDecay = 0.9;
    private const double SquareDecay = 0.999;
    private const double Epsilon = 1e-8;

    private readonly (string Name, Parameter Parameter, Tensor Mean, Tensor Square)[] _slots;
    private readonly double _learningRate;

    /// <param name="module">What learns; it must be on its device already.</param>
    /// <param name="learningRate">The step size.</param>
    public Adam(nn.Module module, double learningRate)
    {
        _learningRate = learningRate;
        _slots = [.. module.named_parameters().Select(named =>
            (named.name, named.parameter, ZerosLike(named.parameter), ZerosLike(named.parameter)))];
    }

    /// <summary>Steps taken.</summary>
    public long Steps { get; set; }

    /// <summary>The moments of every parameter, by its name: the mean of its gradients, and of their squares.</summary>
    public IEnumerable<(string Name, Tensor Mean, Tensor Square)> Moments => _slots.Select(slot => (slot.Name, slot.Mean, slot.Square));

    /// <summary>Sets all gradients to zero.</summary>
    public void ZeroGradients()
    {
        using var scope = NewDisposeScope();
        foreach (var slot in _slots)
            slot.Parameter.grad?.zero_();
    }

    /// <summary>Changes every parameter that has a gradient.</summary>
    public void Step()
    {
        using var _ = no_grad();
        Steps++;
        using Scalar meanDecay = MeanDecay, meanShare = 1 - MeanDecay, squareDecay = SquareDecay, squareShare = 1 - SquareDecay, epsilon = Epsilon;
        using Scalar squareScale = Math.Sqrt(1 - Math.Pow(SquareDecay, Steps)), size = -_learningRate / (1 - Math.Pow(MeanDecay, Steps));
        foreach (var slot in _slots)
        {
            using var scope = NewDisposeScope();
            if (slot.Parameter.grad is not { } gradient)
                continue;
            slot.Mean.mul_(meanDecay).add_(gradient, meanShare);
            slot.Square.mul_(squareDecay).addcmul_(gradient, gradient, squareShare);
            slot.Parameter.addcdiv_(slot.Mean, slot.Square.sqrt().div_(squareScale).add_(epsilon), size);
        }
    }

    /// <summary>Frees the moments.</summary>
    public void Dispose()
    {
        foreach (var slot in _slots)
        {
            slot.Mean.Dispose();
            slot.Square.Dispose();
        }
    }

    private static Tensor ZerosLike(Tensor parameter)
    {
        using var _ = no_grad();
        return torch.zeros_like(parameter).DetachFromDisposeScope();
    }
}
