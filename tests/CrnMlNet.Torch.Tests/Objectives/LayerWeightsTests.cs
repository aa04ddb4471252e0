using CrnMlNet.Torch.Objectives;

namespace CrnMlNet.Torch.Tests.Objectives;

public sealed class LayerWeightsTests
{
    [Fact]
    public void BalancedLayersContributeAsMuchAsTheImage()
    {
        var weights = LayerWeights.Balance(["image", "a", "b", "c"], [12, 3, 48, 0]);

        Assert.Equal([1, 4, 0.25, 1], weights.Values);
        Assert.Equal("image 1, a 4, b 0.25, c 1", weights.ToString());
    }

    [Fact]
    public void PhotosThatAreFlatAlreadyWeighEveryLayerAlike()
    {
        // Nothing differs from a flat painting: no scale can be told, and no layer may be left out.
        Assert.Equal([1, 1], LayerWeights.Balance(["image", "a"], [0, 0]).Values);
    }
}
