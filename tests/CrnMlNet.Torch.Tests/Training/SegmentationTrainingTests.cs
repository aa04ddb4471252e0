using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

public sealed class SegmentationTrainingTests
{
    private const int Classes = ShadedShapes.Channels - 1; // the fourth is void

    [Fact]
    public void LearnsToTellClassesOnPhotosThatItHasNotSeen()
    {
        using var network = new SegmentationNetwork(Classes, seed: 1);
        var losses = new List<double>();

        var end = SegmentationTraining.Train(
            network, ShadedShapes.Pairs(24, seed: 1), new SegmentationTrainingOptions { Epochs = 10, BatchSize = 4 },
            progress => losses.Add(progress.Loss), CancellationToken.None);

        Assert.Equal(TrainingEnd.Completed, end);
        Assert.Equal(60, losses.Count);
        Assert.True(losses[^1] < losses[0] / 2, $"{losses[0]} to {losses[^1]}");
        Assert.True(Accuracy(network, ShadedShapes.Pairs(8, seed: 2)) > 0.9);
        Assert.All(network.parameters(), parameter => Assert.False(parameter.requires_grad));
    }

    [Fact]
    public void TheLossIsTheCrossEntropyOfPixelsThatAreNotVoidWithClassesWeighted()
    {
        using var scope = NewDisposeScope();
        using var network = new SegmentationNetwork(2, seed: 3);
        // Their own mirror images, so that mirroring changes nothing.
        byte[] ids = [0, 0, 0, 1, 1, 0, 0, 0, 2, 2, 2, 0, 0, 2, 2, 2];
        byte[] photo = [.. Enumerable.Range(0, 6).SelectMany(row => new[] { 10, 250, 90, 30, 30, 90, 250, 10 }.Select(value => (byte)(value * (row + 3) / 8)))];
        var pairs = new TrainingPairs(3, 2, 8);
        pairs.Add(ids, photo);
        // Eight pixels are of class 0, two of class 1, which so weighs the square root of 4.
        double[] weight = [1, 2];
        var logits = network.forward(tensor(photo).to(ScalarType.Float32).reshape(1, 3, 2, 8)).data<float>().ToArray();
        double sum = 0, weights = 0;
        for (int pixel = 0; pixel < 16; pixel++)
        {
            if (ids[pixel] == 2)
                continue;
            double[] scores = [logits[pixel], logits[16 + pixel]];
            sum += weight[ids[pixel]] * (Math.Log(scores.Sum(Math.Exp)) - scores[ids[pixel]]);
            weights += weight[ids[pixel]];
        }
        double first = double.NaN;

        SegmentationTraining.Train(network, pairs, new SegmentationTrainingOptions { Epochs = 1 }, progress => first = progress.Loss, CancellationToken.None);

        Assert.Equal(sum / weights, first, 1e-4);
    }

    [Fact]
    public void EqualSeedsGiveEqualWeights()
    {
        using var scope = NewDisposeScope();
        using var one = Train(seed: 4);
        using var same = Train(seed: 4);
        using var other = Train(seed: 5);

        Assert.All(one.parameters().Zip(same.parameters()), pair => Assert.True(pair.First.Equals(pair.Second)));
        Assert.False(one.get_parameter("classify.weight")!.Equals(other.get_parameter("classify.weight")!));

        static SegmentationNetwork Train(int seed)
        {
            var network = new SegmentationNetwork(Classes);
            SegmentationTraining.Train(network, ShadedShapes.Pairs(4, seed: 1), new SegmentationTrainingOptions { Epochs = 2, BatchSize = 2, Seed = seed }, _ => { }, CancellationToken.None);
            return network;
        }
    }

    [Fact]
    public void CancellationEndsItAfterTheStep()
    {
        using var network = new SegmentationNetwork(Classes);
        using var stop = new CancellationTokenSource();
        int steps = 0;

        var end = SegmentationTraining.Train(network, ShadedShapes.Pairs(4, seed: 1), new SegmentationTrainingOptions { BatchSize = 1 }, _ =>
        {
            if (++steps == 3)
                stop.Cancel();
        }, stop.Token);

        Assert.Equal((TrainingEnd.Cancelled, 3), (end, steps));
    }

    [Fact]
    public void WhatCannotBeLearnedFromIsRefused()
    {
        using var network = new SegmentationNetwork(Classes);
        var allVoid = new TrainingPairs(ShadedShapes.Channels, 16, 16);
        allVoid.Add([.. Enumerable.Repeat((byte)Classes, 256)], new byte[3 * 256]);

        Assert.Contains("all pairs are void", Refused(allVoid, new()).Message);
        Assert.Contains("no pair", Refused(new TrainingPairs(ShadedShapes.Channels, 16, 16), new()).Message);
        Assert.Contains("4 classes and void, the network tells 3", Refused(new TrainingPairs(5, 16, 16), new()).Message);
        Assert.Contains("learning rate", Refused(ShadedShapes.Pairs(1, 1), new() { LearningRate = 1 }).Message);

        ArgumentException Refused(TrainingPairs pairs, SegmentationTrainingOptions options) =>
            Assert.ThrowsAny<ArgumentException>(() => SegmentationTraining.Train(network, pairs, options, _ => { }, CancellationToken.None));
    }

    private static double Accuracy(SegmentationNetwork network, TrainingPairs pairs)
    {
        using var scope = NewDisposeScope();
        var (layouts, photos) = pairs.Batch([.. Enumerable.Range(0, pairs.Count)], new bool[pairs.Count], CPU);
        long[] truth = layouts.argmax(1).data<long>().ToArray(), told = network.Segment(photos).data<long>().ToArray();
        var counted = truth.Zip(told).Where(pixel => pixel.First < Classes).ToList();
        return counted.Count(pixel => pixel.First == pixel.Second) / (double)counted.Count;
    }
}
