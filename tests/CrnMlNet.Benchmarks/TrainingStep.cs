using System.Diagnostics;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Benchmarks;

/// <summary>
/// A training step with a VGG-shaped perception network, in turn with <see cref="PlainTraining"/>'s from the same weights on the same
/// pairs; and with the latter's from weights a rounding apart, which tells how far losses part by chance.
/// </summary>
internal static class TrainingStep
{
    private const double LearningRate = 1e-4;

    /// <summary>A step may take half of the plain one's time.</summary>
    private const double Least = 2;

    /// <summary>Losses may differ by 2%.</summary>
    private const double LargestDifference = 0.02;

    /// <summary>A float's last bit is 1.2e-7 of it at most.</summary>
    private const double Rounding = 1.2e-7;

    /// <summary>Trains both and prints their times and losses.</summary>
    /// <param name="architecture">The network.</param>
    /// <param name="pairs">Pairs to learn from.</param>
    /// <param name="steps">How many steps.</param>
    /// <param name="precision">In which numbers ours computes.</param>
    /// <returns>Whether the limits are kept.</returns>
    public static bool Report(CrnArchitecture architecture, int pairs, int steps, TrainingPrecision precision)
    {
        TorchBackend.Start();
        var data = Pairs(architecture, pairs);
        using var network = new CascadedRefinementNetwork(architecture, seed: 1);
        using var perception = RandomVgg19();
        using var plain = new PlainTraining(network, perception, LearningRate);
        using var rounded = new PlainTraining(network, perception, LearningRate, Rounding);
        double[] weights = [1, 0.6, 0.4, 0.5, 0.4, 10];
        var options = new TrainingOptions { Epochs = (steps + pairs - 1) / pairs, LearningRate = LearningRate, Precision = precision, Mirror = false, LayerWeights = LayerWeighting.Given(weights) };
        var (ours, theirs) = (new List<double>(), new List<double>());
        var (losses, plainLosses, roundedLosses) = (new List<double>(), new List<double>(), new List<double>());
        double sum = 0;
        var clock = Stopwatch.StartNew();
        Trainer.Train(
            network, perception, data, options,
            progress =>
            {
                ours.Add(clock.Elapsed.TotalSeconds);
                int inEpoch = (int)((progress.Step - 1) % pairs);
                // The report tells the epoch's mean so far.
                sum = inEpoch == 0 ? 0 : sum;
                losses.Add(progress.Loss * (inEpoch + 1) - sum);
                sum += losses[^1];
                clock.Restart();
                int pair = Order(options.Seed, progress.Epoch, pairs)[inEpoch];
                plainLosses.Add(PlainStep(plain, architecture, data, pair, weights));
                theirs.Add(clock.Elapsed.TotalSeconds);
                roundedLosses.Add(PlainStep(rounded, architecture, data, pair, weights));
                clock.Restart();
            },
            _ => { }, CancellationToken.None);
        double ratio = Timing.Median(theirs.Zip(ours, (plainly, fast) => plainly / fast));
        // Whole epochs, and several of them: from one step to the next losses jump.
        int last = Math.Max(pairs, losses.Count / 5 / pairs * pairs);
        double Apart(List<double> of) => Math.Abs(of.TakeLast(last).Average() / plainLosses.TakeLast(last).Average() - 1);
        double difference = Apart(losses);
        Console.WriteLine(
            $"{architecture.Height}x{architecture.Width}, width {architecture.WidthFactor:0.####}, {pairs} pairs, {get_num_threads()} threads, {precision}, {losses.Count} steps: a step takes {Timing.Median(ours):0.000} s, "
            + $"TorchSharp's {Timing.Median(theirs):0.000} s: {ratio:0.00} times as fast (at least {Least}); the losses of the last {last} steps {losses.TakeLast(last).Average():0.00} and {plainLosses.TakeLast(last).Average():0.00}, "
            + $"{100 * difference:0.000}% apart (at most {100 * LargestDifference}%); TorchSharp's from weights a rounding apart {roundedLosses.TakeLast(last).Average():0.00}, {100 * Apart(roundedLosses):0.000}% apart");
        return ratio >= Least && difference <= LargestDifference;
    }

    private static double PlainStep(PlainTraining plain, CrnArchitecture architecture, TrainingPairs data, int pair, double[] weights)
    {
        using var scope = NewDisposeScope();
        var (layouts, photos) = data.Batch([pair], [false], CPU);
        var modules = architecture.Modules();
        var pyramid = SemanticLayout.Pyramid(SemanticLayout.Extend(layouts, modules[^1].Rows, modules[^1].Columns), modules.Count);
        return plain.Step(pyramid, photos, weights);
    }

    // The order in which EpochLoop goes through the pairs.
    private static int[] Order(int seed, int epoch, int pairs)
    {
        var random = new Random(unchecked(seed * (int)0x9E3779B1 + epoch * (int)0x85EBCA6B));
        int[] order = [.. Enumerable.Range(0, pairs)];
        random.Shuffle(order);
        return order;
    }

    /// <summary>VGG-19's shape with weights by chance, of such magnitude that activations keep theirs (He et al., 2015).</summary>
    private static Vgg19 RandomVgg19()
    {
        var vgg19 = new Vgg19(new Vgg19Source("weights by chance", new string('0', 64), Vgg19Normalisation.TorchVision));
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        foreach (var (name, shape) in Vgg19.Shapes)
        {
            if (name.EndsWith(".weight", StringComparison.Ordinal))
                vgg19.Weights[name].copy_(randn(shape, generator: generator) * Math.Sqrt(2.0 / (9 * shape[1])));
        }

        return vgg19;
    }

    /// <summary>Layouts of stripes, and photos of the same with a grain.</summary>
    private static TrainingPairs Pairs(CrnArchitecture architecture, int count)
    {
        var random = new Random(1);
        var pairs = new TrainingPairs(architecture.Channels, architecture.Height, architecture.Width);
        for (int i = 0; i < count; i++)
        {
            var (ids, photo) = (new byte[architecture.Height * architecture.Width], new byte[3 * architecture.Height * architecture.Width]);
            for (int pixel = 0; pixel < ids.Length; pixel++)
            {
                ids[pixel] = (byte)((pixel % architecture.Width * (i + 1) / 16 + pixel / architecture.Width / 16) % (architecture.Channels - 1));
                for (int colour = 0; colour < 3; colour++)
                    photo[colour * ids.Length + pixel] = (byte)Math.Clamp(20 * ids[pixel] % (200 - 40 * colour) + random.Next(40), 0, 255);
            }

            pairs.Add(ids, photo);
        }

        return pairs;
    }
}
