using System.Runtime.InteropServices;
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
    internal const double MeanDecay = 0.9;
    internal const double SquareDecay = 0.999;
    private const double Epsilon = 1e-8;

    private readonly double _meanDecay;
    private readonly (string Name, Parameter Parameter, Tensor Mean, Tensor Square)[] _slots;

    /// <param name="module">What learns, as far as its parameters require gradients; it must be on its device already.</param>
    /// <param name="learningRate">The step size.</param>
    /// <param name="meanDecay">beta_1.</param>
    public Adam(nn.Module module, double learningRate, double meanDecay = MeanDecay)
    {
        _meanDecay = meanDecay;
        LearningRate = learningRate;
        _slots = [.. module.named_parameters().Where(named => named.parameter.requires_grad).Select(named =>
            (named.name, named.parameter, ZerosLike(named.parameter), ZerosLike(named.parameter)))];
        Steps = torch.zeros(_slots.Length, ScalarType.Int64).DetachFromDisposeScope();
    }

    /// <summary>The step size.</summary>
    public double LearningRate { get; set; }

    /// <summary>Steps taken with each parameter, <c>[parameters]</c>, int64, on the CPU: one without a gradient is not changed and not counted.</summary>
    public Tensor Steps { get; }

    /// <summary>The moments of every parameter that learns, by its name: the mean of its gradients, and of their squares.</summary>
    public IEnumerable<(string Name, Tensor Mean, Tensor Square)> Moments => _slots.Select(slot => (slot.Name, slot.Mean, slot.Square));

    /// <summary>Goes on from where another Adam was; a parameter that it did not know begins anew.</summary>
    /// <exception cref="ArgumentException">A moment has another shape than its parameter.</exception>
    public void GoOnFrom(AdamState state)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        for (int i = 0; i < _slots.Length; i++)
        {
            var (name, parameter, mean, square) = _slots[i];
            if (!state.Moments.TryGetValue(name, out var moments))
                continue;
            if (!moments.Mean.shape.AsSpan().SequenceEqual(parameter.shape) || !moments.Square.shape.AsSpan().SequenceEqual(parameter.shape))
                throw new ArgumentException($"Adam's moments of '{name}' do not have its shape [{string.Join(", ", parameter.shape)}].", nameof(state));
            mean.copy_(moments.Mean);
            square.copy_(moments.Square);
            StepsOf(i) = moments.Steps;
        }
    }

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
        using Scalar meanDecay = _meanDecay, meanShare = 1 - _meanDecay, squareDecay = SquareDecay, squareShare = 1 - SquareDecay, epsilon = Epsilon, one = 1;
        for (int i = 0; i < _slots.Length; i++)
        {
            using var scope = NewDisposeScope();
            var slot = _slots[i];
            if (slot.Parameter.grad is not { } gradient)
                continue;
            long steps = ++StepsOf(i);
            using Scalar squareScale = Math.Sqrt(1 - Math.Pow(SquareDecay, steps)), size = -LearningRate / (1 - Math.Pow(_meanDecay, steps));
            slot.Mean.mul_(meanDecay).add_(gradient, meanShare);
            slot.Square.mul_(squareDecay).addcmul_(gradient, gradient, squareShare);
            slot.Parameter.addcdiv_(slot.Mean, slot.Square.sqrt().div_(squareScale).add_(epsilon, one), size);
        }
    }

    /// <summary>Frees the moments.</summary>
    public void Dispose()
    {
        Steps.Dispose();
        foreach (var slot in _slots)
        {
            slot.Mean.Dispose();
            slot.Square.Dispose();
        }
    }

    private ref long StepsOf(int slot) => ref MemoryMarshal.Cast<byte, long>(Steps.bytes)[slot];

    private static Tensor ZerosLike(Tensor parameter)
    {
        using var _ = no_grad();
        return torch.zeros_like(parameter).DetachFromDisposeScope();
    }
}
