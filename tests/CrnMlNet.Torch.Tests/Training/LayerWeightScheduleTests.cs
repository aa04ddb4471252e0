using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;

namespace CrnMlNet.Torch.Tests.Training;

public sealed class LayerWeightScheduleTests
{
    private static readonly string[] Layers = ["image", "a", "b"];

    [Fact]
    public void WeightsAreRescaledOnceToWhatTheEpochBeforeHasShown()
    {
        var lambda = new LayerWeightSchedule(LayerWeighting.Paper(rescaleAfter: 2), LayerWeights.Even(Layers));

        Assert.False(Epoch(1, ([1, 1, 1], 2)));
        Assert.False(Epoch(2, ([2, 8, 0.5f], 2), ([5, 5, 2], 1)));
        Assert.Equal([1, 1, 1], lambda.Weights.Values);
        // Over the three pairs of epoch 2: (2 + 2 + 5) / 3 = 3, (8 + 8 + 5) / 3 = 7, (0.5 + 0.5 + 2) / 3 = 1.
        Assert.True(Epoch(3, ([100, 1, 1], 2)));
        Assert.Equal([1, 3.0 / 7, 3], lambda.Weights.Values);
        Assert.False(Epoch(4, ([100, 1, 1], 2)));
        Assert.Equal([1, 3.0 / 7, 3], lambda.Weights.Values);

        bool Epoch(int epoch, params (float[] Terms, int Pairs)[] steps)
        {
            bool isRescaled = lambda.BeginEpoch(epoch);
            foreach (var (terms, pairs) in steps)
                lambda.Add(terms, pairs);
            return isRescaled;
        }
    }

    [Fact]
    public void OtherWeightsStay()
    {
        var lambda = new LayerWeightSchedule(LayerWeighting.Calibrated, new LayerWeights(Layers, [1, 2, 3]));

        for (int epoch = 1; epoch < 200; epoch++)
        {
            Assert.False(lambda.BeginEpoch(epoch));
            lambda.Add([1, 5, 9], 1);
        }

        Assert.Equal([1, 2, 3], lambda.Weights.Values);
    }

    [Fact]
    public void BestIsAnEpochWhoseLossCompares()
    {
        double[] losses = [5, 2, 3, 40, 30, 35];

        Assert.Equal(2, TrainingState.BestEpoch(losses, rescaledAfter: null));
        Assert.Equal(2, TrainingState.BestEpoch(losses[..3], rescaledAfter: 3));
        Assert.Equal(4, TrainingState.BestEpoch(losses[..4], rescaledAfter: 3));
        Assert.Equal(5, TrainingState.BestEpoch(losses, rescaledAfter: 3));
        Assert.Equal(0, TrainingState.BestEpoch([], rescaledAfter: 3));
    }
}
