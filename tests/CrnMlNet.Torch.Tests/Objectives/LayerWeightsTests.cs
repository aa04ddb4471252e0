using CrnMlNet.Torch.Objectives;

namespace CrnMlNet.Torch.Tests.Objectives;

public sealed class LayerWeightsTests
{
    [Fact]
    public void BalancedLayersContributeAsMuchAsTheImage()
    {
        var weights = LayerWeights.Balance(["image", "a", "b", "c"], [12, 3, 48, 0]);

        Assert.Equal([1, 4, 0.25, 0], weights.Values);
        Assert.Equal("image 1, a 4, b 0.25, c 0", weights.ToString());
    }
}
