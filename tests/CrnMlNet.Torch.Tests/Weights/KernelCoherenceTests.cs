using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

public class KernelCoherenceTests
{
    [Fact]
    public void KernelsThatHangTogetherHold() => Check(true, weight => weight);

    [Fact]
    public void HoldsForKernelsThatChangeFromOneNeighbourToTheNextAsMuchAsTheyStay() => Check(true, weight => weight, coherence: 0.1);

    [Fact]
    public void NumbersInNoOrderDoNot() => Check(false, weight => weight, coherence: 0);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(-1)]
    public void KernelsCutAtTheWrongPlaceDoNot(int shift) => Check(false, weight => weight.flatten().roll(shift).reshape(weight.shape));

    [Fact]
    public void ScrambledNumbersDoNot() => Check(false, weight => weight.flatten().index_select(0, torch.randperm(weight.numel())).reshape(weight.shape));

    [Fact]
    public void AnotherOrderOfDimensionsDoesNot() => Check(false, weight => weight.permute(2, 3, 1, 0).contiguous().reshape(weight.shape));

    private static void Check(bool expected, Func<Tensor, Tensor> change, double coherence = 0.5)
    {
        using var scope = NewDisposeScope();
        using var network = DrawnVgg19.Make(coherence: coherence);
        // The smallest that is looked at, and a large one.
        Assert.Equal(expected, KernelCoherence.Holds(change(network.Weights["conv1_2.weight"])));
        Assert.Equal(expected, KernelCoherence.Holds(change(network.Weights["conv3_1.weight"])));
    }
}
