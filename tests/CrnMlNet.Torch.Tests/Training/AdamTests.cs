using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

[Collection(RunAlone.Name)]
public sealed class AdamTests
{
    private static readonly CrnArchitecture Small = new() { Channels = 3, Height = 24, Width = 32, WidthFactor = 1.0 / 64 };

    [Fact]
    public void TheStepsAreTorchSharpsBitForBit()
    {
        using var scope = NewDisposeScope();
        using var ours = new CascadedRefinementNetwork(Small, seed: 3);
        using var theirs = new CascadedRefinementNetwork(Small, seed: 3);
        using var adam = new Adam(ours, 1e-2);
        using var reference = optim.Adam(theirs.parameters(), 1e-2);

        for (int step = 0; step < 20; step++)
        {
            adam.ZeroGradients();
            reference.zero_grad();
            foreach (var network in new[] { ours, theirs })
                network.forward(Layout(step)).abs().mean().backward();
            adam.Step();
            reference.step();
        }

        Assert.All(adam.Steps.data<long>().ToArray(), steps => Assert.Equal(20, steps));
        foreach (var (mine, other) in ours.parameters().Zip(theirs.parameters()))
            Assert.True(mine.detach().bytes.SequenceEqual(other.detach().bytes));
    }

    [Fact]
    public void ThreeStepsByHand()
    {
        using var scope = NewDisposeScope();
        using var line = nn.Linear(1, 1, hasBias: false);
        using (no_grad())
            line.weight!.fill_(1);
        using var adam = new Adam(line, 0.1);

        // Algorithm 1 of the paper in double precision, with the gradients 2, -1 and 4.
        double weight = 1, mean = 0, square = 0;
        double[] gradients = [2, -1, 4];
        for (int t = 1; t <= 3; t++)
        {
            double gradient = gradients[t - 1];
            mean = 0.9 * mean + 0.1 * gradient;
            square = 0.999 * square + 0.001 * gradient * gradient;
            weight -= 0.1 * (mean / (1 - Math.Pow(0.9, t))) / (Math.Sqrt(square / (1 - Math.Pow(0.999, t))) + 1e-8);
            adam.ZeroGradients();
            line.forward(torch.tensor([(float)gradient]).reshape(1, 1)).sum().backward();
            adam.Step();
            Assert.Equal(weight, line.weight!.item<float>(), 1e-5);
        }
    }

    [Fact]
    public void AParameterGoesOnFromItsMomentsAndAnotherBeginsAnew()
    {
        using var scope = NewDisposeScope();
        using var line = nn.Linear(1, 1);
        using (no_grad())
        {
            line.weight!.fill_(1);
            line.bias!.fill_(1);
        }
        using var adam = new Adam(line, 0.1);
        using var start = new AdamState(new Dictionary<string, AdamMoments> { ["weight"] = new(tensor([0.5f]).reshape(1, 1), tensor([0.25f]).reshape(1, 1), 10) });

        adam.GoOnFrom(start);
        line.forward(tensor([2f]).reshape(1, 1)).sum().backward();
        adam.Step();

        // The eleventh step of the weight, of gradient 2, and the first of the bias, which is as long as the learning rate.
        double mean = (0.9 * 0.5 + 0.1 * 2) / (1 - Math.Pow(0.9, 11)), square = (0.999 * 0.25 + 0.001 * 4) / (1 - Math.Pow(0.999, 11));
        Assert.Equal(1 - 0.1 * mean / Math.Sqrt(square), line.weight!.item<float>(), 1e-6);
        Assert.Equal(0.9, line.bias!.item<float>(), 1e-6);
        Assert.Equal([11L, 1L], adam.Steps.data<long>().ToArray());
    }

    [Fact]
    public void AParameterWithoutAGradientIsNotCounted()
    {
        using var scope = NewDisposeScope();
        using var line = nn.Linear(1, 1);
        using var adam = new Adam(line, 0.1);

        line.bias!.requires_grad_(false);
        line.forward(tensor([2f]).reshape(1, 1)).sum().backward();
        adam.Step();

        Assert.Equal([1L, 0L], adam.Steps.data<long>().ToArray());
    }

    [Fact]
    public void NoTensorIsLeft()
    {
        using var network = new CascadedRefinementNetwork(Small);
        using var adam = new Adam(network, 1e-3);
        Step();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int i = 0; i < 3; i++)
            Step();

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Step()
        {
            using var scope = NewDisposeScope();
            adam.ZeroGradients();
            network.forward(Layout(0)).mean().backward();
            adam.Step();
        }
    }

    private static Tensor Layout(int step)
    {
        var ids = torch.arange(24 * 32, ScalarType.Int64).add(step).remainder(3).reshape(1, 24, 32);
        return CrnMlNet.Torch.Layouts.SemanticLayout.OneHot(ids, 3);
    }
}
